"""What was injected, written down: JSON, a line an event, each of them out of the process before the fault is.

``started`` opens a run, with seed and plan; ``injected`` is one fault on one URB; ``answered`` says what the device
made of that URB, where it got to see it. A file may hold several runs; :func:`replay` makes a plan of the last one.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from ...errors import LocalError, LocalReason
from ...usb.info import DeviceInfo
from ...usb.urb import Completion, Status, Urb
from .plan import Fault, Plan, When, Where
from .reading import as_table, plan_text, read_seed, read_text, read_what
from .schedule import Injection
from .what import wrong

__all__ = ["SCHEMA", "Journal", "read_record", "replay", "same_faults"]

_log = logging.getLogger(__name__)

SCHEMA = "wslusb.faults/1"
_TIMELESS = ("id", "time", "sequence")
_STATUSES = frozenset(Status)


class Journal:
    """Appends to a text stream. Without one it writes nothing.

    A stream that cannot be written (any more: a full disk) is logged, once, and left: URBs go their way without it.
    What is in it by then stays a record, up to that event.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._broken = False
        self._lock = threading.Lock()
        self._ids = itertools.count(1)

    @classmethod
    def append_to(cls, path: Path) -> Journal:
        """A journal in a file. LocalError if it cannot be written."""
        try:
            return cls(path.open("a", encoding="utf-8"))
        except OSError as error:
            raise LocalError(LocalReason.ACCESS_DENIED, f"cannot write {path}: {error.strerror}") from error

    def started(self, plan: Plan, seed: int) -> None:
        """A run begins."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        self._write({"event": "started", "schema": SCHEMA, "date": now, "seed": seed, "plan": plan_text(plan)})

    def injected(
        self, injection: Injection, urb: Urb, info: DeviceInfo, seed: int, time: float, note: str = ""
    ) -> int:  # fmt: skip
        """A fault befalls a URB, ``time`` seconds after the device was first opened; the number of this event."""
        number = next(self._ids)
        event: dict[str, Any] = {
            "event": "injected", "id": number, "time": round(time, 6), "seed": seed, "fault": injection.fault,
            "what": as_table(injection.what), "device": info.hardware_id, "serial": info.serial,
            "endpoint": injection.lane, "nth": injection.nth, "sequence": urb.sequence, "length": urb.length,
            "in": urb.is_in,
        }  # fmt: skip
        if urb.setup is not None:
            event["setup"] = urb.setup.pack().hex()
        if note:
            event["note"] = note
        self._write(event)
        return number

    def answered(self, number: int, answer: Completion, time: float) -> None:
        """What the device has made of the URB of an ``injected`` event."""
        status = Status(answer.status).name if answer.status in _STATUSES else hex(answer.status)
        self._write(
            {"event": "answered", "id": number, "time": round(time, 6), "status": status, "bytes": answer.actual_length}
        )

    def _write(self, event: dict[str, Any]) -> None:
        stream = self._stream
        if stream is None:
            return
        with self._lock:
            if not self._broken:
                self._try(lambda: (stream.write(json.dumps(event) + "\n"), stream.flush()))

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            with self._lock:
                self._try(self._stream.close)

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, ValueError) as error:  # ValueError: it was closed
            if not self._broken:
                _log.error("the record of faults ends here: %s", error)
            self._broken = True


def read_record(path: Path) -> list[dict[str, Any]]:
    """The events of the last run in a record. A line that a crash has cut off ends it. LocalError if it is none."""
    events: list[dict[str, Any]] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        try:
            event = json.loads(line)
        except ValueError:
            break
        if not isinstance(event, dict) or (not events and event.get("schema") != SCHEMA):
            raise wrong(f"{path} is no record of faults")
        if "event" not in event:
            raise wrong(f"{path}: line {number}: event is missing")
        if event["event"] == "started":
            events.clear()
        events.append(event)
    if not events:
        raise wrong(f"{path} is no record of faults")
    return events


def replay(path: Path) -> Plan:
    """A plan that injects exactly what a record says, each fault by endpoint and number."""
    events = read_record(path)
    faults = [_again(event, f"{path}: event {event.get('id')}") for event in events if event["event"] == "injected"]
    return Plan(faults, read_seed(events[0].get("seed"), str(path)), str(path))


def _again(event: dict[str, Any], place: str) -> Fault:
    try:
        where = Where(endpoint=event["endpoint"], device=event["serial"] or event["device"])
        return Fault(read_what(event["what"], place), where, When(nth=(event["nth"],)))
    except (KeyError, TypeError) as error:
        raise wrong(f"{place}: {error} is missing or wrong") from error


def same_faults(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What must be the same in two runs of a seed: the injections of each endpoint in order, without their times."""
    injected = [event for event in events if event["event"] == "injected"]
    injected.sort(key=lambda event: (event["device"], event["serial"], event["endpoint"]))
    return [{key: value for key, value in event.items() if key not in _TIMELESS} for event in injected]
