"""Firmwares that answer badly: strings that are not, answers that are late or never come, stalls, and departures."""

from __future__ import annotations

import struct
from collections.abc import Callable

from wslusb.usb.ids import DescriptorType
from wslusb.usb.setup import Request, RequestType, Setup
from wslusb.usb.urb import Buffer

from ...firmware import PASS, Deferred, Pass
from ...model import Model
from .base import AwkwardFirmware, awkward_gadget

__all__ = [
    "Changing", "Departing", "Late", "Mute", "ReplacedStrings", "Stalling", "Twice", "descriptor",
    "request", "short_device",
]  # fmt: skip

Which = Callable[[Setup], bool]
Reply = Buffer | Deferred | Pass | None
_GET_DESCRIPTOR = (0x80, Request.GET_DESCRIPTOR)


def request(request_type: int, number: int) -> Which:
    """Picks requests of that bmRequestType and bRequest."""
    return lambda setup: (setup.request_type, setup.request) == (request_type, number)


def descriptor(kind: int, *indices: int) -> Which:
    """Picks requests for a descriptor of the device; with any index if none is given."""

    def picks(setup: Setup) -> bool:
        is_it = (setup.request_type, setup.request) == _GET_DESCRIPTOR and setup.value >> 8 == kind
        return is_it and (not indices or setup.value & 0xFF in indices)

    return picks


class _Picky(AwkwardFirmware):
    """Treats some requests, standard or of its class, in a way of its own."""

    def __init__(self, which: Which) -> None:
        super().__init__()
        self._which = which

    def override(self, setup: Setup, data: memoryview) -> Reply:
        """Standard requests."""
        return self.awkwardly(setup, data) if self._which(setup) else PASS

    def control(self, setup: Setup, data: memoryview) -> Buffer | Deferred | None:
        """The others."""
        reply: Reply = PASS
        if setup.kind != RequestType.STANDARD and self._which(setup):
            reply = self.awkwardly(setup, data)
        return super().control(setup, data) if reply is PASS else reply

    def awkwardly(self, setup: Setup, data: memoryview) -> Reply:
        """The answer to one of those requests."""
        raise NotImplementedError


class Stalling(_Picky):
    """Stalls them."""

    def awkwardly(self, setup: Setup, data: memoryview) -> Reply:  # noqa: ARG002
        """Stall."""
        return None


class Mute(_Picky):
    """Never answers them."""

    def awkwardly(self, setup: Setup, data: memoryview) -> Reply:  # noqa: ARG002
        """NAK for ever."""
        return Deferred()


class Late(_Picky):
    """Answers them rightly, ``seconds`` late."""

    def __init__(self, which: Which, seconds: float, answer: Callable[[Setup], Buffer | None]) -> None:
        super().__init__(which)
        self._seconds = seconds
        self._answer = answer

    def awkwardly(self, setup: Setup, data: memoryview) -> Reply:  # noqa: ARG002
        """NAK for a while."""
        deferred, reply = Deferred(), self._answer(setup)
        self.after(self._seconds, lambda: deferred.answer(reply))
        return deferred


class ReplacedStrings(_Picky):
    """Answers every string that it has, but for the languages, with the same wrong bytes."""

    def __init__(self, instead: bytes) -> None:
        super().__init__(descriptor(DescriptorType.STRING, *range(1, len(awkward_gadget().strings) + 1)))
        self._instead = instead

    def awkwardly(self, setup: Setup, data: memoryview) -> Reply:  # noqa: ARG002
        """These bytes."""
        return self._instead


class Changing(_Picky):
    """Counts the readings of its device descriptor in bcdDevice."""

    def __init__(self, serial: str) -> None:
        super().__init__(descriptor(DescriptorType.DEVICE))
        self._packed = awkward_gadget(serial).device.pack()
        self._readings = 0

    def awkwardly(self, setup: Setup, data: memoryview) -> Reply:  # noqa: ARG002
        """Another number each time."""
        self._readings += 1
        return self._packed[:12] + struct.pack("<H", 0x0100 + self._readings) + self._packed[14:]


def short_device(serial: str) -> AwkwardFirmware:
    """A device descriptor of which 8 bytes come, however many are asked for."""
    packed = awkward_gadget(serial).device.pack()[:8]
    return Late(descriptor(DescriptorType.DEVICE), 0, lambda _setup: packed)


class Twice(_Picky):
    """Stalls every other SET_INTERFACE."""

    def __init__(self) -> None:
        super().__init__(request(0x01, Request.SET_INTERFACE))
        self._count = 0

    def awkwardly(self, setup: Setup, data: memoryview) -> Reply:  # noqa: ARG002
        """Stall the first of two."""
        self._count += 1
        return None if self._count % 2 else PASS


class Departing(AwkwardFirmware):
    """Leaves the bus at a vendor request, which it does not know, and comes back as itself."""

    def __init__(self, serial: str) -> None:
        super().__init__()
        self._serial = serial

    def control(self, setup: Setup, data: memoryview) -> Buffer | Deferred | None:
        """Do not answer: go."""
        if setup.kind != RequestType.VENDOR:
            return super().control(setup, data)
        if self.board is not None:
            self.board.reenumerate(Model(awkward_gadget(self._serial), self))
        return Deferred()
