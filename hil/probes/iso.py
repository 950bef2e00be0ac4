"""A steady stream of isochronous URBs at one endpoint: what became of each packet, and when each URB came back."""

from __future__ import annotations

import collections
import hashlib
import threading
import time
from typing import Any

from wslusb.device.api import Device
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

from .opened import opened

__all__ = ["run"]

_DEPTH = 6
"""URBs in flight: how long this program may be late before its stream has a hole is that many, less one."""
_KNOWN_CONTENTS = 4
"""So many different packets may a device send to be one that repeats itself."""
_WORD = 4
_WARM_UP = 8
"""URBs at the beginning that are not looked at: a device may need some frames to begin."""


def run(
    target: str, busid: str, interface: int, alternate: int, endpoint: int, length: int, interval: int, packets: int,
    urbs: int, due: float, patience: float, numbered: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Move ``urbs`` URBs of ``packets`` packets of ``length`` bytes; zeroes if they go out.

    ``statuses`` and ``lengths`` count packets; ``contents`` are checksums of what came, if that is few; ``gaps`` are
    microseconds from one URB's end to the next one's, where ``due`` seconds are due. ``late`` counts the holes: none
    was in flight when a URB was queued, or nothing came back for as long as what is in flight lasts. So somebody was
    late, and errors of packets right after it (``late_errors``) are counted apart. ``disorder`` counts URBs that ended
    before an earlier one. ``misplaced`` counts the packets of a device that numbers them (``iso=numbered`` of the
    emulator's loopback) that are not whole, or not where they are due. ``patience``: seconds for all of it.
    """
    with opened(target, busid) as device:
        device.select_interface(interface, alternate)
        try:
            stream = _Stream(device, endpoint, [length] * packets, interval, urbs, due, numbered=numbered)
            stream.begin()
            finished = stream.over.wait(patience)
            stream.end()
        finally:
            device.select_interface(interface, 0)
        return {"finished": finished, **stream.told()}


class _Stream:
    def __init__(
        self, device: Device, endpoint: int, lengths: list[int], interval: int, urbs: int, due: float, *, numbered: bool
    ) -> None:
        self._device = device
        self._endpoint = endpoint
        self._lengths = lengths
        self._interval = interval
        self._left = urbs + _WARM_UP
        self._hole = (_DEPTH - 1) * due * 1e9
        self._data = b"" if is_in(endpoint) else bytes(sum(lengths))
        self._flying: dict[int, Urb] = {}
        self._lock = threading.Lock()
        self._number = self._ended = self._late = self._late_errors = self._disorder = self._debt = 0
        self._begun = False
        self._after_pause: set[int] = set()
        self._statuses: collections.Counter[str] = collections.Counter()
        self._counted: collections.Counter[int] = collections.Counter()
        self._contents: collections.Counter[str] = collections.Counter()
        self._moments: list[int] = []
        self._numbered = numbered and is_in(endpoint)
        self._due_number: int | None = None
        self._misplaced = 0
        self.over = threading.Event()

    def begin(self) -> None:
        """URBs must be queued in the order of their numbers: while this does it, those that end only leave a debt."""
        self._debt = _DEPTH
        while True:
            with self._lock:
                if not self._debt:
                    self._begun = True
                    return
                self._debt -= 1
            self._next()

    def end(self) -> None:
        self.over.set()
        for urb in list(self._flying.values()):
            self._device.cancel(urb)

    def told(self) -> dict[str, Any]:
        gaps = [(after - before) / 1000 for before, after in zip(self._moments, self._moments[1:], strict=False)]
        few = len(self._contents) <= _KNOWN_CONTENTS
        return {
            "statuses": dict(self._statuses), "lengths": {str(key): count for key, count in self._counted.items()},
            "contents": sorted(self._contents) if few else None, "gaps": gaps, "late": self._late,
            "late_errors": self._late_errors, "disorder": self._disorder, "misplaced": self._misplaced,
        }  # fmt: skip

    def _next(self) -> None:
        with self._lock:
            if self._left <= 0 or self.over.is_set():
                return
            self._left -= 1
            urb = Urb(
                self._number, self._endpoint, TransferType.ISOCHRONOUS, sum(self._lengths), UrbFlag.ISO_ASAP,
                self._data, interval=self._interval, iso_lengths=self._lengths,
            )  # fmt: skip
            if not self._flying and self._number:
                self._late += 1
                self._after_pause.add(self._number)
            self._number += 1
            self._flying[urb.sequence] = urb
        self._device.submit(urb, self._done)

    def _done(self, completion: Completion) -> None:
        now, number = time.monotonic_ns(), completion.urb.sequence
        with self._lock:
            self._disorder += number != min(self._flying)
            del self._flying[number]
            if completion.status != Status.CANCELLED and number >= _WARM_UP:
                self._look_at(completion, now)
            idle = not self._flying and self._left <= 0
            self._debt += not self._begun
            begun = self._begun
        if idle or completion.status in (Status.GONE, Status.CANCELLED):
            self.over.set()
        if begun:
            self._next()

    def _look_at(self, completion: Completion, now: int) -> None:
        if self._moments and now - self._moments[-1] > self._hole:
            self._late += 1
            self._after_pause.update((completion.urb.sequence, *self._flying))
        self._moments.append(now)
        if not completion.iso:
            self._statuses[f"URB {Status(completion.status).name}"] += 1
        late, at, data = completion.urb.sequence in self._after_pause, 0, memoryview(completion.data)
        if self._numbered:
            self._look_at_numbers(completion, resumed=late)
        for packet in completion.iso:
            piece = data[at : at + packet.actual_length]
            at += packet.actual_length
            if late and packet.status != Status.OK:
                self._late_errors += 1
                continue
            self._statuses[Status(packet.status).name] += 1
            self._counted[packet.actual_length] += 1
            if piece and len(self._contents) <= _KNOWN_CONTENTS:
                self._contents[hashlib.sha256(piece).hexdigest()[:16]] += 1

    def _look_at_numbers(self, completion: Completion, *, resumed: bool) -> None:
        """Errors of packets have their numbers, too. After a hole a stream goes on where it likes."""
        due, at, data = None if resumed else self._due_number, 0, memoryview(completion.data)
        for packet in completion.iso:
            piece = bytes(data[at : at + packet.actual_length])
            at += packet.actual_length
            if packet.status == Status.OK:
                number = int.from_bytes(piece[:_WORD], "little")
                whole = bool(piece) and piece == piece[:_WORD] * (len(piece) // _WORD)
                self._misplaced += not whole or number != (number if due is None else due)
                due = number if due is None else due
            due = None if due is None else due + 1
        self._due_number = due
