"""A pyusb backend over the protocol: shared devices of a host for any pyusb program, with no kernel driver and no root.

pyusb's backends are synchronous (usb/backend/__init__.py, class IBackend): each call submits one URB and waits for
it. A device is attached when pyusb opens it, and given back when pyusb disposes of it.
"""

from __future__ import annotations

import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import usb.backend
import usb.core

from ..device import sync
from ..device.api import Device, DeviceProvider
from ..errors import LocalError, WslusbError
from ..transport import address
from ..usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from ..usb.ids import DescriptorType, Speed, TransferType
from ..usb.info import DeviceInfo
from ..usb.setup import Setup
from ..usb.urb import Buffer, Status, Urb, UrbFlag, to_errno
from .client import HostClient

__all__ = ["Backend"]

_SPEEDS = {Speed.LOW: 1, Speed.FULL: 2, Speed.HIGH: 3, Speed.SUPER: 4, Speed.SUPER_PLUS: 5}
"""libusb's numbers of speeds, which pyusb uses (libusb.h, enum libusb_speed)."""
_GET_CONFIGURATION = Setup(0x80, 8, 0, 0, 1)


class _Fields:
    """A descriptor with the attribute names of the USB specification, as pyusb wants it."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class _SharedDevice:
    """A device of the host, attached on demand."""

    def __init__(self, client: HostClient | DeviceProvider, info: DeviceInfo) -> None:
        self.info = info
        self._client = client
        self._remote: Device | None = None
        self._parsed: dict[bytes, Configuration] = {}

    def attached(self) -> Device:
        """The device, attached to this program. usb.core.USBError if the host says no."""
        if self._remote is None:
            try:
                self._remote = self._client.open(self.info)
            except WslusbError as error:
                raise usb.core.USBError(str(error)) from error
            self.info = self._remote.info
        return self._remote

    def close(self) -> None:
        """Give it back."""
        if self._remote is not None:
            self._remote.close()
            self._remote = None

    def configuration(self, index: int) -> Configuration:
        """A configuration by index. IndexError past the last, as pyusb expects."""
        if self._remote is None and not self.info.configurations:
            # A program that only looks, at configurations, has nothing that pyusb would dispose of later.
            self.attached()
            self.close()
        raw = self.info.configurations[index]
        if raw not in self._parsed:
            try:
                self._parsed[raw] = Configuration.unpack(raw)
            except LocalError as error:
                raise usb.core.USBError(str(error)) from error
        return self._parsed[raw]

    def setting(self, configuration: int, interface: int, alternate: int) -> Interface:
        """An interface's setting; both are indices, as libusb counts them. IndexError past the last."""
        interfaces = self.configuration(configuration).interfaces
        numbers = sorted({i.number for i in interfaces})
        return [i for i in interfaces if i.number == numbers[interface]][alternate]


