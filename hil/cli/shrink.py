"""``python -m hil shrink``."""

from __future__ import annotations

from pathlib import Path

import click

from wslusb.cli import output
from wslusb.cli.output import ExitCode

__all__ = ["command"]


@click.command(
    "shrink",
    short_help="Make a walk that went wrong on a rig small, on the emulator, and a test of it.",
    help="Replay a walk that went wrong on a rig (steps.json in a failure's folder) on the emulator, leave out what is"
    " not needed for it to go wrong, and write a test of what is left. See docs/hil-stateful.md.",
)
@click.argument("walk", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="STEPS")
@click.option("-o", "--output", "test", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="The test to write. Default: test_walk.py beside STEPS.")  # fmt: skip
@click.option("--tries", type=click.IntRange(min=1), default=400, show_default=True, metavar="N",
              help="How many smaller walks to try at most.")  # fmt: skip
def command(*, walk: Path, test: Path | None, tries: int) -> int:
    """Shrink it."""
    from hil.stateful.shrinking import regression, shrink
    from hil.stateful.steps import Walk

    whole = Walk.read(walk)
    smallest = shrink(whole, tries)
    if smallest is None:
        output.error(f"the {len(whole.steps)} steps go well on the emulator")
        output.hint("so it takes the real device or the real path; the capture in the same folder has what was said")
        return ExitCode.FAILURE
    written = test or walk.with_name("test_walk.py")
    written.write_text(regression(smallest), encoding="utf-8")
    output.result(f"{len(smallest.steps)} of {len(whole.steps)} steps are needed: {smallest.violation}")
    output.result(str(written))
    return ExitCode.SUCCESS
