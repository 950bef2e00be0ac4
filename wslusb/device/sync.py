"""Blocking transfers on any Device, for programs that do one thing at a time: pyusb, tests, tools."""

from __future__ import annotations

import threading

from ..usb.ids import TransferType
from ..usb.setup import Setup
from ..usb.urb import Buffer, Completion, IsoResult, Status, Urb, UrbFlag
from .api import Device

__all__ = ["Result", "control", "transfer"]

_CANCEL_SECONDS = 5.0


class Result:
    """A completion that outlives ``done``: ``data`` is a copy of what an IN transfer brought."""

    def __init__(self) -> None:
        self.status: int = Status.TIMEOUT
        self.actual_length = 0
        self.data = b""
        self.iso: list[IsoResult] = []
        self._finished = threading.Event()

    def done(self, completion: Completion) -> None:
        """What ``submit`` is given."""
        self.status, self.actual_length = completion.status, completion.actual_length
        self.data, self.iso = bytes(completion.data), list(completion.iso)
        self._finished.set()

    def wait(self, seconds: float | None) -> bool:
        """Wait for the completion; False after ``seconds`` (None: for ever)."""
        return self._finished.wait(seconds)


def transfer(device: Device, urb: Urb, seconds: float | None = None) -> Result:
    """Submit a URB and wait. After ``seconds`` it is cancelled: ``Status.TIMEOUT``, with what it moved until then."""
    result = Result()
    device.submit(urb, result.done)
    if not result.wait(seconds):
        device.cancel(urb)
        if not result.wait(_CANCEL_SECONDS) or result.status == Status.CANCELLED:
            result.status = Status.TIMEOUT
    return result


def control(device: Device, setup: Setup, data: Buffer = b"", seconds: float | None = 5.0) -> Result:
    """A control transfer. ``setup.length`` bytes are asked for, or ``data`` of that length is sent."""
    return transfer(device, Urb(0, 0, TransferType.CONTROL, setup.length, UrbFlag.SHORT_OK, data, setup), seconds)
