"""What a healthy device would have done, and whether the faults that were injected explain the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hil.clients.bulk_pipes import source_sink
from wslusb.usb.info import DeviceInfo

from .player import Seen, pattern, whole_packets
from .steps import Step

__all__ = ["DEFAULT_PLAN", "EXPLAINS", "Model", "Violation"]

DEFAULT_PLAN = """\
[[fault]]
name = "delay"
where = { transfer = "bulk" }
when = { probability = 0.1 }
what = { kind = "delay", seconds = 0.01 }

[[fault]]
name = "late"
where = { transfer = "bulk" }
when = { probability = 0.1 }
what = { kind = "late", seconds = 0.01 }

[[fault]]
name = "stall"
where = { transfer = "bulk" }
when = { probability = 0.02 }
what = "stall"

[[fault]]
name = "crc"
where = { transfer = "bulk" }
when = { probability = 0.02 }
what = "crc"

[[fault]]
name = "short"
where = { transfer = "bulk", direction = "in" }
when = { probability = 0.02 }
what = "short"

[[fault]]
name = "corrupt"
where = { transfer = "bulk" }
when = { probability = 0.02 }
what = "corrupt"

[[fault]]
name = "nothing"
where = { transfer = "bulk" }
when = { probability = 0.005 }
what = "timeout"
"""
"""Bulk endpoints only: what befalls endpoint zero keeps a kernel from taking the device."""

_DATA = "data"
EXPLAINS: Mapping[str, Collection[str]] = {
    "delay": (), "late": (), "bandwidth": (),
    "stall": ("STALL", "TIMEOUT", _DATA),
    "crc": ("CRC", "PROTOCOL", "TIMEOUT", _DATA), "bit-stuff": ("BIT_STUFF", "PROTOCOL", "TIMEOUT", _DATA),
    "protocol": ("PROTOCOL", "TIMEOUT", _DATA), "babble": ("OVERRUN", "TIMEOUT", _DATA),
    "short": ("SHORT", _DATA), "zero-length": ("SHORT", _DATA), "corrupt": ("STALL", "TIMEOUT", _DATA),
    "timeout": ("TIMEOUT", _DATA), "nak": ("TIMEOUT", _DATA),
}  # fmt: skip
"""By the kind of a fault: the statuses that it can bring about, in its URB or in one that waited for its data.

Of an error of the bus, libusb (os/linux_usbfs.c) tells no more than that it was one.
"""


class Violation(AssertionError):  # noqa: N818 - what the project calls it
    """Something that no fault explains."""


@dataclass(slots=True, frozen=True)
class _Deviation:
    kind: str
    text: str


class Model:
    """Of a device, as its host describes it."""

    def __init__(self, info: DeviceInfo) -> None:
        self._info = info

    def judge(self, steps: Sequence[Step], seen: Sequence[Seen], injected: Iterable[str]) -> None:
        """Violation unless each step did what it should, or what faults of the kinds ``injected`` make of it."""
        excuses = {status for kind in injected for status in EXPLAINS[kind]}
        for number, (step, each) in enumerate(zip(steps, seen, strict=True), 1):
            wrong = [*each.wrong, *(found.text for found in self._deviations(step, each) if found.kind not in excuses)]
            if wrong:
                raise Violation(f"step {number} of {len(steps)} ({step}): {wrong[0]}")

    def _deviations(self, step: Step, seen: Seen) -> list[_Deviation]:
        allowed, expected = self._EXPECTED[step.name](self, step)
        found = [
            _Deviation(status, f"URB {number} ended with {status or 'nothing'} where {' or '.join(allowed)} is due")
            for number, status in enumerate(seen.statuses)
            if status not in allowed
        ]
        if expected is None or found:
            # Where one has failed, data are missing, and all that comes behind moves up.
            return found
        return [
            _Deviation(_DATA, f"read {number} brought {_difference(bytes.fromhex(got), wanted)}")
            for number, (got, wanted) in enumerate(zip(seen.data, expected, strict=True))
            if bytes.fromhex(got) != wanted
        ]

    def _describe(self, step: Step) -> _Expected:
        return _OK, [self._info.device_descriptor[: step.size]]

    def _memory(self, step: Step) -> _Expected:
        return _OK, [pattern(step.size, 0)]

    def _echo(self, step: Step) -> _Expected:
        return _OK, [pattern(step.size, number) for number in range(step.count)]

    def _read(self, step: Step) -> _Expected:
        """Zeroes; a source that counts is none that walks know."""
        pipes = source_sink(self._info)
        return _OK, [bytes(whole_packets(step.size, pipes.source))] * step.count if pipes else None

    def _succeeds(self, step: Step) -> _Expected:  # noqa: ARG002 - one of many
        return _OK, None

    def _either(self, step: Step) -> _Expected:  # noqa: ARG002 - likewise
        return ("OK", "CANCELLED"), None

    def _cancelled(self, step: Step) -> _Expected:
        return ("CANCELLED",), [b""] * step.count

    _EXPECTED: ClassVar[Mapping[str, Callable[[Model, Step], _Expected]]] = {
        "describe": _describe, "memory": _memory, "echo": _echo, "reset": _succeeds,
        "read": _read, "send": _succeeds, "race": _either, "cancel": _cancelled,
    }  # fmt: skip


_Expected = tuple[Sequence[str], Sequence[bytes] | None]
"""The statuses that are right, and the data of the reads; None where the device chooses them."""
_OK = ("OK",)


def _difference(got: bytes, wanted: bytes) -> str:
    at = next((at for at, pair in enumerate(zip(got, wanted, strict=False)) if pair[0] != pair[1]), None)
    where = "the end is missing" if at is None and len(got) < len(wanted) else f"the first difference is at byte {at}"
    return f"{len(got)} bytes where {len(wanted)} are due; {where}"
