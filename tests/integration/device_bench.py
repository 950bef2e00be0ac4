"""Tools of the Device contract: what a device under test offers, and URBs that can be waited for."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from wslusb.device.api import Device
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Buffer, Completion, Urb, UrbFlag

PATIENCE = 10.0
"""Seconds that anything may take. Only a failure takes that long."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Pair:
    """Two endpoints of one type, and the setting that brings them up. Addresses as in bEndpointAddress."""

    configuration: int
    interface: int = 0
    alternate: int = 0
    transfer: TransferType = TransferType.BULK
    source: int
    sink: int
    max_packet: int
    interval: int = 1


@dataclass(slots=True, frozen=True, kw_only=True)
class Traits:
    """A Gadget-Zero-like device. ``bulk``: an endless source of zeroes and a sink of zeroes, at alternate 0.

    ``echo`` is a bulk loopback that ends its transfers where the host ended its own. What is None is not tested, and
    is named in :attr:`DeviceContract.left_out`. ``control_buffer``: the vendor requests 0x5b and 0x5c of usbtest.
    """

    bulk: Pair
    echo: Pair | None = None
    interrupt: Pair | None = None
    iso: Pair | None = None
    control_buffer: bool | None = True


@dataclass(slots=True, eq=False)
class Pending:
    """A URB on its way, and what became of it: data is copied inside ``done``, for it is not valid afterwards."""

    urb: Urb
    order: list[int]
    completions: list[Completion] = field(default_factory=list)
    finished: threading.Event = field(default_factory=threading.Event)
    data: bytes = b""

    def done(self, completion: Completion) -> None:
        self.data = bytes(completion.data)
        self.completions.append(completion)
        self.order.append(completion.urb.sequence)
        self.finished.set()

    def wait(self) -> Completion:
        """The one completion."""
        assert self.finished.wait(PATIENCE), f"no completion: {self.urb}"
        assert len(self.completions) == 1, "done was called more than once"
        return self.completions[0]


class Bench:
    """A device and short words for what tests do with it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.order: list[int] = []
        self.started: list[Pending] = []
        self._sequence = itertools.count(1)

    def start(self, urb: Urb) -> Pending:
        pending = Pending(urb, self.order)
        self.started.append(pending)
        self.device.submit(urb, pending.done)
        return pending

    def out_urb(self, pair: Pair, data: Buffer, flags: int = 0) -> Urb:
        return Urb(next(self._sequence), pair.sink, pair.transfer, len(data), flags, data, interval=pair.interval)

    def in_urb(self, pair: Pair, length: int, flags: int = UrbFlag.SHORT_OK) -> Urb:
        return Urb(next(self._sequence), pair.source, pair.transfer, length, flags, interval=pair.interval)

    def iso_urb(self, pair: Pair, lengths: Sequence[int], data: Buffer | None = None) -> Urb:
        endpoint = pair.source if data is None else pair.sink
        urb = Urb(next(self._sequence), endpoint, pair.transfer, sum(lengths), UrbFlag.ISO_ASAP, data or b"")
        urb.interval, urb.iso_lengths = pair.interval, lengths
        return urb

    def control_urb(self, setup: Setup, data: Buffer = b"", flags: int = UrbFlag.SHORT_OK) -> Urb:
        endpoint = 0x80 if setup.is_in else 0
        return Urb(next(self._sequence), endpoint, TransferType.CONTROL, setup.length, flags, data, setup)

    def write(self, pair: Pair, data: Buffer, flags: int = 0) -> Pending:
        return self.start(self.out_urb(pair, data, flags))

    def read(self, pair: Pair, length: int, flags: int = UrbFlag.SHORT_OK) -> Pending:
        return self.start(self.in_urb(pair, length, flags))

    def control(self, setup: Setup, data: Buffer = b"", flags: int = UrbFlag.SHORT_OK) -> Pending:
        return self.start(self.control_urb(setup, data, flags))

    def descriptor(self, kind: int, length: int, flags: int = UrbFlag.SHORT_OK) -> Pending:
        return self.control(Setup(0x80, Request.GET_DESCRIPTOR, kind << 8, 0, length), flags=flags)

    def use(self, pair: Pair) -> None:
        """Bring up the pair's setting."""
        self.device.select_configuration(pair.configuration)
        self.device.select_interface(pair.interface, pair.alternate)

    def settle(self) -> None:
        """Wait for all that was started."""
        for pending in self.started:
            pending.wait()


def room_for(pair: Pair, length: int) -> int:
    """A read length that a transfer of ``length`` bytes does not fill, and that no packet is too long for."""
    return (length // pair.max_packet + 1) * pair.max_packet


class Cases:
    """Base of the groups of cases; :class:`DeviceContract` puts them together and gives them a ``bench``."""

    traits: Traits

    def open_device(self) -> Device:
        """An opened device, in any state."""
        raise NotImplementedError


F = TypeVar("F", bound=Callable[..., None])


def needs(trait: str) -> Callable[[F], F]:
    """Mark a case that there is only for devices with that trait."""

    def mark(case: F) -> F:
        case.__dict__["needed_trait"] = trait
        return case

    return mark
