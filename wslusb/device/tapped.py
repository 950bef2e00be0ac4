"""A Device that tells a tap what it is asked and what it answers. Off, it costs one ``if`` a URB."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Protocol

from ..errors import DeviceError
from ..usb.ids import TransferType
from ..usb.info import DeviceInfo
from ..usb.setup import Recipient, Request, Setup
from ..usb.urb import Completion, Done, Urb
from .api import Device

__all__ = ["Tapped", "UrbTap"]

_own_sequences = itertools.count(1 << 32)
"""For what the API does and no URB asks for: no URB of a connection has so great a number."""


class UrbTap(Protocol):
    """Listens. It never blocks and never raises; what it needs of a URB it has copied when it returns."""

    def submitted(self, urb: Urb) -> None:
        """The device is about to be asked."""

    def completed(self, completion: Completion) -> None:
        """It has answered; ``done`` is called next."""

    def note(self, text: str) -> None:
        """Something that is no URB happens."""


class Tapped:
    """Wraps ``device``. Taps may come and go while URBs are in flight.

    State changes are told as the control transfers that they are on the bus.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._tap: UrbTap | None = None

    def listen(self, tap: UrbTap | None) -> None:
        """From now on, tell ``tap``, or nobody."""
        self._tap = tap

    @property
    def info(self) -> DeviceInfo:
        """See :class:`wslusb.device.api.Device`."""
        return self._device.info

    def submit(self, urb: Urb, done: Done) -> None:
        """See :class:`wslusb.device.api.Device`."""
        tap = self._tap
        if tap is None:
            self._device.submit(urb, done)
            return

        def told(completion: Completion) -> None:
            tap.completed(completion)
            done(completion)

        tap.submitted(urb)
        self._device.submit(urb, told)

    def cancel(self, urb: Urb) -> None:
        """See :class:`wslusb.device.api.Device`."""
        self._device.cancel(urb)

    def select_configuration(self, value: int) -> None:
        """See :class:`wslusb.device.api.Device`."""
        setup = Setup(Recipient.DEVICE, Request.SET_CONFIGURATION, value, 0, 0)
        self._change(setup, lambda: self._device.select_configuration(value))

    def select_interface(self, interface: int, alternate: int) -> None:
        """See :class:`wslusb.device.api.Device`."""
        setup = Setup(Recipient.INTERFACE, Request.SET_INTERFACE, alternate, interface, 0)
        self._change(setup, lambda: self._device.select_interface(interface, alternate))

    def clear_halt(self, endpoint: int) -> None:
        """See :class:`wslusb.device.api.Device`."""
        setup = Setup(Recipient.ENDPOINT, Request.CLEAR_FEATURE, 0, endpoint, 0)
        self._change(setup, lambda: self._device.clear_halt(endpoint))

    def _change(self, setup: Setup, action: Callable[[], None]) -> None:
        tap = self._tap
        if tap is None:
            action()
            return
        urb = Urb(next(_own_sequences), 0, TransferType.CONTROL, 0, setup=setup)
        tap.submitted(urb)
        try:
            action()
        except DeviceError as error:
            tap.completed(Completion(urb, error.status))
            raise
        tap.completed(Completion(urb))

    def reset(self) -> None:
        """See :class:`wslusb.device.api.Device`."""
        if (tap := self._tap) is not None:
            tap.note("the port was reset before this")
        self._device.reset()

    def close(self) -> None:
        """See :class:`wslusb.device.api.Device`."""
        self._device.close()
