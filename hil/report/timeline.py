"""Makes the timeline of a failure's folder: both captures, kernels and daemons, the test and its faults, on one clock.

That clock is the host's. docs/hil-report.md lists the files; whatever is missing is left out.
"""

from __future__ import annotations

import dataclasses
import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wslusb.device.faults.record import read_record
from wslusb.errors import LocalError

from . import moments
from .events import Event, Timeline, UrbLine
from .flights import Flight, Stage, clock_bounds, join
from .moments import SECOND, Clocks, Moment, Source
from .sides import Half, View, view
from .suspect import Suspect, suspect
from .typical import typical

__all__ = ["MOST_EVENTS", "merged", "of_folder", "write"]

MOST_EVENTS = 4000
_MOST_URBS = 1000
_BEFORE, _AFTER = 10.0, 2.0
_LOGS = {
    "host": (("host.dmesg", Source.HOST_KERNEL), ("service.log", Source.SERVICE)),
    "guest": (("guest.dmesg", Source.GUEST_KERNEL), ("agent.log", Source.AGENT)),
}
_MOST_LOG = 16 << 20
"""Bytes of a log that are read, the last ones."""
_SHOWN = {
    Stage.SUBMITTED: Source.GUEST, Stage.ASKED: Source.HOST, Stage.ANSWERED: Source.HOST,
    Stage.COMPLETED: Source.GUEST,
}  # fmt: skip
"""The stages that are events: where a URB enters and leaves each side's USB stack."""


def merged(sources: Iterable[Sequence[Moment]], begin: int, end: int) -> list[Moment]:
    """All moments between ``begin`` and ``end`` by time; moments of one source at the same time keep their order."""
    runs = (sorted((each for each in run if begin <= each.time <= end), key=_time) for run in sources)
    return list(heapq.merge(*runs, key=_time))


def _time(moment: Moment) -> int:
    return moment.time


def of_folder(folder: Path, *, before: float | None = None, after: float = _AFTER) -> Timeline:
    """Merge what a failure's folder holds: ``before`` seconds until the failure, and ``after`` seconds since.

    By default from the beginning of the test on, and at least ten seconds.
    """
    return _Folder(folder, before, after).timeline()


def write(folder: Path) -> Timeline:
    """Write ``timeline.txt`` and ``timeline.json`` into a failure's folder. OSError if that is not possible."""
    timeline = of_folder(folder)
    timeline.write(folder)
    return timeline


