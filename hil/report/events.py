"""The timeline of a failure: what is told of it, as text for people and as JSON (schema 1) for the report."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from wslusb.printable import printable

from .moments import Source
from .results import ResultsError

__all__ = ["Event", "Timeline", "UrbLine", "complaints"]

_LEVELS = ("WARNING ", "ERROR ", "CRITICAL ")


@dataclass(slots=True)
class Event:
    """One line. ``at`` is seconds from the failure, negative before it."""

    at: float
    source: Source
    text: str
    urb: int | None = None


@dataclass(slots=True)
class UrbLine:
    """One URB. ``stages``: seconds from the failure by place, in the order of :class:`hil.report.flights.Stage`."""

    name: str
    urb: int | None
    stages: dict[str, float]
    device: str = ""
    guest: str = ""
    cancelled: float | None = None
    pending: bool = False


@dataclass(slots=True)
class Timeline:
    """What happened around ``zero``, nanoseconds since 1970: the moment of failure, or else of the last that is known.

    ``suspect`` is the place in ``urbs`` of the one to look at first, ``why`` says what is wrong with it, and ``where``
    in which part of its way. ``typical``: the way of most URBs of the test, with medians of their times from 0 on.
    ``after``: the last stage at which the suspect was as it should be.
    """

    zero: int
    events: list[Event] = field(default_factory=list)
    urbs: list[UrbLine] = field(default_factory=list)
    suspect: int | None = None
    why: str = ""
    notes: list[str] = field(default_factory=list)
    where: str = ""
    typical: UrbLine | None = None
    after: str = ""
    schema: Literal[1] = 1

    @property
    def suspected(self) -> UrbLine | None:
        """The URB to look at first, if there is one."""
        return self.urbs[self.suspect] if self.suspect is not None and self.suspect < len(self.urbs) else None

    def as_text(self) -> str:
        """A line an event."""
        lines = [f"# {note}" for note in self.notes]
        wide = max((len(event.source) for event in self.events), default=0)
        for event in self.events:
            number = f"URB {event.urb}" if event.urb is not None else ""
            first, *more = printable(event.text, but="\n").splitlines() or [""]
            lines.append(f"{event.at:+13.6f}  {event.source:{wide}}  {number:10}  {first}".rstrip())
            lines += [" " * (wide + 29) + line for line in more]
        for urb in self.urbs:
            if urb.pending:
                place, at = list(urb.stages.items())[-1]
                lines.append(f"pending: {_called(urb)}: {place} at {at:+.6f}, and nothing since")
        if self.suspected is not None:
            lines.append(f"look at: {_called(self.suspected)}: {self.why}")
        if self.where:
            lines.append(f"look in: {self.where}")
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write both files. OSError if that is not possible."""
        text = self.as_text().encode("utf-8", "replace")
        (folder / "timeline.txt").write_bytes(text)
        body = json.dumps(dataclasses.asdict(self), indent=1)
        (folder / "timeline.json").write_text(body + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Timeline:
        """Read ``timeline.json``, checked. ResultsError for another file; OSError if there is none."""
        try:
            return _adapter().validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ResultsError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def complaints(events: Iterable[Event]) -> list[Event]:
    """What the daemons warned of up to the failure."""
    daemons = (Source.AGENT, Source.SERVICE)
    return [each for each in events if each.source in daemons and each.at <= 0 and each.text.startswith(_LEVELS)]


@functools.cache
def _adapter() -> TypeAdapter[Timeline]:
    return TypeAdapter(Timeline)


def _called(urb: UrbLine) -> str:
    return f"URB {urb.urb}, {urb.name}" if urb.urb is not None else urb.name
