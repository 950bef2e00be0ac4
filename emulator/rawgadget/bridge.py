"""A Device in front of a controller: control requests and events of the host at the other end of the cable.

Any Device will do: a virtual one, one with a fault plan around it, one of another machine. Some requests never come
here: SET_ADDRESS, and with most controllers GET_STATUS and the endpoint features, are answered by the controller.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading

from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.usb.descriptors import Configuration, Interface
from wslusb.usb.ids import Speed, TransferType
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Status

from . import lanes, udc
from .ioctls import Event

assert sys.platform == "linux"  # noqa: S101 - tells mypy that the rest is Linux' alone

__all__ = ["Bridge"]

_log = logging.getLogger(__name__)


class Bridge:
    """Runs a device on a controller."""

    def __init__(self, device: Device, controller: udc.Controller) -> None:
        self._device, self._controller = device, controller
        self._configurations = {each.value: each for each in map(Configuration.unpack, device.info.configurations)}
        self._refuse_isochronous()
        self._configuration: Configuration | None = None
        self._lanes: dict[int, list[lanes.Lane]] = {}

    def _refuse_isochronous(self) -> None:
        settings = [each for configuration in self._configurations.values() for each in configuration.interfaces]
        if any(endpoint.transfer == TransferType.ISOCHRONOUS for each in settings for endpoint in each.endpoints):
            _log.warning("its isochronous endpoints stay silent: they are not supported on a controller")

    def run(self, ended: threading.Event) -> None:
        """Serve the host until ``ended``: whoever sets it sends this thread a signal, too, to end the call it is in."""
        try:
            while not ended.wait(0):
                try:
                    self._take(*self._controller.event())
                except udc.Interrupted:
                    continue
                except udc.Vanished:
                    _log.debug("the host gave up on a request")
        finally:
            self._drop()

    def _take(self, event: int, data: bytes) -> None:
        if event == Event.CONTROL:
            self._control(Setup.unpack(data))
        elif event in (Event.RESET, Event.DISCONNECT):
            self._drop()
            self._configuration = None
            with contextlib.suppress(DeviceError):  # it may be on its way back as another one
                self._device.reset()

    def _control(self, setup: Setup) -> None:
        controller = self._controller
        if setup.is_in and setup.length:
            result = sync.control(self._device, setup)
            if result.status == Status.OK:
                controller.control_write(result.data, zero=len(result.data) < setup.length)
            else:
                controller.control_stall()
        elif setup.length:
            # The data is there only when it is too late to stall: controllers acknowledge it by themselves.
            sync.control(self._device, setup, controller.control_read(setup.length))
        elif self._change(setup):
            controller.control_read(0)
        else:
            controller.control_stall()

    def _change(self, setup: Setup) -> bool:
        """A request without data. Whether the device took it."""
        try:
            if setup.request_type == 0 and setup.request == Request.SET_CONFIGURATION:
                self._configure(setup.value)
                return True
            if setup.request_type == 1 and setup.request == Request.SET_INTERFACE:
                self._choose(setup.index, setup.value)
                return True
        except DeviceError as error:
            _log.debug("%s", error)
            return False
        return sync.control(self._device, setup).status == Status.OK

    def _configure(self, value: int) -> None:
        self._device.select_configuration(value)  # first: a refusal changes nothing
        self._drop()
        self._configuration = configuration = self._configurations.get(value)
        if configuration is None:
            return
        for interface in configuration.interfaces:
            if interface.number not in self._lanes:  # the first one listed is the default
                self._bring_up(interface)
        # bMaxPower counts 2 mA, and 8 mA at SuperSpeed (USB 3.2, table 9-22).
        self._controller.configured(configuration.max_power * (4 if self._device.info.speed >= Speed.SUPER else 1))

    def _choose(self, number: int, alternate: int) -> None:
        self._device.select_interface(number, alternate)
        for each in self._lanes.pop(number, ()):
            each.stop()
        settings = self._configuration.interfaces if self._configuration else ()
        for interface in settings:
            if (interface.number, interface.alternate) == (number, alternate):
                self._bring_up(interface)

    def _bring_up(self, interface: Interface) -> None:
        running = self._lanes[interface.number] = []
        for endpoint in interface.endpoints:
            if endpoint.transfer == TransferType.ISOCHRONOUS:
                continue
            try:
                running.append(lanes.lane(self._device, self._controller, endpoint))
            except OSError as error:
                what = f"the controller has no endpoint for {endpoint.address:#04x}: {error.strerror}"
                raise LocalError(
                    LocalReason.UNSUPPORTED, what,
                    hint="controllers have few endpoints, and some only of one type or size",
                ) from error  # fmt: skip

    def _drop(self) -> None:
        for running in self._lanes.values():
            for each in running:
                each.stop()
        self._lanes.clear()
