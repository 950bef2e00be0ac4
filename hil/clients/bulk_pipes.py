"""Where a device of the traits source-sink and bulk-loopback has its bulk pipes: found in its descriptors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Buffer, Status, Urb, UrbFlag

__all__ = ["BulkPipes", "chosen", "loop", "needed", "source_sink"]


@dataclass(slots=True, frozen=True)
class BulkPipes:
    """A bulk IN and a bulk OUT endpoint of one setting."""

    configuration: int
    interface: int
    alternate: int
    source: Endpoint
    sink: Endpoint

    def read(self, length: int) -> Urb:
        """A read of the source, which may bring less."""
        return Urb(0, self.source.address, self.source.transfer, length, UrbFlag.SHORT_OK)

    def write(self, data: Buffer, flags: int = 0) -> Urb:
        """A write to the sink."""
        return Urb(0, self.sink.address, self.sink.transfer, len(data), flags, data)

    def choose(self, device: Device) -> None:
        """Make their setting the chosen one, anew: whatever was in them is lost. DeviceError if that fails."""
        device.select_configuration(self.configuration)
        if self.alternate:
            device.select_interface(self.interface, self.alternate)


def source_sink(info: DeviceInfo) -> BulkPipes | None:
    """The first setting of the first configuration that has both (a Gadget Zero is a source and sink there)."""
    return next(iter(_all(info)), None)


def loop(info: DeviceInfo, *, also_source_sink: bool) -> BulkPipes | None:
    """Where it gives back what it got: as :func:`source_sink`, or in the next configuration if it is that, too."""
    found = _all(info)
    if also_source_sink:
        found = [pipes for pipes in found if pipes.configuration != found[0].configuration]
    return next(iter(found), None)


def needed(pipes: BulkPipes | None) -> BulkPipes:
    """The pipes that were found. DeviceError (NOT_SUPPORTED) if there are none."""
    if pipes is None:
        raise DeviceError(Status.NOT_SUPPORTED, "the device has no bulk IN and OUT endpoints in one setting")
    return pipes


@contextlib.contextmanager
def chosen(device: Device, pipes: BulkPipes | None) -> Iterator[BulkPipes]:
    """Have the pipes' setting chosen, and afterwards the configuration that was. DeviceError as :func:`needed`."""
    pipes = needed(pipes)
    original = device.info.active_configuration
    pipes.choose(device)
    try:
        yield pipes
    finally:
        if original:
            device.select_configuration(original)


def _all(info: DeviceInfo) -> list[BulkPipes]:
    configurations = Configuration.readable(info.configurations)
    pairs = (_pair(each.value, interface) for each in configurations for interface in each.interfaces)
    return [pair for pair in pairs if pair is not None]


def _pair(configuration: int, interface: Interface) -> BulkPipes | None:
    bulk = [each for each in interface.endpoints if each.transfer == TransferType.BULK]
    source = next((each for each in bulk if is_in(each.address)), None)
    sink = next((each for each in bulk if not is_in(each.address)), None)
    if source is None or sink is None:
        return None
    return BulkPipes(configuration, interface.number, interface.alternate, source, sink)
