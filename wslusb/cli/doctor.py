"""``wslusb doctor``."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..errors import LocalError
from ..printable import printable
from . import options, output
from .output import ExitCode
from .reach import Role

if TYPE_CHECKING:
    from ..doctor import Result, Side, Surroundings
    from ..doctor.surroundings import Asked

__all__ = ["SCHEMA", "as_fields", "as_tree", "command", "lines", "surroundings"]

SCHEMA = "wslusb.doctor/1"
_COLOURS = {"pass": "green", "warning": "yellow", "fail": "red", "skip": "bright_black"}


@click.command(
    "doctor",
    short_help="Check what wslusb needs here, and say what to mend.",
    help="Check each thing that wslusb needs on this machine, and say what to do about what is missing.",
)
@click.option(
    "--role",
    type=click.Choice(["host", "guest", "auto"]),
    default="auto",
    show_default=True,
    help="Which side to check. auto: the one that runs here.",
)
@options.as_json
def command(*, role: str, as_json: bool) -> int:
    """Check this machine; FAILURE if something is wrong."""
    from ..doctor import Outcome, Side, diagnose, side_of

    around = surroundings()
    sides = side_of(around) if role == "auto" else [Side(role)]
    results = diagnose(around, sides)
    failures = sum(result.finding.outcome is Outcome.FAIL for result in results)
    if as_json:
        output.result_json(SCHEMA, as_tree(sides, results))
    else:
        for line in lines(results):
            click.echo(line)
        output.info(f"{failures} of {len(results)} checks failed" if failures else "no check failed")
    return ExitCode.FAILURE if failures else ExitCode.SUCCESS


def surroundings() -> Surroundings:
    """This machine. The service and the agent are asked once each."""
    from ..doctor import Surroundings

    return Surroundings(
        service=functools.cache(lambda: _ask(Role.SERVICE)), agent=functools.cache(lambda: _ask(Role.AGENT))
    )


def _ask(role: Role) -> Asked:
    from ..doctor.surroundings import Asked
    from .state import fetch

    try:
        return Asked(fetch(role))
    except LocalError as error:
        return Asked(problem=error)


def as_tree(sides: Sequence[Side], results: Sequence[Result]) -> dict[str, Any]:
    """The body of ``doctor --json`` (docs/cli.md)."""
    ok = not any(result.finding.outcome.value == "fail" for result in results)
    return {"ok": ok, "roles": [side.value for side in sides], "checks": [as_fields(each) for each in results]}


def as_fields(result: Result) -> dict[str, str]:
    """A check's result, for programs."""
    finding = result.finding
    return {
        "name": result.name,
        "title": result.title,
        "outcome": finding.outcome.value,
        "text": finding.text,
        "fix": finding.fix,
    }


def lines(results: Sequence[Result]) -> Iterator[str]:
    """What ``doctor`` prints."""
    width = max(len(result.title) for result in results)
    for result in results:
        word = result.finding.outcome.value
        line = f"{result.title:{width}}  {printable(result.finding.text)}"
        yield f"{click.style(f'{word:7}', fg=_COLOURS[word])}  {line}"
        if result.finding.fix:
            yield f"{'':9}{'':{width}}  fix: {printable(result.finding.fix)}"
