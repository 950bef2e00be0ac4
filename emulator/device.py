"""A virtual device behind the Device seam: the lock, the queue of completions, the checks that a kernel makes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wslusb.device.clock import Clock, RealClock
from wslusb.device.delivery import Delivery
from wslusb.errors import DeviceError
from wslusb.usb.ids import DIR_IN, TransferType
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Buffer, Completion, Done, Status, Urb, UrbFlag

from .control import ControlEndpoint
from .control_pipe import ControlPipe
from .core import Core
from .firmware import Firmware
from .frames import Frames
from .gadget import Gadget
from .model import Model

__all__ = ["VirtualDevice"]

_HALT = 0
_SHORT_OK, _CONTROL = int(UrbFlag.SHORT_OK), int(TransferType.CONTROL)
_REQUEST_SECONDS = 5.0


class VirtualDevice:
    """One opening of a gadget: a :class:`wslusb.device.api.Device`.

    A device that waits for nothing completes a URB within ``submit``, with no change of thread. Starts in the
    configuration that ``info`` names, as a device does that its host's system has enumerated; DeviceError if it cannot.
    ``replug`` is called, from the clock, when the firmware wants to come back as another device. Without a ``clock`` it
    has a real one of its own: that one's thread hands out what comes in time, and a ``done`` that blocks must not hold
    up other devices.
    """

    def __init__(
        self, gadget: Gadget, firmware: Firmware | None = None, info: DeviceInfo | None = None, *,
        clock: Clock | None = None, replug: Callable[[Model], None] | None = None,
    ) -> None:  # fmt: skip
        self._info = info or gadget.info("9-1")
        self.clock: Clock = clock or RealClock()
        self._replug = replug
        self._lock = threading.Lock()
        self._delivery = Delivery()
        self._firmware = firmware or Firmware()
        self._core = Core(gadget, self._firmware, self._delivery.put, Frames(self.clock, self._act))
        self._pipes = self._core.pipes
        self._control = ControlPipe(ControlEndpoint(self._core))
        self._gone = False
        self._closed = False
        self._firmware.board = self
        if not self._power_up():
            self.close()
            failure = self._core.failure or f"it has no configuration {self._info.active_configuration}"
            raise DeviceError(Status.PROTOCOL, f"{self._info.description} could not be configured: {failure}")

    def _power_up(self) -> bool:
        with self._lock:
            return self._core.attempt(self._firmware.attached) and self._core.configure(self._info.active_configuration)

    @property
    def closed(self) -> bool:
        """Whether it was closed or unplugged, and its firmware is free for another opening."""
        return self._closed

    @property
    def info(self) -> DeviceInfo:
        """Identity and descriptors, as they were when the device was opened."""
        return self._info

    def submit(self, urb: Urb, done: Done) -> None:
        """Queue a URB; :class:`wslusb.device.api.Device` says what is promised."""
        endpoint = urb.endpoint
        with self._lock:
            pipe = self._pipes.get(endpoint)
            if pipe is None:
                self._accept(urb, done)
            # usbfs and usb_submit_urb refuse an endpoint that the current setting has not, or as another type.
            elif pipe.transfer != urb.transfer or (endpoint < DIR_IN and len(urb.data) != urb.length):
                self._delivery.put(done, Completion(urb, Status.INVALID))
            else:
                pipe.submit(urb, done)
        self._delivery.run()

    def _accept(self, urb: Urb, done: Done) -> None:
        """What is not for a pipe: endpoint zero, and what cannot be right. A device that is gone has no pipes."""
        if self._gone:
            self._delivery.put(done, Completion(urb, Status.GONE))
            return
        setup, length = urb.setup, urb.length
        if (
            setup is None or setup.length != length or urb.endpoint & 0x7F or urb.transfer != _CONTROL
            or (setup.request_type < DIR_IN and len(urb.data) != length)
        ):  # fmt: skip
            self._delivery.put(done, Completion(urb, Status.INVALID))
            return

        def finish(status: Status, reply: Buffer) -> None:
            self._delivery.put(done, _control_completion(urb, status, reply))

        self._control.submit(urb, setup, urb.data, finish)

    def cancel(self, urb: Urb) -> None:
        """Give a URB back if it is still waiting."""
        with self._lock:
            pipe = self._core.pipes.get(urb.endpoint) if urb.endpoint & 0x7F else self._control
            if pipe is not None:
                pipe.cancel(urb)
        self._delivery.run()

    def select_configuration(self, value: int) -> None:
        """SET_CONFIGURATION; URBs in flight are given back. DeviceError (STALL) for a value that does not exist."""
        self._request(Setup(0x00, Request.SET_CONFIGURATION, value, 0, 0))

    def select_interface(self, interface: int, alternate: int) -> None:
        """SET_INTERFACE; the interface's URBs are given back. DeviceError (STALL) for a setting that does not exist."""
        self._request(Setup(0x01, Request.SET_INTERFACE, alternate, interface, 0))

    def clear_halt(self, endpoint: int) -> None:
        """CLEAR_FEATURE(ENDPOINT_HALT). DeviceError (STALL) for an endpoint that does not exist."""
        self._request(Setup(0x02, Request.CLEAR_FEATURE, _HALT, endpoint, 0))

    def _request(self, setup: Setup) -> None:
        """DeviceError: what became of it, TIMEOUT for a device that does not answer in 5 s as Linux has it."""
        outcome: list[Status] = []
        answered = threading.Event()

        def finish(status: Status, _reply: Buffer) -> None:
            outcome.append(status)
            answered.set()

        with self._lock:
            self._check_alive()
            self._control.submit(answered, setup, b"", finish)
        self._delivery.flush()
        if not outcome and not answered.wait(_REQUEST_SECONDS):
            with self._lock:
                self._control.cancel(answered, Status.TIMEOUT)
            self._delivery.flush()
        if outcome[0] != Status.OK:
            raise DeviceError(outcome[0], f"{self._info.description} refused {setup}")

    def reset(self) -> None:
        """Reset the port: URBs are given back, and no configuration is active afterwards."""
        with self._lock:
            self._check_alive()
            self._control.flush(Status.CANCELLED)
            self._core.reset()
        self._delivery.flush()

    def _check_alive(self) -> None:
        if self._gone:
            raise DeviceError(Status.GONE, f"{self._info.description} is gone")

    def unplug(self) -> None:
        """Pull the plug: everything in flight, and everything that is asked from now on, ends with GONE."""
        self._leave(Status.GONE)

    def close(self) -> None:
        """Give the device back. URBs in flight are done when this returns; a second call does nothing."""
        self._leave(Status.CANCELLED)

    def _leave(self, status: Status) -> None:
        with self._lock:
            if not self._gone:
                self._gone = True
                self._control.flush(status)
                self._core.flush(status)
                if self._firmware.board is self:
                    self._firmware.board = None
                    self._core.attempt(self._firmware.detached)
                self._closed = True
        self._delivery.flush()

    @contextmanager
    def running(self) -> Iterator[Core]:
        """See :class:`emulator.firmware.Board`."""
        try:
            with self._lock:
                yield self._core
        finally:
            self._delivery.run()

    def _act(self, action: Callable[[], None]) -> None:
        with self.running():
            action()

    def reenumerate(self, model: Model) -> None:
        """See :class:`emulator.firmware.Board`."""
        replug = self._replug
        if replug is not None:
            self.clock.call_at(self.clock.now(), lambda: replug(model))


def _control_completion(urb: Urb, status: Status, reply: Buffer) -> Completion:
    if status != Status.OK:
        return Completion(urb, status)
    if not urb.is_in:
        return Completion(urb, Status.OK, urb.length)
    moved = len(reply)
    short = moved < urb.length and not urb.flags & _SHORT_OK
    return Completion(urb, Status.SHORT if short else Status.OK, moved, reply)
