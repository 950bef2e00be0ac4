"""Where a replay and its capture part: readable, kept in order, told at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from ..capture.record import Record
from ..usb.ids import DIR_IN, TransferType
from ..usb.setup import Setup
from ..usb.urb import Buffer, Urb
from .story import Exchange

__all__ = ["Divergence", "Diverged", "Log", "show_answer", "show_data", "show_exchange", "show_urb"]

_MOST_KEPT = 100
_SHOWN = 32
"""Bytes of data that a line shows, from the first that matters."""


@dataclass(slots=True, frozen=True)
class Divergence:
    """One difference. ``packet`` is where in the file, 0 for nowhere; ``pending``: the URBs that waited."""

    what: str
    expected: str
    got: str
    packet: int = 0
    pending: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"packet {self.packet}: " if self.packet else ""
        lines = [f"{where}{self.what}", f"  - {self.expected}", f"  + {self.got}"]
        return "\n".join([*lines, *(f"  pending: {each}" for each in self.pending)])


class Diverged(Exception):  # noqa: N818 -- an answer of a script, not a failure of the program
    """A script has no answer to a URB."""

    def __init__(self, what: str, expected: str, packet: int = 0) -> None:
        super().__init__(what)
        self.what, self.expected, self.packet = what, expected, packet


class Log:
    """The differences of a replay, and what the capture did not hold. From any thread; the first hundred are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.kept: list[Divergence] = []
        self.count = 0
        self.missing: dict[str, None] = {}

    def add(self, divergence: Divergence) -> None:
        """Keep a difference."""
        with self._lock:
            self.count += 1
            if len(self.kept) < _MOST_KEPT:
                self.kept.append(divergence)

    def miss(self, whats: Iterable[str]) -> None:
        """Keep what was wanted and is not in the capture, once each."""
        with self._lock:
            self.missing.update(dict.fromkeys(whats))

    def report(self) -> list[str]:
        """All of it, in lines."""
        with self._lock:
            lines = [line for each in self.kept for line in str(each).splitlines()]
            if self.count > len(self.kept):
                lines.append(f"and {self.count - len(self.kept)} more")
            return lines + [f"not in the capture: {each}" for each in self.missing]


def show_exchange(exchange: Exchange, differs: int = 0) -> str:
    """What the capture's host asked, in a line; data from the first byte that ``differs``."""
    request = exchange.request
    return _show(request.transfer, request.endpoint, request.length, exchange.setup, request.data, differs)


def show_urb(urb: Urb, differs: int = 0) -> str:
    """What a host asks now, in the same words."""
    return _show(urb.transfer, urb.endpoint, urb.length, urb.setup, urb.data, differs)


def show_answer(record: Record, status: object) -> str:
    """How the capture's URB ended."""
    return f"{status}, {show_data(record.data)}"


def _show(transfer: int, endpoint: int, length: int, setup: Setup | None, data: Buffer, differs: int) -> str:
    name = TransferType(transfer).name.lower()
    if setup is not None:
        packed = setup.pack()
        tail = f", {show_data(data, differs)}" if len(data) else ""
        return f"control {'IN' if setup.is_in else 'OUT'}, setup {packed.hex(' ')}{tail}"
    direction = "IN" if endpoint & DIR_IN else "OUT"
    size = f"{length} bytes" if length >= 0 else "any number of bytes"
    tail = f": {show_data(data, differs)}" if direction == "OUT" and len(data) else ""
    return f"{name} {direction} {endpoint:#04x}, {size}{tail}"


def show_data(data: Buffer, differs: int = 0) -> str:
    """Bytes in hexadecimal, some of them: those around the first difference."""
    if not len(data):
        return "no data"
    start = max(0, differs - 8) if differs >= _SHOWN else 0
    shown = bytes(data[start : start + _SHOWN]).hex(" ")
    before, after = (f"... (from byte {start}) " if start else ""), (" ..." if len(data) > start + _SHOWN else "")
    return f"{before}{shown}{after}"
