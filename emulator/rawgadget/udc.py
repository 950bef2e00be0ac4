"""A USB device controller (UDC) in our hands: an open /dev/raw-gadget, one method a call.

The calls block until the host at the other end of the cable has done its part. They end early, with
:class:`Interrupted`, when a signal reaches the thread that is in them; that is how endpoints are stopped.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import sys
from pathlib import Path

from wslusb.errors import LocalError, LocalReason
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import Speed

from . import ioctls
from .ioctls import Call

assert sys.platform == "linux"  # noqa: S101 - tells mypy that the rest is Linux' alone

__all__ = ["Controller", "Interrupted", "Vanished", "controllers"]

_NODE = Path("/dev/raw-gadget")
_CLASS = Path("/sys/class/udc")
_EVENT_DATA = 64
_ZERO_PACKET = 1
_GONE = {errno.ESHUTDOWN, errno.ENODEV, errno.ECONNRESET, errno.EINVAL, errno.EBUSY}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)


class Interrupted(Exception):  # noqa: N818 - it is no error
    """A signal came before the host did its part."""


class Vanished(Exception):  # noqa: N818 - it is no error
    """The host took the endpoint or the bus away: it reset the device, chose another setting, or was unplugged."""


def controllers() -> dict[str, str]:
    """The UDCs of this machine, and what their drivers call them."""
    names = {}
    for path in sorted(_CLASS.iterdir()) if _CLASS.is_dir() else ():
        found = re.search(r"^USB_UDC_NAME=(.+)$", (path / "uevent").read_text(), re.MULTILINE)
        names[path.name] = found[1] if found else path.name
    return names


class Controller:
    """One UDC, claimed. LocalError if it is not there, busy or forbidden."""

    def __init__(self, udc: str, speed: Speed) -> None:
        known = controllers()
        if udc not in known:
            raise LocalError(
                LocalReason.NOT_FOUND, f"there is no USB device controller {udc!r}, only {', '.join(known) or 'none'}",
                hint="'modprobe dummy_hcd' makes one that needs no hardware",
            )  # fmt: skip
        try:
            self._fd = os.open(_NODE, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise LocalError(
                LocalReason.NOT_FOUND, f"cannot open {_NODE}: {error.strerror}",
                hint="load the module raw_gadget, and be root",
            ) from error  # fmt: skip
        try:
            self._call(Call.INIT, ctypes.create_string_buffer(ioctls.init(known[udc], udc, speed)))
            self._call(Call.RUN)
        except OSError as error:
            os.close(self._fd)
            raise LocalError(
                LocalReason.REFUSED, f"{udc} cannot be had: {error.strerror}",
                hint="another gadget may hold it: see /sys/kernel/config/usb_gadget and lsmod",
            ) from error  # fmt: skip

    def close(self) -> None:
        """Leave the bus. No other call may be under way."""
        os.close(self._fd)

    def _call(self, call: Call, argument: ctypes.Array[ctypes.c_char] | int | None = None) -> int:
        answer: int = _libc.ioctl(self._fd, call, argument)
        if answer < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return answer

    def _transfer(self, call: Call, argument: ctypes.Array[ctypes.c_char] | int | None = None) -> int:
        try:
            return self._call(call, argument)
        except OSError as error:
            if error.errno == errno.EINTR:
                raise Interrupted from None
            if error.errno in _GONE:
                raise Vanished(error.strerror) from None
            raise

    def event(self) -> tuple[int, bytes]:
        """Wait for the next event: its kind (a :class:`.ioctls.Event`, or a newer kernel's) and its data.

        OSError if the controller is gone.
        """
        buffer = ctypes.create_string_buffer(ioctls.EVENT_HEADER.size + _EVENT_DATA)
        ioctls.EVENT_HEADER.pack_into(buffer, 0, 0, _EVENT_DATA)
        try:
            self._call(Call.EVENT_FETCH, buffer)
        except InterruptedError:
            raise Interrupted from None
        kind, length = ioctls.EVENT_HEADER.unpack_from(buffer)
        data = buffer.raw[ioctls.EVENT_HEADER.size :][:length]
        return kind, data

    def control_read(self, length: int) -> bytes:
        """The data stage of a control OUT; with 0, the status stage of one that has no data."""
        return self._read(Call.EP0_READ, 0, length)

    def control_write(self, data: bytes, *, zero: bool) -> None:
        """The data stage of a control IN. ``zero``: end it with an empty packet if its length asks for that."""
        self._write(Call.EP0_WRITE, 0, data, _ZERO_PACKET if zero else 0)

    def control_stall(self) -> None:
        """Refuse the control request that is under way."""
        self._transfer(Call.EP0_STALL)

    def configured(self, power: int) -> None:
        """Tell the controller that a configuration was chosen, and what it may draw, in units of 2 mA."""
        self._transfer(Call.VBUS_DRAW, power)
        self._transfer(Call.CONFIGURE)

    def enable(self, endpoint: Endpoint) -> int:
        """Give an endpoint to the host; its handle. OSError if the controller has none such to spare."""
        return self._call(Call.EP_ENABLE, ctypes.create_string_buffer(ioctls.enable(endpoint)))

    def disable(self, handle: int) -> None:
        """Take it back."""
        self._transfer(Call.EP_DISABLE, handle)

    def read(self, handle: int, length: int) -> bytes:
        """Wait for ``length`` bytes of the host, or a short packet."""
        return self._read(Call.EP_READ, handle, length)

    def write(self, handle: int, data: bytes) -> None:
        """Wait until the host has taken these bytes; an empty one is a packet, too."""
        self._write(Call.EP_WRITE, handle, data)

    def halt(self, handle: int) -> bool:
        """Stall until the host clears it; the controller knows by itself when that is. False: not yet, it is busy."""
        try:
            self._transfer(Call.EP_SET_HALT, handle)
        except BlockingIOError:
            return False
        return True

    def _read(self, call: Call, handle: int, length: int) -> bytes:
        head = ioctls.IO_HEADER.size
        buffer = ctypes.create_string_buffer(head + length)
        ioctls.IO_HEADER.pack_into(buffer, 0, handle, 0, length)
        count = self._transfer(call, buffer)
        return ctypes.string_at(ctypes.addressof(buffer) + head, count)

    def _write(self, call: Call, handle: int, data: bytes, flags: int = 0) -> None:
        header = ioctls.IO_HEADER.pack(handle, flags, len(data))
        self._transfer(call, ctypes.create_string_buffer(header + data, len(header) + len(data)))
