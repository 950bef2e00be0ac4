"""A driver for tests that talk to the device themselves, by pyusb: no vhci_hcd, no agent, no root."""

from __future__ import annotations

from typing import Any, ClassVar

import attr
import usb.core
import usb.util
from labgrid.driver import Driver
from labgrid.driver.exception import ExecutionError
from labgrid.factory import target_factory

from ..errors import WslusbError
from ..guest import pyusb_backend
from .resource import NetworkWslusbDevice, WslusbDevice

__all__ = ["WslusbPyusbDriver"]


@target_factory.reg_driver
@attr.s(eq=False)
class WslusbPyusbDriver(Driver):
    """Opens a session with the device's host while it is active; the first transfer attaches the device.

    Args:
        host (str): address of the service as this machine sees it
    """

    bindings: ClassVar[dict[str, Any]] = {"device": {WslusbDevice, NetworkWslusbDevice}}
    host: str = attr.ib(default="vsock:2", validator=attr.validators.instance_of(str))

    def on_activate(self) -> None:
        """Find the device. ExecutionError if the host is not there, or does not share it."""
        if isinstance(self.device, WslusbDevice):
            self.device.lend()
        self._backend: Any = None
        try:
            self._find()
        except BaseException:
            self._close()
            raise

    def on_deactivate(self) -> None:
        """Give it back."""
        usb.util.dispose_resources(self._usb)
        self._close()

    @Driver.check_active
    def get_device(self) -> Any:
        """The device, a ``usb.core.Device``."""
        return self._usb

    def _find(self) -> None:
        try:
            self._backend = pyusb_backend(self.host)
            found = usb.core.find(backend=self._backend, custom_match=self._is_it)
        except WslusbError as error:
            raise ExecutionError(f"{self.host}: {error}") from error
        if found is None:
            raise ExecutionError(f"{self.host} does not share {self.device.busid}")
        self._usb = found

    def _is_it(self, device: Any) -> bool:
        busid = f"{device.bus}-{'.'.join(map(str, device.port_numbers or ()))}"
        return busid == str(self.device.busid)

    def _close(self) -> None:
        if self._backend is not None:
            self._backend.close()
        if isinstance(self.device, WslusbDevice):
            self.device.give_back()
