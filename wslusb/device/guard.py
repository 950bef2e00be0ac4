"""A Device that wraps a Device and refuses what a guest must not do to somebody else's hardware."""

from __future__ import annotations

from ..usb.endpoints import EndpointMap
from ..usb.ids import TransferType
from ..usb.info import DeviceInfo
from ..usb.setup import Request, Setup
from ..usb.urb import Completion, Done, Status, Urb
from .api import Device

__all__ = ["Guarded"]

_TEST_MODE = 2


class Guarded:
    """Checks each URB against the device's descriptors before the device sees it.

    An endpoint that the device does not have, or a transfer of another type than the endpoint's, completes with
    ``Status.INVALID``. Two standard requests are stalled, as a device would: SET_ADDRESS, because the address is the
    host's to give, and SET_FEATURE(TEST_MODE), which only a power cycle ends (USB 2.0, 9.4.6 and 9.4.9).
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._endpoints = EndpointMap(device.info)
        self.cancel = device.cancel
        self.select_configuration = device.select_configuration
        self.select_interface = device.select_interface
        self.reset = device.reset
        self.close = device.close

    @property
    def info(self) -> DeviceInfo:
        """The wrapped device's."""
        return self._device.info

    def submit(self, urb: Urb, done: Done) -> None:
        """See :class:`Device`."""
        if not self._endpoints.allows(urb.endpoint, urb.transfer):
            done(Completion(urb, Status.INVALID))
        elif urb.transfer == TransferType.CONTROL and urb.setup is not None and _is_forbidden(urb.setup):
            done(Completion(urb, Status.STALL))
        else:
            self._device.submit(urb, done)

    def clear_halt(self, endpoint: int) -> None:
        """See :class:`Device`. Endpoint 0 is never halted (USB 2.0, 8.5.3.4): nothing to do."""
        if endpoint & 0x0F:
            self._device.clear_halt(endpoint)


def _is_forbidden(setup: Setup) -> bool:
    if setup.request_type:
        return False
    test_mode = setup.request == Request.SET_FEATURE and setup.value == _TEST_MODE
    return test_mode or setup.request == Request.SET_ADDRESS
