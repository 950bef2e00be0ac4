"""One endpoint between a controller and a Device: a thread that carries packets one way."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod

from wslusb.device.api import Device
from wslusb.device.sync import Result
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import is_in
from wslusb.usb.urb import Buffer, Status, Urb, UrbFlag

from . import udc

assert sys.platform == "linux"  # noqa: S101 - tells mypy that the rest is Linux' alone

__all__ = ["WAKE", "Lane", "lane"]

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.05
_DRAIN_SECONDS = 0.001
_ERROR_SECONDS = 0.02
WAKE = signal.SIGUSR1
"""Ends a blocking call of the controller; whoever uses lanes installs an empty handler for it."""


def lane(device: Device, controller: udc.Controller, endpoint: Endpoint) -> Lane:
    """The lane of a bulk or interrupt endpoint. OSError if the controller has no such endpoint to spare."""
    return (_InLane if is_in(endpoint.address) else _OutLane)(device, controller, endpoint)


class Lane(ABC):
    """A running lane.

    It moves packet by packet: a controller's read ends at a short packet or when it is full, and how much the host
    is going to send only the host knows.
    """

    def __init__(self, device: Device, controller: udc.Controller, endpoint: Endpoint) -> None:
        self._device, self._controller = device, controller
        self._handle = controller.enable(endpoint)
        self._address, self._transfer = endpoint.address, endpoint.transfer
        self._packet = endpoint.packet_size
        self._stopping = False
        self._urb: Urb | None = None
        self._thread = threading.Thread(target=self._run, name=f"endpoint {endpoint.address:#04x}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, whatever it waits for, and take the endpoint back from the host."""
        self._stopping = True
        while self._thread.is_alive():
            if (urb := self._urb) is not None:
                self._device.cancel(urb)
            # Between its look at `_stopping` and the call a signal would be lost: hence again and again.
            signal.pthread_kill(self._thread.ident or 0, WAKE)
            self._thread.join(_POLL_SECONDS)
        with contextlib.suppress(udc.Vanished):  # perhaps the controller is gone as a whole
            self._controller.disable(self._handle)

    def _run(self) -> None:
        try:
            with contextlib.suppress(udc.Interrupted, udc.Vanished):
                while not self._stopping:
                    self._step()
        except OSError:
            _log.exception("endpoint %#04x", self._address)

    @abstractmethod
    def _step(self) -> None:
        """Carry one packet."""

    def _ask(self, length: int, data: Buffer = b"") -> Result:
        """Hand a URB to the device and wait for as long as it takes."""
        result = Result()
        self._urb = urb = Urb(0, self._address, self._transfer, length, UrbFlag.SHORT_OK, data)
        self._device.submit(urb, result.done)
        result.wait(None)
        self._urb = None
        if result.status == Status.STALL:
            self._halt()
            # The controller keeps the halt until the host clears it, and holds back what is written meanwhile.
            self._device.clear_halt(self._address)
        elif result.status in (Status.CANCELLED, Status.GONE):
            raise udc.Vanished
        elif result.status != Status.OK:
            # Other failures are a host's to see, and have no packet here: this end stays silent, but not busily.
            time.sleep(_ERROR_SECONDS)
        return result

    def _halt(self) -> None:
        # A controller may say that a packet is written while it still has it; it refuses to halt until that is gone.
        while not self._stopping and not self._controller.halt(self._handle):
            time.sleep(_DRAIN_SECONDS)


class _InLane(Lane):
    """From the device to the host."""

    def _step(self) -> None:
        result = self._ask(self._packet)
        if result.status == Status.OK:
            self._controller.write(self._handle, result.data)


class _OutLane(Lane):
    """From the host to the device."""

    def _step(self) -> None:
        data = self._controller.read(self._handle, self._packet)
        self._ask(len(data), data)