class Backend(usb.backend.IBackend):  # type: ignore[misc]  # pyusb has no types
    """The devices that a host shares, or those of a provider in this process.

    ``host`` is an address or the provider; LocalError if nobody answers at the address.
    """

    def __init__(self, host: str | DeviceProvider) -> None:
        self._client = HostClient(address.parse(host)) if isinstance(host, str) else host

    def close(self) -> None:
        """End the session with the host, after the devices have been disposed of."""
        self._client.close()

    # -- descriptors

    def enumerate_devices(self) -> Iterator[_SharedDevice]:
        """Every shared device."""
        for info in self._listed():
            try:
                DeviceDescriptor.unpack(info.device_descriptor)
            except LocalError:
                continue  # there is nothing to find it by, and the others are still to be found
            yield _SharedDevice(self._client, info)

    def _listed(self) -> Iterable[DeviceInfo]:
        if isinstance(self._client, HostClient):
            return [listed.info for listed in self._client.devices()]
        return self._client.devices()

    def get_parent(self, dev: _SharedDevice) -> None:
        """Nobody: hubs are not shared."""

    def get_device_descriptor(self, dev: _SharedDevice) -> _Fields:
        """USB 2.0, table 9-8, and where the device is."""
        info, raw = dev.info, DeviceDescriptor.unpack(dev.info.device_descriptor)
        bus, _, port = info.busid.partition("-")
        return _Fields(
            bLength=18, bDescriptorType=int(DescriptorType.DEVICE), bcdUSB=raw.bcd_usb, bDeviceClass=raw.device_class,
            bDeviceSubClass=raw.subclass, bDeviceProtocol=raw.protocol, bMaxPacketSize0=raw.max_packet_size0,
            idVendor=raw.vendor, idProduct=raw.product, bcdDevice=raw.bcd_device, iManufacturer=raw.manufacturer,
            iProduct=raw.product_string, iSerialNumber=raw.serial, bNumConfigurations=raw.configuration_count,
            address=info.generation, bus=int(bus) if bus.isdecimal() else 0, port_number=None,
            port_numbers=tuple(int(number) for number in port.split(".") if number.isdecimal()) or None,
            speed=_SPEEDS.get(info.speed, 0),
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: _SharedDevice, config: int) -> _Fields:
        """USB 2.0, table 9-10."""
        raw = dev.configuration(config)
        return _Fields(
            bLength=9, bDescriptorType=int(DescriptorType.CONFIGURATION),
            wTotalLength=len(dev.info.configurations[config]), bNumInterfaces=len({i.number for i in raw.interfaces}),
            bConfigurationValue=raw.value, iConfiguration=raw.string, bmAttributes=raw.attributes,
            bMaxPower=raw.max_power, extra_descriptors=list(b"".join(raw.extra)),
        )  # fmt: skip

    def get_interface_descriptor(self, dev: _SharedDevice, intf: int, alt: int, config: int) -> _Fields:
        """USB 2.0, table 9-12."""
        raw = dev.setting(config, intf, alt)
        return _Fields(
            bLength=9, bDescriptorType=int(DescriptorType.INTERFACE), bInterfaceNumber=raw.number,
            bAlternateSetting=raw.alternate, bNumEndpoints=len(raw.endpoints), bInterfaceClass=raw.interface_class,
            bInterfaceSubClass=raw.subclass, bInterfaceProtocol=raw.protocol, iInterface=raw.string,
            extra_descriptors=list(b"".join(raw.extra)),
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: _SharedDevice, ep: int, intf: int, alt: int, config: int) -> _Fields:
        """USB 2.0, table 9-13."""
        raw: Endpoint = dev.setting(config, intf, alt).endpoints[ep]
        refresh, synch = (*raw.tail[:2], 0, 0)[:2]
        return _Fields(
            bLength=7 + len(raw.tail), bDescriptorType=int(DescriptorType.ENDPOINT), bEndpointAddress=raw.address,
            bmAttributes=raw.attributes, wMaxPacketSize=raw.max_packet_size, bInterval=raw.interval, bRefresh=refresh,
            bSynchAddress=synch, extra_descriptors=list(b"".join(raw.extra)),
        )  # fmt: skip

    # -- state

    def open_device(self, dev: _SharedDevice) -> _SharedDevice:
        """Attach it."""
        dev.attached()
        return dev

    def close_device(self, dev_handle: _SharedDevice) -> None:
        """Give it back."""
        dev_handle.close()

    def set_configuration(self, dev_handle: _SharedDevice, config_value: int) -> None:
        """Choose a configuration by its value."""
        _checked(dev_handle.attached().select_configuration, max(config_value, 0))

    def get_configuration(self, dev_handle: _SharedDevice) -> int:
        """The value of the active configuration, asked from the device."""
        result = sync.control(dev_handle.attached(), _GET_CONFIGURATION)
        _raise_for(result.status, 0)
        return result.data[0] if result.data else 0

    def set_interface_altsetting(self, dev_handle: _SharedDevice, intf: int, altsetting: int) -> None:
        """Choose an alternate setting."""
        _checked(dev_handle.attached().select_interface, intf, altsetting)

    def claim_interface(self, dev_handle: _SharedDevice, intf: int) -> None:
        """The whole device is claimed by attaching it."""

    def release_interface(self, dev_handle: _SharedDevice, intf: int) -> None:
        """See :meth:`claim_interface`."""

    def clear_halt(self, dev_handle: _SharedDevice, ep: int) -> None:
        """Clear a halted endpoint."""
        _checked(dev_handle.attached().clear_halt, ep)

    def reset_device(self, dev_handle: _SharedDevice) -> None:
        """Reset the device's port on the host."""
        _checked(dev_handle.attached().reset)

    def is_kernel_driver_active(self, dev_handle: _SharedDevice, intf: int) -> bool:
        """Never: no kernel of the guest knows this device."""
        return False

    def detach_kernel_driver(self, dev_handle: _SharedDevice, intf: int) -> None:
        """Nothing to detach."""

    def attach_kernel_driver(self, dev_handle: _SharedDevice, intf: int) -> None:
        """Nothing to attach."""

    # -- transfers. Time-outs are in milliseconds, 0 waits for ever

    def ctrl_transfer(
        self, dev_handle: _SharedDevice, bmRequestType: int, bRequest: int, wValue: int, wIndex: int,  # noqa: N803 -- pyusb's names
        data: array.array[int], timeout: int,
    ) -> int:  # fmt: skip
        """A control transfer; IN data go into ``data``."""
        view = memoryview(data).cast("B")
        setup = Setup(bmRequestType, bRequest, wValue, wIndex, len(view))
        out = b"" if setup.is_in else view
        urb = Urb(0, 0, TransferType.CONTROL, len(view), UrbFlag.SHORT_OK if setup.is_in else 0, out, setup)
        return _transfer(dev_handle, urb, timeout, view)

    def bulk_write(self, dev_handle: _SharedDevice, ep: int, intf: int, data: array.array[int], timeout: int) -> int:
        """Bulk OUT; the bytes written."""
        return _write(dev_handle, ep, TransferType.BULK, data, timeout)

    def bulk_read(self, dev_handle: _SharedDevice, ep: int, intf: int, buff: array.array[int], timeout: int) -> int:
        """Bulk IN; the bytes read."""
        return _read(dev_handle, ep, TransferType.BULK, buff, timeout)

    def intr_write(self, dev_handle: _SharedDevice, ep: int, intf: int, data: array.array[int], timeout: int) -> int:
        """Interrupt OUT; the bytes written."""
        return _write(dev_handle, ep, TransferType.INTERRUPT, data, timeout)

    def intr_read(self, dev_handle: _SharedDevice, ep: int, intf: int, size: array.array[int], timeout: int) -> int:
        """Interrupt IN; the bytes read."""
        return _read(dev_handle, ep, TransferType.INTERRUPT, size, timeout)

    def iso_write(self, dev_handle: _SharedDevice, ep: int, intf: int, data: array.array[int], timeout: int) -> int:
        """Isochronous OUT in packets of the endpoint's size; the bytes written."""
        return _write(dev_handle, ep, TransferType.ISOCHRONOUS, data, timeout)

    def iso_read(self, dev_handle: _SharedDevice, ep: int, intf: int, size: array.array[int], timeout: int) -> int:
        """Isochronous IN in packets of the endpoint's size; the bytes read, packet after packet."""
        return _read(dev_handle, ep, TransferType.ISOCHRONOUS, size, timeout)


