"""A virtual device behind the Device seam: the lock, the queue of completions, the checks that a kernel makes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wslusb.errors import DeviceError
from wslusb.usb.ids import TransferType
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Buffer, Completion, Done, Status, Urb, UrbFlag

from .clock import REAL, Clock
from .control import ControlEndpoint
from .control_pipe import ControlPipe
from .core import Core
from .delivery import Delivery
from .firmware import Firmware
from .frames import Frames
from .gadget import Gadget
from .model import Model

__all__ = ["VirtualDevice"]

_HALT = 0
_REQUEST_SECONDS = 5.0


class VirtualDevice:
    """One opening of a gadget: a :class:`wslusb.device.api.Device`.

    A device that waits for nothing completes a URB within ``submit``, with no change of thread. Starts in the
    configuration that ``info`` names, as a device does that its host's system has enumerated. ``replug`` is called,
    from the clock, when the firmware wants to come back as another device.
    """

    def __init__(
        self, gadget: Gadget, firmware: Firmware | None = None, info: DeviceInfo | None = None, *,
        clock: Clock = REAL, replug: Callable[[Model], None] | None = None,
    ) -> None:  # fmt: skip
        self._info = info or gadget.info("9-1")
        self.clock = clock
        self._replug = replug
        self._lock = threading.Lock()
        self._delivery = Delivery()
        self._firmware = firmware or Firmware()
        self._core = Core(gadget, self._firmware, self._delivery.put, Frames(clock, self._act))
        self._control = ControlPipe(ControlEndpoint(self._core))
        self._gone = False
        self._firmware.board = self
        self._firmware.attached()
        self._core.configure(self._info.active_configuration)

    @property
    def closed(self) -> bool:
        """Whether it was closed or unplugged."""
        return self._gone

    @property
    def info(self) -> DeviceInfo:
        """Identity and descriptors, as they were when the device was opened."""
        return self._info

    def submit(self, urb: Urb, done: Done) -> None:
        """Queue a URB; :class:`wslusb.device.api.Device` says what is promised."""
        with self._lock:
            self._accept(urb, done)
        self._delivery.run()

    def _accept(self, urb: Urb, done: Done) -> None:
        if self._gone:
            self._delivery.put(done, Completion(urb, Status.GONE))
            return
        if not urb.is_in and len(urb.data) != urb.length:
            self._delivery.put(done, Completion(urb, Status.INVALID))
        elif urb.endpoint & 0x7F == 0:
            self._control_transfer(urb, done)
        elif (pipe := self._core.pipes.get(urb.endpoint)) is None or pipe.descriptor.transfer != urb.transfer:
            # usbfs and usb_submit_urb refuse an endpoint that the current setting does not have.
            self._delivery.put(done, Completion(urb, Status.INVALID))
        else:
            pipe.submit(urb, done)

    def _control_transfer(self, urb: Urb, done: Done) -> None:
        setup = urb.setup
        if setup is None or urb.transfer != TransferType.CONTROL or setup.length != urb.length:
            self._delivery.put(done, Completion(urb, Status.INVALID))
            return

        def finish(status: Status, reply: Buffer) -> None:
            if status == Status.OK and setup.is_in and len(reply) < urb.length and not urb.flags & UrbFlag.SHORT_OK:
                status = Status.SHORT
            moved = len(reply) if setup.is_in or status != Status.OK else urb.length
            self._delivery.put(done, Completion(urb, status, moved, reply if setup.is_in else b""))

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
                self._firmware.board = None
                self._firmware.detached()
        self._delivery.flush()

    @contextmanager
    def running(self) -> Iterator[Core]:
        """See :class:`emulator.firmware.Board`."""
        with self._lock:
            yield self._core
        self._delivery.run()

    def _act(self, action: Callable[[], None]) -> None:
        with self._lock:
            action()
        self._delivery.run()

    def reenumerate(self, model: Model) -> None:
        """See :class:`emulator.firmware.Board`."""
        replug = self._replug
        if replug is not None:
            self.clock.call_at(self.clock.now(), lambda: replug(model))
