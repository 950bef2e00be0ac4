"""``python -m hil fidelity``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wslusb.cli import output
from wslusb.cli.output import ExitCode
from wslusb.printable import printable

if TYPE_CHECKING:
    from hil.report.fidelity import Fidelity

__all__ = ["command"]

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(
    "fidelity",
    short_help="Hold an emulated device against the real one.",
    help="Hold an emulated device against the real one: two captures of the same use, or the results.json of two runs."
    " Exit code 5 where the emulated one differs. See docs/hil-report.md.",
)
@click.argument("real", type=_FILE)
@click.argument("emulated", type=_FILE)
@click.option("--device", "names", multiple=True, metavar="BUS.ADDRESS",
              help="Which device of a capture, if several; given twice: of REAL and of EMULATED.")  # fmt: skip
@click.option("--ignore", multiple=True, metavar="ENDPOINT:FIRST-LAST",
              help="Bytes that are not compared, like counters: 0x81:4-7. Repeatable.")  # fmt: skip
@click.option("-o", "--output", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it there, as .html or .json, rather than to the terminal.")  # fmt: skip
def command(*, real: Path, emulated: Path, names: Sequence[str], ignore: Sequence[str], path: Path | None) -> int:
    """Compare, and tell."""
    if path is not None and path.suffix not in (".html", ".json"):
        raise click.BadParameter(f"{path.name!r} ends neither in .html nor in .json", param_hint="--output")
    result = _compared(real, emulated, names, ignore)
    if path is None:
        for line in result.as_text().splitlines():
            output.result(printable(line))
    else:
        path.write_text(_page(result) if path.suffix == ".html" else result.json_text(), "utf-8", errors="replace")
        output.info(result.sentence)
        output.result(str(path))
    return ExitCode.DIVERGED if result.differences else ExitCode.SUCCESS


def _compared(real: Path, emulated: Path, names: Sequence[str], ignore: Sequence[str]) -> Fidelity:
    from hil.report.fidelity import compare, compare_runs
    from wslusb.replay.reading import read
    from wslusb.replay.wildcards import Wildcards

    if len(names) > 2:
        raise click.UsageError("--device can be given twice at most: for the one capture and the other.")
    if real.suffix == emulated.suffix == ".json":
        return compare_runs(real, emulated)
    one, other = (*names, *names, "", "")[:2]
    return compare(read(real, one), read(emulated, other), Wildcards(ignore))


def _page(result: Fidelity) -> str:
    from hil.report.fidelity import Verdict
    from hil.report.rendering import render

    return render("fidelity.html", result=result, Verdict=Verdict)