def _write(dev: _SharedDevice, ep: int, transfer: TransferType, data: array.array[int], timeout: int) -> int:
    view = memoryview(data).cast("B")
    urb = Urb(0, ep, transfer, len(view), 0, view, iso_lengths=_packets(dev, ep, transfer, len(view)))
    return _transfer(dev, urb, timeout, view)


def _read(dev: _SharedDevice, ep: int, transfer: TransferType, buffer: array.array[int], timeout: int) -> int:
    view = memoryview(buffer).cast("B")
    lengths = _packets(dev, ep, transfer, len(view))
    return _transfer(dev, Urb(0, ep, transfer, len(view), UrbFlag.SHORT_OK, iso_lengths=lengths), timeout, view)


def _packets(dev: _SharedDevice, ep: int, transfer: TransferType, size: int) -> Sequence[int]:
    """How an isochronous buffer is cut: full packets and a rest (wMaxPacketSize: USB 2.0, 9.6.6)."""
    if transfer != TransferType.ISOCHRONOUS:
        return ()
    largest = 1
    for index in range(len(dev.info.configurations)):
        for interface in dev.configuration(index).interfaces:
            sizes = [each.packet_size * each.transactions for each in interface.endpoints if each.address == ep]
            largest = max([largest, *sizes])
    return [min(largest, size - offset) for offset in range(0, size, largest)]


def _transfer(dev: _SharedDevice, urb: Urb, timeout: int, into: Buffer) -> int:
    result = sync.transfer(dev.attached(), urb, timeout / 1000 if timeout else None)
    if urb.is_in:
        memoryview(into)[: len(result.data)] = result.data
    _raise_for(result.status, result.actual_length)
    return result.actual_length


def _raise_for(status: int, moved: int) -> None:
    """Raise what pyusb raises for a failed transfer; a time-out that moved bytes is none, as in its own backends."""
    if status == Status.TIMEOUT:
        if not moved:
            raise usb.core.USBTimeoutError("Operation timed out", status, -to_errno(status))
    elif status:
        name = Status(status).name if status in set(Status) else f"{status:#x}"
        raise usb.core.USBError(f"transfer failed: {name}", status, -to_errno(status))


def _checked(action: Any, *arguments: int) -> None:
    try:
        action(*arguments)
    except WslusbError as error:
        status = getattr(error, "status", Status.FAILED)
        raise usb.core.USBError(str(error), status, -to_errno(status)) from error
