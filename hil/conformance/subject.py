"""The device under test: control requests with what is expected of them, and its descriptors as it gives them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.errors import DeviceError, LocalError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import DIR_IN, DescriptorType, Speed
from wslusb.usb.setup import Recipient, Request, RequestType, Setup
from wslusb.usb.urb import Buffer, Status, Urb

__all__ = ["Failed", "NotApplicable", "Subject", "expect", "get_descriptor", "named", "refused"]

CONTROL_LIMIT = 4096
"""Bytes that libusb passes in one control transfer: no case asks for more."""
_CONFIGURATION_HEADER = 9
_TO: dict[int, str] = {Recipient.INTERFACE: " to an interface", Recipient.ENDPOINT: " to an endpoint"}


class Failed(Exception):  # noqa: N818 - an outcome
    """The device breaks a rule; the text says what was seen."""


class NotApplicable(Exception):  # noqa: N818 - an outcome
    """The rule does not concern this device, or cannot be tried from here; the text says why."""


def expect(seen: object, wanted: object, what: str) -> None:
    """Failed if the two differ."""
    if seen == wanted:
        return
    if isinstance(seen, bytes) and isinstance(wanted, bytes):
        at = next((at for at, pair in enumerate(zip(seen, wanted, strict=False)) if pair[0] != pair[1]), -1)
        where = f"byte {at} is {seen[at]:#04x} where {wanted[at]:#04x} is due; " if at >= 0 else ""
        raise Failed(f"{what}: {where}{len(seen)} bytes where {len(wanted)} are due")
    raise Failed(f"{what}: {seen} where {wanted} is due")


class Subject:
    """A device and its original configuration, to which :meth:`restore` brings it back.

    ``seconds``: how long the device may take to answer (USB 2.0, 9.2.6.4, allows 5). ``repeats``: how often cases
    repeat what must give the same each time.
    """

    def __init__(self, device: Device, *, seconds: float = 5.0, repeats: int = 3) -> None:
        self.device = device
        self.seconds = seconds
        self.repeats = repeats
        self.gone = False
        self._touched = False
        self._unreadable: set[str] = set()

    @property
    def speed(self) -> Speed:
        """As the host's system sees it."""
        return self.device.info.speed

    @property
    def is_super(self) -> bool:
        """Whether the rules of USB 3.2 are the device's, too."""
        return self.speed >= Speed.SUPER

    # -- control requests

    def ask(self, setup: Setup, data: Buffer = b"") -> sync.Result:
        """A control transfer, whatever becomes of it; Failed if the device does not answer in time or is gone."""
        result = sync.control(self.device, setup, data, self.seconds)
        if result.status == Status.GONE:
            self.gone = True
            raise Failed(f"the device left at {named(setup)}")
        if result.status == Status.TIMEOUT:
            raise Failed(f"no answer within {self.seconds:.0f} s to {named(setup)}")
        return result

    def read(self, setup: Setup) -> bytes:
        """What an IN request brings. Failed unless it succeeds."""
        result = self.ask(setup)
        if result.status != Status.OK:
            raise Failed(f"{_name(result.status)} for {named(setup)}")
        return result.data

    def write(self, setup: Setup, data: Buffer = b"") -> None:
        """An OUT request. Failed unless it succeeds."""
        result = self.ask(setup, data)
        if result.status != Status.OK:
            raise Failed(f"{_name(result.status)} for {named(setup)}")

    def refuses(self, setup: Setup, data: Buffer = b"") -> None:
        """The device must stall this, and answer the next request (USB 2.0, 9.2.7 and 8.5.3.4)."""
        result = self.ask(setup, data)
        if result.status == Status.INVALID:
            raise NotApplicable(f"the system does not hand {named(setup)} to the device")
        if result.status != Status.STALL:
            got = f" with {result.data[:16].hex()}" if result.data else ""
            raise Failed(f"{_name(result.status)}{got} where a stall is due, for {named(setup)}")
        self.answers()

    def answers(self) -> None:
        """Endpoint zero works: the head of a device descriptor comes."""
        self.descriptor(DescriptorType.DEVICE, 8)

    def stalls(self, setup: Setup) -> bool:
        """Whether the device stalls a request that it may support; Failed if it does something else."""
        result = self.ask(setup)
        if result.status not in {Status.OK, Status.STALL}:
            raise Failed(f"{_name(result.status)} for {named(setup)}")
        return result.status == Status.STALL

    def status(self, recipient: Recipient, index: int = 0) -> int:
        """GET_STATUS (USB 2.0, 9.4.5), always two bytes."""
        raw = self.read(Setup(DIR_IN | recipient, Request.GET_STATUS, 0, index, 2))
        expect(len(raw), 2, f"bytes of the status of {recipient.name.lower()} {index:#04x}")
        return int.from_bytes(raw, "little")

    # -- descriptors

    def descriptor(self, kind: int, length: int, index: int = 0, language: int = 0) -> bytes:
        """GET_DESCRIPTOR, with this wLength."""
        return self.read(get_descriptor(kind, length, index, language))

    def device_descriptor(self) -> DeviceDescriptor:
        """The device descriptor, asked for now. Once it cannot be read, cases that need it do not apply."""
        with self._needed("device descriptor"):
            return DeviceDescriptor.unpack(self.descriptor(DescriptorType.DEVICE, 18))

    def whole(self, kind: int, index: int = 0) -> bytes:
        """A descriptor with a wTotalLength, as hosts read it: the header, then as much as that promises."""
        header = self.descriptor(kind, _CONFIGURATION_HEADER if kind != DescriptorType.BOS else 5, index)
        if len(header) < 4:
            raise Failed(f"{len(header)} bytes of descriptor {kind} number {index}: there is no wTotalLength")
        return self.descriptor(kind, min(int.from_bytes(header[2:4], "little"), CONTROL_LIMIT), index)

    @functools.cached_property
    def configurations(self) -> list[Configuration]:
        """All configurations, read at the first use. Once they cannot be read, cases that need them do not apply."""
        with self._needed("configurations"):
            found = [self.whole(DescriptorType.CONFIGURATION, n) for n in range(self.configuration_count)]
            return [Configuration.unpack(raw) for raw in found]

    @contextlib.contextmanager
    def _needed(self, what: str) -> Iterator[None]:
        if what in self._unreadable:
            raise NotApplicable(f"its {what} cannot be read")
        try:
            yield
        except (Failed, LocalError) as error:
            self._unreadable.add(what)
            raise Failed(f"its {what} cannot be read: {error}") from error

    @functools.cached_property
    def configuration_count(self) -> int:
        """How many configurations the device descriptor promises."""
        return self.device_descriptor().configuration_count

    @property
    def current(self) -> Configuration:
        """The configuration that :meth:`restore` chooses."""
        value = self._original
        return next((each for each in self.configurations if each.value == value), self.configurations[0])

    # -- state

    @property
    def _original(self) -> int:
        raw = self.device.info.configurations
        return self.device.info.active_configuration or (raw[0][5] if raw and len(raw[0]) > 5 else 1)

    def configure(self, value: int) -> None:
        """SET_CONFIGURATION, by way of the system. DeviceError if that fails."""
        self._touched = True
        self.device.select_configuration(value)

    def choose(self, interface: int, alternate: int) -> None:
        """SET_INTERFACE, by way of the system. DeviceError if that fails."""
        self._touched = True
        self.device.select_interface(interface, alternate)

    def reset(self) -> None:
        """Reset the port. DeviceError if that fails."""
        self._touched = True
        self.device.reset()

    def restore(self) -> None:
        """Back to the original configuration, all interfaces at their defaults, if a case has left it."""
        if self._touched and not self.gone:
            self._touched = False
            self.device.select_configuration(self._original)

    def settings(self) -> Iterator[tuple[Configuration, Interface]]:
        """Every alternate setting of every configuration; when one is yielded, it is the chosen one.

        SET_INTERFACE is not sent where an interface has one setting: such devices may stall it (USB 2.0, 9.4.10).
        """
        for configuration in self.configurations:
            if len(self.configurations) > 1:
                self.configure(configuration.value)
            numbers = [interface.number for interface in configuration.interfaces]
            for interface in configuration.interfaces:
                if numbers.count(interface.number) > 1:
                    self.choose(interface.number, interface.alternate)
                yield configuration, interface

    def endpoints(self) -> Iterator[Endpoint]:
        """Every endpoint of every setting; when one is yielded, it is alive."""
        for _, interface in self.settings():
            yield from interface.endpoints

    def transfer(self, urb: Urb, seconds: float | None = None) -> sync.Result:
        """A transfer to an endpoint; TIMEOUT if the device NAKs for that long. Failed if the device is gone."""
        result = sync.transfer(self.device, urb, self.seconds if seconds is None else seconds)
        if result.status == Status.GONE:
            self.gone = True
            raise Failed(f"the device left in a transfer to endpoint {urb.endpoint:#04x}")
        return result


def get_descriptor(kind: int, length: int, index: int = 0, language: int = 0) -> Setup:
    """GET_DESCRIPTOR to the device (USB 2.0, 9.4.3)."""
    return Setup(DIR_IN, Request.GET_DESCRIPTOR, kind << 8 | index, language, length)


def named(setup: Setup) -> str:
    """A request as people write it down."""
    standard = setup.kind == RequestType.STANDARD and setup.request in set(Request)
    name = Request(setup.request).name if standard else f"request {setup.request_type:#04x} {setup.request:#04x}"
    to = _TO.get(setup.recipient, "")
    return f"{name}({setup.value:#06x}, {setup.index:#x}){to} with wLength {setup.length}"


def refused(error: DeviceError) -> bool:
    """Whether a state change failed because the device, or the system for it, said no."""
    return error.status in {Status.STALL, Status.INVALID}


def _name(status: int) -> str:
    return Status(status).name
