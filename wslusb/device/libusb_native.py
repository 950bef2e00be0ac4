"""libusb-1.0 through ctypes: the few calls that a device needs, typed, with errors as :class:`DeviceError`.

The bindings are those that the PyPI package ``libusb1`` ships. Its classes are not used: ``USBTransfer`` costs 8 to 60
microseconds a URB, refuses isochronous packets of length 0 and swallows what a callback raises, and ``USBDeviceHandle``
hides the handle that the calls below need. Nothing is loaded before the first device is opened.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

from ..errors import DeviceError, LocalError, LocalReason
from ..usb.urb import Status, from_errno

__all__ = ["ERRORS", "TRANSFER_STATUS", "Native", "error_status", "load"]

TRANSFER_STATUS: tuple[Status, ...] = (
    Status.OK,  # LIBUSB_TRANSFER_COMPLETED
    Status.PROTOCOL,  # ..._ERROR: EPROTO, EILSEQ, ETIME and others, which libusb does not tell apart
    Status.TIMEOUT,  # ..._TIMED_OUT
    Status.CANCELLED,  # ..._CANCELLED
    Status.STALL,  # ..._STALL
    Status.GONE,  # ..._NO_DEVICE
    Status.OVERRUN,  # ..._OVERFLOW
)
"""What ``enum libusb_transfer_status`` means, by its number (libusb.h)."""

ERRORS: dict[int, Status] = {
    -1: Status.FAILED,  # LIBUSB_ERROR_IO: any errno that libusb has no name for
    -2: Status.INVALID,  # ..._INVALID_PARAM
    -3: Status.ACCESS_DENIED,
    -4: Status.GONE,  # ..._NO_DEVICE
    -5: Status.INVALID,  # ..._NOT_FOUND: no such endpoint, interface or configuration
    -6: Status.BUSY,
    -7: Status.TIMEOUT,
    -8: Status.OVERRUN,
    -9: Status.STALL,  # ..._PIPE
    -10: Status.FAILED,  # ..._INTERRUPTED
    -11: Status.NO_MEMORY,
    -12: Status.NOT_SUPPORTED,
    -99: Status.FAILED,
}
"""What ``enum libusb_error`` means, by its number (libusb.h)."""

NOT_FOUND = -5
_FOLDED = (-1, -99)
_ENOENT = 2
_UNCONFIGURED = -1  # libusb_set_configuration: 0 would look for a configuration whose number is 0
_SYNC_TIMEOUT_MS = 2000


def error_status(code: int, errno: int = 0) -> Status:
    """The status of a negative libusb error number.

    ``errno`` is what the system call had said: libusb folds most of them into IO or OTHER (linux_usbfs.c), ENOMEM of a
    control URB and EPIPE of USBDEVFS_SETINTERFACE among them.
    """
    if code in _FOLDED and errno:
        # ENOENT is how a URB ends that was unlinked, but a submission that gets it named no endpoint of the device.
        return Status.INVALID if errno == _ENOENT else from_errno(-errno)
    return ERRORS.get(code, Status.FAILED)


@functools.cache
def load() -> Any:
    """The ctypes module with libusb loaded into it. LocalError(MISSING) where there is no libusb."""
    try:
        import usb1

        usb1.loadLibrary()
    except (ImportError, OSError) as error:
        message, hint = f"libusb-1.0 cannot be loaded: {error}", "apt install libusb-1.0-0"
        raise LocalError(LocalReason.MISSING, message, hint=hint) from error
    return usb1.libusb1


class Native:
    """One libusb context with one open device. ``bus`` and ``address`` are the kernel's numbers of the device.

    Every method raises DeviceError with the status that fits. ``name`` is what messages call the device. What the
    kernel refuses because the device has no such endpoint or setting is a STALL: the device would have said that.
    """

    def __init__(self, bus: int, address: int, name: str) -> None:
        self.lib = load()
        self.name = name
        self.context = self.lib.libusb_context_p()
        self.check(self.lib.libusb_init_context(ctypes.byref(self.context), None, 0), "start libusb")
        try:
            self.handle = self._open(bus, address)
        except BaseException:
            self.lib.libusb_exit(self.context)
            raise

    def _open(self, bus: int, address: int) -> Any:
        devices, handle = self.lib.libusb_device_p_p(), self.lib.libusb_device_handle_p()
        count = self.lib.libusb_get_device_list(self.context, ctypes.byref(devices))
        self.check(count, "list devices")
        try:
            for device in devices[:count]:
                here = self.lib.libusb_get_bus_number(device), self.lib.libusb_get_device_address(device)
                if here == (bus, address):
                    self.check(self.lib.libusb_open(device, ctypes.byref(handle)), "open")
                    return handle
        finally:
            self.lib.libusb_free_device_list(devices, 1)
        raise DeviceError(Status.GONE, f"{self.name}: the device is gone")

    def check(self, code: int, action: str, *, busy: str = "", not_found: Status = Status.INVALID) -> int:
        """Return ``code`` if it is not an error.

        ``busy`` says who may have the device where it is BUSY, ``not_found`` what NOT_FOUND means for this call.
        """
        if code >= 0:
            return code
        status = not_found if code == NOT_FOUND else error_status(code, ctypes.get_errno())
        raise DeviceError(status, f"{self.name}: cannot {action}: {status.name.lower()}", hint=_hint(status, busy))

    def kernel_driver_active(self, interface: int) -> bool:
        """Whether a driver other than usbfs is bound to the interface."""
        return bool(self.lib.libusb_kernel_driver_active(self.handle, interface) == 1)

    def detach_and_claim(self, interface: int, *, busy: str = "") -> bool:
        """Take an interface from whatever driver has it. False: the kernel knows no such interface."""
        code = self.lib.libusb_detach_kernel_driver(self.handle, interface)
        if code != NOT_FOUND:  # NOT_FOUND is "no driver was bound"
            self.check(code, f"take interface {interface} from its driver", busy=busy)
        code = self.lib.libusb_claim_interface(self.handle, interface)
        if code == NOT_FOUND:
            return False
        self.check(code, f"claim interface {interface}", busy=busy)
        return True

    def release(self, interface: int) -> None:
        """Give up a claim; the kernel sets the interface back to alternate 0. A device that is gone is no error."""
        self.lib.libusb_release_interface(self.handle, interface)

    def attach(self, interface: int) -> None:
        """Let the kernel bind its driver again (USBDEVFS_CONNECT). That there is none is no error."""
        self.lib.libusb_attach_kernel_driver(self.handle, interface)

    def set_configuration(self, value: int) -> None:
        """Select a configuration, 0 for none. BUSY while an interface is claimed."""
        code = self.lib.libusb_set_configuration(self.handle, value or _UNCONFIGURED)
        self.check(code, f"select configuration {value}", not_found=Status.STALL)

    def set_interface(self, interface: int, alternate: int) -> None:
        """Select an alternate setting of a claimed interface."""
        code = self.lib.libusb_set_interface_alt_setting(self.handle, interface, alternate)
        self.check(code, f"select interface {interface} alternate {alternate}", not_found=Status.STALL)

    def clear_halt(self, endpoint: int) -> None:
        """Clear a halt and the data toggle, on the device and in the kernel."""
        code = self.lib.libusb_clear_halt(self.handle, endpoint)
        self.check(code, f"clear endpoint {endpoint:#04x}", not_found=Status.STALL)

    def reset(self) -> None:
        """Reset the port. DeviceError(GONE) where what came back has other descriptors (libusb says NOT_FOUND)."""
        code = self.lib.libusb_reset_device(self.handle)
        if code == NOT_FOUND:
            raise DeviceError(Status.GONE, f"{self.name}: the device came back from the reset as something else")
        self.check(code, "reset")

    def control(self, request_type: int, request: int, value: int, index: int, data: Any, length: int) -> int:
        """A synchronous control transfer of at most 4096 bytes, with a timeout. Bytes moved."""
        code = self.lib.libusb_control_transfer(
            self.handle, request_type, request, value, index, data, length, _SYNC_TIMEOUT_MS
        )
        return self.check(code, f"make control request {request}")

    def handle_events(self) -> int:
        """Wait for completions, a minute at most, and call their callbacks. A negative libusb error or 0."""
        return int(self.lib.libusb_handle_events(self.context))

    def interrupt(self) -> None:
        """Let a :meth:`handle_events` in another thread, or else the next one, return."""
        self.lib.libusb_interrupt_event_handler(self.context)

    def close(self) -> None:
        """Close the handle, then the context. All transfers must be done and the event thread be over."""
        self.lib.libusb_close(self.handle)
        self.lib.libusb_exit(self.context)


def _hint(status: Status, busy: str) -> str:
    if status == Status.ACCESS_DENIED:
        return "run the host service with sudo, or give the user access to the device by a udev rule"
    if status == Status.BUSY:
        return f"in use by {busy}; stop it first" if busy else "another program uses the device; stop it first"
    return ""
