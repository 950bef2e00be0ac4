"""What logs say and when: kernel messages, the daemons' logs, a test's marks, injected faults; on the host's clock."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Clocks", "Moment", "Source", "faults", "kernel_log", "program_log"]

SECOND = 1_000_000_000
_KERNEL = re.compile(r"(?:<\d+>)?\[\s*(\d+)\.(\d{1,9})\](?:\[[^\]]*\])?\s?(.*)")
_PROGRAM = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) (.*)")
_MOST_LINES = 40
"""Of one message: a traceback's start says less than its end, and nothing needs more than this."""


class Source(enum.StrEnum):
    """Who says it."""

    TEST = "test"
    FAULT = "fault"
    GUEST_KERNEL = "guest kernel"
    HOST_KERNEL = "host kernel"
    AGENT = "agent"
    SERVICE = "service"
    GUEST = "guest"
    HOST = "host"


@dataclass(slots=True, frozen=True)
class Moment:
    """One event. ``time`` is nanoseconds since 1970 by the host's clock; ``urb`` the number of a URB on the wire."""

    time: int
    source: Source
    text: str
    urb: int | None = None


@dataclass(slots=True)
class Clocks:
    """What ``rig.json`` says of time. Seconds; None, or no entry, where it does not say.

    ``offset`` is the guest's clock minus the host's; ``boots`` when each kernel's clock was 0, in seconds since 1970 by
    that machine's own clock; ``utc_offsets`` how far local time, which logs are in, is ahead of UTC. ``started`` and
    ``failed`` are the test's, in seconds since 1970 by the host's clock.
    """

    offset: float | None = None
    boots: dict[str, float] = field(default_factory=dict)
    utc_offsets: dict[str, float] = field(default_factory=dict)
    started: float | None = None
    failed: float | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Clocks:
        """Out of the parsed file; what is missing or is no number is not known.

        Its ``started`` and ``failed`` are by the clock of the machine that the test runs on; ``host.offset`` is how far
        the host's is ahead of that one.
        """
        sides = {side: facts[side] for side in ("host", "guest") if isinstance(facts.get(side), Mapping)}
        ahead = _number(sides.get("host", {}).get("offset")) or 0.0
        started, failed = (_number(facts.get(key)) for key in ("started", "failed"))
        return cls(
            _number(facts.get("offset")),
            {side: boot for side, each in sides.items() if (boot := _number(each.get("boot"))) is not None},
            {side: zone for side, each in sides.items() if (zone := _number(each.get("utc_offset"))) is not None},
            None if started is None else started + ahead,
            None if failed is None else failed + ahead,
        )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def kernel_log(text: str, source: Source, boot: float) -> list[Moment]:
    """The messages of ``dmesg``. ``boot`` is when its clock was 0, in seconds since 1970."""
    moments: list[Moment] = []
    start = round(boot * SECOND)
    for line in text.splitlines():
        found = _KERNEL.match(line)
        if found:
            stamp = int(found[1]) * SECOND + int(found[2].ljust(9, "0"))
            moments.append(Moment(start + stamp, source, found[3]))
        elif moments and line.strip():
            moments[-1] = _longer(moments[-1], line)
    return moments


def program_log(text: str, source: Source, utc_offset: float = 0.0) -> list[Moment]:
    """The lines of service or agent; what follows one without a stamp (a traceback) belongs to it."""
    moments: list[Moment] = []
    for line in text.splitlines():
        found = _PROGRAM.match(line)
        if found:
            moments.append(Moment(_local(found[1], int(found[2]), utc_offset), source, found[3]))
        elif moments and line.strip():
            moments[-1] = _longer(moments[-1], line)
    return moments


def _local(stamp: str, milliseconds: int, utc_offset: float) -> int:
    try:
        seconds = dt.datetime.fromisoformat(stamp).replace(tzinfo=dt.UTC).timestamp()
    except ValueError:
        return 0  # 2026-13-45: before everything, so no window has it
    return round(seconds - utc_offset) * SECOND + milliseconds * 1_000_000


def _longer(moment: Moment, line: str) -> Moment:
    lines = [*moment.text.splitlines(), line.rstrip()]
    kept = lines if len(lines) <= _MOST_LINES else [lines[0], *lines[-_MOST_LINES + 1 :]]
    return Moment(moment.time, moment.source, "\n".join(kept), moment.urb)


def faults(events: Iterable[Mapping[str, Any]], urbs: Mapping[int, int]) -> list[Moment]:
    """The faults of a record (docs/faults.md), whose times are seconds since the device was first opened.

    ``urbs``: when the service gave each URB to the device, by number. A fault's URB tells when that opening was; where
    none of them is known, the record's own beginning stands for it.
    """
    injected = [event for event in events if event.get("event") == "injected"]
    opened = next(
        (
            urbs[event["sequence"]] - round(event["time"] * SECOND)
            for event in injected
            if isinstance(event.get("sequence"), int) and event["sequence"] in urbs
        ),
        None,
    )
    if opened is None:
        started = next((event["date"] for event in events if event.get("event") == "started"), None)
        if started is None:
            return []
        opened = round(dt.datetime.fromisoformat(started).timestamp() * SECOND)
    return [
        Moment(opened + round(event["time"] * SECOND), Source.FAULT, _fault(event), event.get("sequence"))
        for event in injected
    ]


def _fault(event: Mapping[str, Any]) -> str:
    what = event.get("what")
    kind = what.get("kind", "fault") if isinstance(what, Mapping) else what
    note = f" ({event['note']})" if event.get("note") else ""
    return f"injected {kind}: number {event.get('nth')} on endpoint {event.get('endpoint', 0):#04x}{note}"