class _Folder:
    """The files, read once."""

    def __init__(self, folder: Path, before: float | None, after: float) -> None:
        self._folder = folder
        self._notes: list[str] = []
        self._facts = self._read_facts()
        self._clocks = Clocks.of(self._facts)
        began, failed = self._clocks.started, self._clocks.failed
        took = failed - began if failed is not None and began is not None else 0.0
        self._before = round((max(_BEFORE, took) if before is None else before) * SECOND)
        self._after = round(after * SECOND)

    def timeline(self) -> Timeline:
        failed = self._clocks.failed
        zero = None if failed is None else round(failed * SECOND)
        flights, given = self._flights(zero)
        logs = [*self._logs(), self._marks()]
        record = self._faults({half.sequence: half.submitted for half in given if half.sequence and half.submitted})
        logs.append(record)
        if zero is None:
            zero = max((each.time for run in logs for each in run), default=0)
            zero = max([zero, *(flight.last for flight in flights)])
        begin, end = zero - self._before, zero + self._after
        flights = [flight for flight in flights if flight.last >= begin or flight.pending]
        all_moments = merged([*logs, _of_flights(flights)], begin, end)
        started = None if self._clocks.started is None else round(self._clocks.started * SECOND)
        chosen = suspect(flights, {each.urb for each in record if each.urb is not None}, zero, started)
        told = self._told(zero, all_moments, flights, chosen)
        told.typical = typical([flight for flight in flights if started is None or flight.first >= started])
        return told

    def _told(self, zero: int, events: list[Moment], flights: list[Flight], chosen: Suspect | None) -> Timeline:
        if len(events) > MOST_EVENTS:
            self._notes.append(f"{len(events) - MOST_EVENTS} earlier events are left out")
        kept = flights[-_MOST_URBS:]
        if chosen is not None and chosen.flight not in kept:
            kept = [chosen.flight, *kept[1:]]
        if len(flights) > len(kept):
            self._notes.append(f"{len(flights) - len(kept)} earlier URBs are left out")
        lines = [_urb_line(flight, zero) for flight in kept]
        place = kept.index(chosen.flight) if chosen else None
        why, where = (chosen.why, chosen.where) if chosen else ("", "")
        after = chosen.after.value if chosen and chosen.after else ""
        told = [Event(_from(each.time, zero), each.source, each.text, each.urb) for each in events[-MOST_EVENTS:]]
        return Timeline(zero, told, lines, place, why, self._notes, where, after=after)

    # -- the files

    def _read_facts(self) -> Mapping[str, Any]:
        try:
            facts = json.loads((self._folder / "rig.json").read_bytes())
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError) as error:
            self._notes.append(f"rig.json: {error}")
            return {}
        return facts if isinstance(facts, Mapping) else {}

    def _text(self, name: str) -> str | None:
        try:
            with (self._folder / name).open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(size - _MOST_LOG, 0))
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return None

    def _marks(self) -> list[Moment]:
        name = str(self._facts.get("test", "the test"))
        told = {f"{name} begins": self._clocks.started, f"{name} failed": self._clocks.failed}
        return [Moment(round(time * SECOND), Source.TEST, text) for text, time in told.items() if time is not None]

    def _logs(self) -> list[list[Moment]]:
        found = []
        for side, ((kernel, kernel_source), (program, program_source)) in _LOGS.items():
            text, boot = self._text(kernel), self._clocks.boots.get(side)
            if text and boot is None:
                self._notes.append(f"{kernel}: rig.json has no {side}.boot, so its messages are left out")
            elif text and boot is not None:
                found.append(self._by_host(side, moments.kernel_log(text, kernel_source, boot)))
            if text := self._text(program):
                ahead = self._clocks.utc_offsets.get(side, 0.0)
                found.append(self._by_host(side, moments.program_log(text, program_source, ahead)))
        return found

    def _by_host(self, side: str, told: list[Moment]) -> list[Moment]:
        ahead = round((self._clocks.offset or 0.0) * SECOND) if side == "guest" else 0
        return [dataclasses.replace(each, time=each.time - ahead) for each in told] if ahead else told

    def _faults(self, urbs: Mapping[int, int]) -> list[Moment]:
        path = self._folder / "faults.jsonl"
        if not path.exists():
            return []
        try:
            return moments.faults(read_record(path), urbs)
        except (LocalError, KeyError, TypeError, ValueError) as error:
            self._notes.append(f"faults.jsonl: {error}")
            return []

    def _flights(self, zero: int | None) -> tuple[list[Flight], list[Half]]:
        """URBs of both captures, and the service's halves. Corrects the offset by what the messages prove of it."""
        host = self._view("capture.pcapng", zero, is_host=True)
        guest = self._view("capture-guest.pcapng", zero, is_host=False)
        bounds = clock_bounds(host.halves, guest.halves)
        if bounds is not None:
            self._correct(*bounds)
        offset = round((self._clocks.offset or 0.0) * SECOND)
        return join(host.halves, guest.halves, offset), host.halves

    def _view(self, name: str, zero: int | None, *, is_host: bool) -> View:
        path = self._folder / name
        if not path.exists():
            return View()
        ahead = 0.0 if is_host else self._clocks.offset
        since, until = 0, None
        if zero is not None and ahead is not None:
            middle = zero + round(ahead * SECOND)
            since, until = middle - self._before, middle + self._after
        found = view(path, is_host=is_host, since=since, until=until)
        self._notes += found.notes
        return found

    def _correct(self, low: int, high: int) -> None:
        """The captures' messages say between which values the offset is: none arrives before it is sent."""
        if low > high:
            self._notes.append("the clocks were set while this ran: times of guest and host do not fit together")
            return
        told = self._clocks.offset
        if told is not None and low <= told * SECOND <= high:
            return
        self._clocks.offset = (low + high) / 2 / SECOND
        taken = f"{self._clocks.offset * 1000:+.3f} ms"
        if told is None:
            self._notes.append(f"clock offset by the messages of both captures: {taken}")
        else:
            self._notes.append(
                f"rig.json says the guest's clock is {told * 1000:+.3f} ms off, the messages of both captures prove "
                f"that it is {low / 1e6:+.3f} to {high / 1e6:+.3f} ms: taken as {taken}"
            )


def _of_flights(flights: Iterable[Flight]) -> list[Moment]:
    """Where URBs enter and leave each side's USB stack; what lies between is in ``Timeline.urbs``."""
    found = []
    for flight in flights:
        times, number = flight.times, flight.sequence
        begins = "submit, and no answer" if flight.pending else "submit"
        ends = {Stage.ANSWERED: flight.ending(flight.host), Stage.COMPLETED: flight.ending(flight.guest)}
        for stage, source in _SHOWN.items():
            if stage in times:
                text = f"{ends.get(stage, begins)}: {flight.name}"
                found.append(Moment(times[stage], source, text, number))
        if flight.cancelled is not None:
            found.append(Moment(flight.cancelled, Source.GUEST, f"cancel: {flight.name}", number))
    return found


def _urb_line(flight: Flight, zero: int) -> UrbLine:
    return UrbLine(
        flight.name, flight.sequence, {stage.value: _from(time, zero) for stage, time in flight.times.items()},
        flight.ending(flight.host), flight.ending(flight.guest),
        None if flight.cancelled is None else _from(flight.cancelled, zero), flight.pending,
    )  # fmt: skip


def _from(time: int, zero: int) -> float:
    return round((time - zero) / SECOND, 9)
