"""A physical device through libusb and usbfs.

What a Linux class driver is used to from its own host controller, and libusb does not give, is made up for here and in
the ``libusb_*`` modules beside this one (docs/architecture.md, "Traps"):

- **SHORT_NOT_OK is never handed to libusb.** It would turn a short read into an error and lose the data. A short read
  that the URB does not allow is made ``Status.SHORT`` here, with its data. Linux' usb-storage asks for that.
- URBs above usbfs's 16 MB wait (``libusb_budget``), isochronous ones above 128 packets are split (``libusb_iso``).
- Completions keep their order on an endpoint, failures to submit included (``libusb_lane``).
- Transfers have no timeout: how long to wait is for the guest to decide.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import logging
import struct
import threading
from collections.abc import Callable, Iterator

from ..errors import DeviceError, LocalError, LocalReason
from ..system.api import HostDevice
from ..usb.ids import DIR_IN, DescriptorType
from ..usb.info import DeviceInfo
from ..usb.setup import Recipient, Request
from ..usb.urb import Done, Status, Urb
from .libusb_budget import Budget
from .libusb_claims import Claims, endpoints_by_interface
from .libusb_engine import Engine
from .libusb_lane import Lane
from .libusb_native import Native

__all__ = ["LibusbDevice", "shared_budget"]

_log = logging.getLogger(__name__)

shared_budget: Budget[Lane] = Budget()
"""The memory of usbfs is one for all devices, so this process's share of it is one, too."""

_ENDPOINT_NUMBER = 0x0F
_BOS_HEADER = struct.Struct("<BBHB")
_USB_2_01 = 0x0201  # the first bcdUSB with a BOS (USB 3.2, 9.6.2)
_BOS_LIMIT = 4096


class LibusbDevice:
    """An open device: a :class:`wslusb.device.api.Device`. Made by :meth:`open`.

    ``closed`` is called at the end of :meth:`close`, when the device is its system's again.
    """

    def __init__(self, host: HostDevice, native: Native, budget: Budget[Lane], closed: Callable[[], None]) -> None:
        info = host.info
        self._native, self._closed = native, closed
        self._control = threading.Lock()
        self._open = True
        self._layouts = {raw[5]: endpoints_by_interface(raw) for raw in info.configurations if len(raw) > 5}
        self._original = self._active = info.active_configuration
        self._claims = Claims(native, host.drivers)
        self._claims.take(self._layout())
        self._info = info if info.bos else dataclasses.replace(info, bos=_read_bos(native, info))
        self._engine = Engine(native, budget)

    @classmethod
    def open(
        cls, host: HostDevice, *, budget: Budget[Lane] = shared_budget, closed: Callable[[], None] = lambda: None
    ) -> LibusbDevice:
        """Take a device from its drivers. DeviceError if it is gone, busy or forbidden; LocalError without libusb."""
        native = Native(host.bus, host.address, host.info.busid)
        try:
            return cls(host, native, budget, closed)
        except BaseException:
            native.close()
            raise

    @property
    def info(self) -> DeviceInfo:
        """Identity and descriptors, as they were when the device was opened."""
        return self._info

    def submit(self, urb: Urb, done: Done) -> None:
        """Queue a URB. ``done`` is called in this device's event thread; once that has ended, at once, with GONE."""
        self._engine.submit(urb, done)

    def cancel(self, urb: Urb) -> None:
        """Ask for a URB to be given back; that it has finished already is the ordinary lost race."""
        self._engine.cancel(urb)

    def select_configuration(self, value: int) -> None:
        """Make ``value`` the active configuration. URBs in flight, but for control, are given back first.

        A guest selects the current configuration each time that it enumerates the device. usbfs refuses that with
        BUSY while interfaces are claimed; so they are released, the kernel sends SET_CONFIGURATION and puts halts,
        toggles and alternate settings back (drivers/usb/core/message.c, usb_reset_configuration), and they are claimed
        again. No driver gets in between: none is probed for an interface that was merely released. Linux' exporter
        does the same by other means (stub_rx.c, tweak_set_configuration_cmd).
        """
        with self._controlling():
            if value and value not in self._layouts:
                raise DeviceError(Status.STALL, f"{self._native.name}: there is no configuration {value}")
            self._engine.flush(bool)  # every endpoint but 0
            self._claims.release()
            try:
                self._native.set_configuration(value)
                self._active = value
            finally:
                self._claims.take(self._layout())

    def select_interface(self, interface: int, alternate: int) -> None:
        """Choose an alternate setting. The interface's URBs are cancelled first.

        The kernel would kill them, and libusb would report those as finished with no data (linux_usbfs.c: ENOENT).
        """
        with self._controlling():
            self._engine.flush(self._layout().get(interface, set()).__contains__)
            self._native.set_interface(interface, alternate)

    def clear_halt(self, endpoint: int) -> None:
        """Clear a halt on the device and the toggle in the host controller."""
        with self._controlling():
            if endpoint & _ENDPOINT_NUMBER:
                self._native.clear_halt(endpoint)
            else:  # usbfs knows no endpoint 0 here; the device may like to hear it
                self._native.control(Recipient.ENDPOINT, Request.CLEAR_FEATURE, 0, endpoint, None, 0)

    def reset(self) -> None:
        """Reset the port: about 0.3 s. All URBs are given back first; alternate settings are 0 afterwards."""
        with self._controlling():
            self._engine.flush()
            self._native.reset()

    def close(self) -> None:
        """Complete all URBs, reset the device if it was used, and give it back to its drivers."""
        self._not_in_done()
        with self._control:
            if not self._open:
                return
            self._open = False
            self._engine.close()
            try:
                self._give_back()
            finally:
                self._native.close()
                self._closed()

    def _give_back(self) -> None:
        try:
            if self._engine.used:
                self._native.reset()
            if self._active != self._original:
                self._claims.release()
                self._native.set_configuration(self._original)  # which has the kernel look for drivers
        except DeviceError as error:
            _log.debug("giving back: %s", error)
        self._claims.give_back()

    def _layout(self) -> dict[int, set[int]]:
        return self._layouts.get(self._active, {})

    @contextlib.contextmanager
    def _controlling(self) -> Iterator[None]:
        """One blocking method at a time; a DeviceError if the device is closed, also while this one waited."""
        self._not_in_done()
        with self._control:
            if not self._open:
                raise DeviceError(Status.GONE, f"{self._native.name}: the device has been closed")
            yield

    def _not_in_done(self) -> None:
        if self._engine.in_done():
            raise LocalError(LocalReason.BAD_STATE, "a method that waits for the device was called from a completion")


def _read_bos(native: Native, info: DeviceInfo) -> bytes:
    """The binary object store, where the system does not keep it (sysfs has it from Linux 6.9 on)."""
    if len(info.device_descriptor) < 4 or info.device_descriptor[2] | info.device_descriptor[3] << 8 < _USB_2_01:
        return b""
    try:
        header = _get_descriptor(native, DescriptorType.BOS, _BOS_HEADER.size)
        if len(header) < _BOS_HEADER.size:
            return b""
        total: int = _BOS_HEADER.unpack(header)[2]
        return _get_descriptor(native, DescriptorType.BOS, min(total, _BOS_LIMIT))
    except DeviceError as error:
        _log.debug("no BOS: %s", error)
        return b""


def _get_descriptor(native: Native, kind: int, length: int) -> bytes:
    buffer = (ctypes.c_ubyte * length)()
    count = native.control(DIR_IN, Request.GET_DESCRIPTOR, kind << 8, 0, buffer, length)
    return bytes(buffer[:count])
