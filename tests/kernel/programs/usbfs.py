"""The usbfs interface (linux/usbdevice_fs.h) as far as the programs beside this one need it.

There is no libusb in between: what they see is what the kernel's host controller driver did.
"""

from __future__ import annotations

import ctypes
import os
import select
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)
SYSFS = Path("/sys/bus/usb/devices")
BULK = 3
DIR_IN = 0x80


class UrbStruct(ctypes.Structure):
    """struct usbdevfs_urb without isochronous packets."""

    _fields_ = (
        ("type", ctypes.c_ubyte),
        ("endpoint", ctypes.c_ubyte),
        ("status", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("buffer", ctypes.c_void_p),
        ("buffer_length", ctypes.c_int),
        ("actual_length", ctypes.c_int),
        ("start_frame", ctypes.c_int),
        ("number_of_packets", ctypes.c_int),
        ("error_count", ctypes.c_int),
        ("signr", ctypes.c_uint),
        ("usercontext", ctypes.c_void_p),
    )


class ControlStruct(ctypes.Structure):
    """struct usbdevfs_ctrltransfer; ``timeout`` in milliseconds."""

    _fields_ = (
        ("request_type", ctypes.c_uint8),
        ("request", ctypes.c_uint8),
        ("value", ctypes.c_uint16),
        ("index", ctypes.c_uint16),
        ("length", ctypes.c_uint16),
        ("timeout", ctypes.c_uint32),
        ("data", ctypes.c_void_p),
    )


class IoctlStruct(ctypes.Structure):
    """struct usbdevfs_ioctl."""

    _fields_ = (("interface", ctypes.c_int), ("code", ctypes.c_int), ("data", ctypes.c_void_p))


def _code(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("U") << 8 | number


POINTER = ctypes.sizeof(ctypes.c_void_p)
CONTROL = _code(3, 0, ctypes.sizeof(ControlStruct))
SETINTERFACE = _code(2, 4, 8)
SETCONFIGURATION = _code(2, 5, 4)
SUBMITURB = _code(2, 10, ctypes.sizeof(UrbStruct))
DISCARDURB = _code(0, 11, 0)
REAPURBNDELAY = _code(1, 13, POINTER)
CLAIMINTERFACE = _code(2, 15, 4)
RELEASEINTERFACE = _code(2, 16, 4)
IOCTL = _code(3, 18, ctypes.sizeof(IoctlStruct))
RESET = _code(0, 20, 0)
CLEAR_HALT = _code(2, 21, 4)
DISCONNECT = _code(0, 22, 0)
CONNECT = _code(0, 23, 0)


def folder(serial: str) -> Path:
    """The device with a serial number, in sysfs."""
    for path in sorted(SYSFS.glob("*/serial")):
        try:
            if path.read_text().strip() == serial:
                return path.parent
        except OSError:
            continue
    raise SystemExit(f"no device has the serial number {serial}")


class Urb:
    """A URB and its buffer. ``reaped`` counts how often the kernel has given it back."""

    def __init__(self, endpoint: int, data: bytes | int, transfer: int = BULK) -> None:
        self.buffer = ctypes.create_string_buffer(data, data if isinstance(data, int) else max(len(data), 1))
        self.length = data if isinstance(data, int) else len(data)
        self.struct = UrbStruct(
            type=transfer, endpoint=endpoint, buffer=ctypes.addressof(self.buffer), buffer_length=self.length
        )
        self.reaped = 0

    @property
    def address(self) -> int:
        """What the kernel knows it by."""
        return ctypes.addressof(self.struct)

    @property
    def status(self) -> int:
        """0 or a negative errno."""
        return int(self.struct.status)

    @property
    def actual(self) -> int:
        """Bytes moved."""
        return int(self.struct.actual_length)

    @property
    def data(self) -> bytes:
        """The bytes moved."""
        return self.buffer.raw[: self.actual]


class Device:
    """An open device node."""

    def __init__(self, serial: str) -> None:
        self.folder = folder(serial)
        bus, number = (int((self.folder / name).read_text()) for name in ("busnum", "devnum"))
        self.descriptor = os.open(f"/dev/bus/usb/{bus:03d}/{number:03d}", os.O_RDWR | os.O_CLOEXEC)
        self.flying: dict[int, Urb] = {}

    def call(self, code: int, address: int | None = None) -> int:
        """An ioctl. Not the fcntl module's, which gives the kernel the address of a copy."""
        result: int = _libc.ioctl(self.descriptor, code, address)
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result

    def number(self, code: int, value: int) -> int:
        """An ioctl on an unsigned int."""
        argument = ctypes.c_uint(value)
        return self.call(code, ctypes.addressof(argument))

    def driver_call(self, interface: int, code: int, data: ctypes.Structure | None = None) -> int:
        """An ioctl for the driver of an interface; or CONNECT, DISCONNECT."""
        command = IoctlStruct(interface, code, None if data is None else ctypes.addressof(data))
        return self.call(IOCTL, ctypes.addressof(command))

    def configure(self, value: int) -> None:
        """Select a configuration, with no driver on its first interface."""
        self.free()
        self.number(SETCONFIGURATION, value)
        self.free()

    def free(self) -> None:
        """Take the first interface from its driver, if it has one."""
        try:
            self.driver_call(0, DISCONNECT)
        except OSError:
            return

    def control(self, request_type: int, request: int, value: int, index: int, length: int) -> bytes:
        """A control read."""
        data = ctypes.create_string_buffer(length)
        transfer = ControlStruct(request_type, request, value, index, length, 5000, ctypes.addressof(data))
        count = self.call(CONTROL, ctypes.addressof(transfer))
        return data.raw[:count]

    def submit(self, urb: Urb) -> Urb:
        """Queue a URB."""
        self.call(SUBMITURB, urb.address)
        self.flying[urb.address] = urb
        return urb

    def discard(self, urb: Urb) -> bool:
        """Ask for a URB back; False if it has completed already."""
        try:
            self.call(DISCARDURB, urb.address)
        except OSError:
            return False
        return True

    def reap(self, seconds: float) -> Urb | None:
        """The next URB that is done; None if there is none for so long."""
        poller = select.poll()
        poller.register(self.descriptor, select.POLLOUT)
        if not poller.poll(seconds * 1000):
            return None
        address = ctypes.c_void_p()
        self.call(REAPURBNDELAY, ctypes.addressof(address))
        urb = self.flying.pop(address.value or 0, None)
        if urb is None:
            raise SystemExit(f"URB {address.value:#x} was reaped and is not in flight: it was completed twice")
        urb.reaped += 1
        return urb

    def close(self) -> None:
        """Close the node."""
        os.close(self.descriptor)
