"""``python -m hil doctor``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from hil.errors import RigError, RigFileError
from hil.folders import prefix
from hil.rig.locating import default_path
from wslusb.cli import options, output
from wslusb.cli.doctor import as_fields, lines
from wslusb.cli.output import ExitCode
from wslusb.doctor.check import Finding, Outcome, Result

__all__ = ["command"]

SCHEMA = "hil.doctor/1"


@click.command(
    "doctor",
    short_help="Prove a rig, and say what to mend.",
    help="Prove a rig: its file, both machines, each device, and the way between. What fails is said with what to do.",
)
@click.option("--rig", "path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Default: $WSLUSB_RIG, rig.toml, the user's own.")  # fmt: skip
@click.option("--switch", is_flag=True,
              help="Switch each device's power off and on again; ask whoever is there where no hub can.")  # fmt: skip
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", default=Path("hil-results"),
              show_default=True, help="Where runs put their results: it needs room.")  # fmt: skip
@options.as_json
def command(*, path: Path | None, switch: bool, results: Path, as_json: bool) -> int:
    """Examine a rig; FAILURE if something is wrong with it."""
    path = path or default_path()
    if path is None:
        raise RigError("there is no rig file", hint="'python -m hil suggest -o rig.toml' writes one")
    found = _examine(path, results.absolute(), switch=switch)
    failures = sum(each.finding.outcome is Outcome.FAIL for each in found)
    if as_json:
        output.result_json(
            SCHEMA, {"ok": not failures, "rig": str(path), "checks": [as_fields(each) for each in found]}
        )
    else:
        for line in lines(found):
            click.echo(line)
        output.info(f"{failures} of {len(found)} checks failed" if failures else "no check failed")
    return ExitCode.FAILURE if failures else ExitCode.SUCCESS


def _examine(path: Path, results: Path, *, switch: bool) -> list[Result]:
    from hil.doctor import Examination, diagnose
    from hil.guided import Terminal
    from hil.rig.reading import read_rig

    try:
        rig = read_rig(path)
    except RigFileError as error:
        return [_of_file(Finding(Outcome.FAIL, problem, error.hint)) for problem in error.problems]
    names = ", ".join(entry.name for entry in rig.devices)
    first = _of_file(Finding(Outcome.PASS, f"{path}: {rig.name}, with {names or 'no device'}"))
    with tempfile.TemporaryDirectory(prefix=prefix("doctor")) as directory:
        ask = Terminal() if switch else None
        examination = Examination(rig=rig, directory=Path(directory), results=results, switch=switch, ask=ask)
        return [first, *diagnose(examination)]


def _of_file(finding: Finding) -> Result:
    return Result("rig_file", "Rig file", finding)
