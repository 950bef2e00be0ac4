"""URBs as Linux' usbfs takes them and gives them back, with what libusb does not tell: flags, statuses, error counts.

linux/usbdevice_fs.h has the structures; drivers/usb/core/devio.c says what becomes of them. For an interface that no
program has: its driver is taken off it, and is not given it back.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wslusb.errors import DeviceError
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Status, from_errno

__all__ = ["ISO_ASAP", "SHORT_NOT_OK", "Ended", "UsbFs", "node", "opened"]

SHORT_NOT_OK, ISO_ASAP = 0x01, 0x02
_TYPES = {TransferType.ISOCHRONOUS: 0, TransferType.INTERRUPT: 1, TransferType.CONTROL: 2, TransferType.BULK: 3}


class _Packet(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("actual_length", ctypes.c_uint), ("status", ctypes.c_int))


class _Urb(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_ubyte), ("endpoint", ctypes.c_ubyte), ("status", ctypes.c_int), ("flags", ctypes.c_uint),
        ("buffer", ctypes.c_void_p), ("buffer_length", ctypes.c_int), ("actual_length", ctypes.c_int),
        ("start_frame", ctypes.c_int), ("packets", ctypes.c_int), ("error_count", ctypes.c_int),
        ("signal", ctypes.c_uint), ("context", ctypes.c_void_p),
    )  # fmt: skip


class _SetInterface(ctypes.Structure):
    _fields_ = (("interface", ctypes.c_uint), ("alternate", ctypes.c_uint))


class _Claim(ctypes.Structure):
    _fields_ = (("interface", ctypes.c_uint), ("flags", ctypes.c_uint), ("driver", ctypes.c_char * 256))


# Not fcntl.ioctl, which hands the kernel a copy: a URB stays where it is until it is reaped.
_libc = ctypes.CDLL(None, use_errno=True)


def _ioctl(descriptor: int, request: int, argument: ctypes.Structure | ctypes.Array[Any] | ctypes.c_void_p) -> None:
    if _libc.ioctl(descriptor, ctypes.c_ulong(request), ctypes.byref(argument)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _read(number: int, size: int) -> int:
    return 2 << 30 | size << 16 | ord("U") << 8 | number  # _IOR


_SET_INTERFACE = _read(4, ctypes.sizeof(_SetInterface))
_SUBMIT = _read(10, ctypes.sizeof(_Urb))
_CLAIM = _read(27, ctypes.sizeof(_Claim))
_DISCARD = ord("U") << 8 | 11
_REAP = 1 << 30 | ctypes.sizeof(ctypes.c_void_p) << 16 | ord("U") << 8 | 13  # USBDEVFS_REAPURBNDELAY


@dataclass(slots=True, frozen=True)
class Ended:
    """How a URB ended. ``packets``: the status and the bytes of each isochronous one."""

    status: int
    data: bytes
    error_count: int
    packets: tuple[tuple[int, int], ...] = ()


class UsbFs:
    """An open device node, with one interface of the device. OSError for what the kernel refuses."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def choose(self, interface: int, alternate: int) -> None:
        """Choose a setting."""
        _ioctl(self._descriptor, _SET_INTERFACE, _SetInterface(interface, alternate))

    def read(
        self, endpoint: int, transfer: TransferType, length: int, *, flags: int = 0, packets: Sequence[int] = (),
        seconds: float = 10.0,
    ) -> Ended:  # fmt: skip
        """One IN URB. DeviceError (TIMEOUT) if it does not end in time; it is taken back then."""
        size = ctypes.sizeof(_Urb) + len(packets) * ctypes.sizeof(_Packet)
        memory, buffer = (ctypes.c_ubyte * size)(), (ctypes.c_ubyte * length)()
        urb = _Urb.from_buffer(memory)
        table = (_Packet * len(packets)).from_buffer(memory, ctypes.sizeof(_Urb)) if packets else ()
        for entry, asked in zip(table, packets, strict=True):
            entry.length = asked
        urb.type, urb.endpoint, urb.flags = _TYPES[transfer], endpoint, flags
        urb.buffer, urb.buffer_length, urb.packets = ctypes.addressof(buffer), length, len(packets)
        _ioctl(self._descriptor, _SUBMIT, memory)
        if not self._ended(seconds):
            with contextlib.suppress(OSError):
                _ioctl(self._descriptor, _DISCARD, memory)
            self._ended(seconds)
            raise DeviceError(Status.TIMEOUT, f"no answer on {endpoint:#04x} within {seconds:.0f} s")
        actual = length if packets else urb.actual_length
        ends = tuple((entry.status, entry.actual_length) for entry in table)
        return Ended(urb.status, bytes(buffer[:actual]), urb.error_count, ends)

    def _ended(self, seconds: float) -> bool:
        """Take the URB that has ended."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        if not poll.poll(seconds * 1000):
            return False
        try:
            _ioctl(self._descriptor, _REAP, ctypes.c_void_p())
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return False
            raise DeviceError(from_errno(-(error.errno or 0)), f"usbfs: {error.strerror}") from error
        return True


def node(busid: str) -> str:
    """Where this kernel has the device that it calls ``busid``. OSError if it is not there."""
    folder = Path("/sys/bus/usb/devices") / busid
    bus, address = (int((folder / name).read_text()) for name in ("busnum", "devnum"))
    return f"/dev/bus/usb/{bus:03d}/{address:03d}"


@contextlib.contextmanager
def opened(busid: str, interface: int) -> Iterator[UsbFs]:
    """The device that this kernel calls ``busid``."""
    descriptor = os.open(node(busid), os.O_RDWR | os.O_CLOEXEC)
    try:
        _ioctl(descriptor, _CLAIM, _Claim(interface))
        yield UsbFs(descriptor)
    finally:
        os.close(descriptor)
