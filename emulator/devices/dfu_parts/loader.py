"""What a device does in DFU mode: the states of DFU 1.1, appendix A.2, from dfuIDLE on."""

from __future__ import annotations

import math
from collections.abc import Callable

from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ...firmware import Firmware
from .flash import Flash
from .words import Request, State, Status, status_reply

__all__ = ["Loader"]

_CLASS_OUT, _CLASS_IN = 0x21, 0xA1
_ROUNDING = 1e-6
_BUSY = frozenset({State.DNBUSY, State.MANIFEST})
_ALLOWED = {
    Request.DNLOAD: {State.IDLE, State.DNLOAD_IDLE},
    Request.UPLOAD: {State.IDLE, State.UPLOAD_IDLE},
    # Hosts ask once more to learn that a reset is due, so dfuMANIFEST-WAIT-RESET answers.
    Request.GETSTATUS: set(State) - _BUSY,
    Request.CLRSTATUS: {State.ERROR},
    Request.GETSTATE: set(State) - _BUSY,
    Request.ABORT: {State.IDLE, State.DNLOAD_SYNC, State.DNLOAD_IDLE, State.MANIFEST_SYNC, State.UPLOAD_IDLE},
}


class Loader(Firmware):
    """``leave`` is called when the device is to become what its new firmware makes of it.

    Writing a block takes ``poll`` seconds, and so does manifestation, during which the device answers nothing.
    """

    def __init__(
        self, flash: Flash, leave: Callable[[], None], *, transfer_size: int, poll: float, tolerant: bool
    ) -> None:
        self.state = State.IDLE
        self._status = Status.OK
        self._flash = flash
        self._leave = leave
        self._transfer_size = transfer_size
        self._poll = poll
        self._tolerant = tolerant
        self._image = bytearray()
        self._block = 0
        self._sent = 0
        self._busy_until = 0.0
        self._spoken_to = False
        self._requests: dict[tuple[int, int], Callable[[Setup, memoryview], Buffer | None]] = {
            (_CLASS_OUT, Request.DNLOAD): self._download,
            (_CLASS_IN, Request.UPLOAD): self._upload,
            (_CLASS_IN, Request.GETSTATUS): self._get_status,
            (_CLASS_OUT, Request.CLRSTATUS): self._idle,
            (_CLASS_IN, Request.GETSTATE): lambda _setup, _data: bytes((self.state,)),
            (_CLASS_OUT, Request.ABORT): self._idle,
        }

    def attached(self) -> None:
        """See :class:`emulator.firmware.Firmware`."""
        self._spoken_to = False

    def reset(self) -> None:
        """A reset of the port ends DFU mode (A.2.2 and following), but for those of the enumeration."""
        if self._spoken_to:
            self._leave()

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:
        """The class requests."""
        handler = self._requests.get((setup.request_type, setup.request))
        if handler is None:
            return None
        self._spoken_to = True
        self._wake()
        if self.state not in _ALLOWED[Request(setup.request)]:
            self._fail(Status.STALLED_PACKET)
            return None
        return handler(setup, data)

    def _now(self) -> float:
        assert self.board is not None, "requests come to open devices"  # noqa: S101
        return self.board.clock.now()

    def _wake(self) -> None:
        """What was going on is over by now."""
        if self._now() < self._busy_until:
            return
        if self.state == State.DNBUSY:
            self.state = State.DNLOAD_SYNC
        elif self.state == State.MANIFEST:
            self._flash.program(bytes(self._image))
            self.state = State.IDLE if self._tolerant else State.MANIFEST_WAIT_RESET

    def _fail(self, status: Status) -> None:
        self.state, self._status = State.ERROR, status

    def _idle(self, _setup: Setup, _data: memoryview) -> bytes:
        self.state, self._status = State.IDLE, Status.OK
        return b""

    def _download(self, setup: Setup, data: memoryview) -> bytes | None:
        if self.state == State.IDLE:
            self._image.clear()
            self._block = setup.value
            if not data:
                self._fail(Status.STALLED_PACKET)
                return None
        if not data:
            self.state = State.MANIFEST_SYNC
            return b""
        too_much = len(data) > self._transfer_size or len(self._image) + len(data) > self._flash.size
        if too_much or setup.value != self._block:
            self._fail(Status.ADDRESS)
            return None
        self._image += data
        self._block = (self._block + 1) & 0xFFFF
        self._busy_until = self._now() + self._poll
        self.state = State.DNLOAD_SYNC
        return b""

    def _upload(self, setup: Setup, _data: memoryview) -> Buffer | None:
        if self.state == State.IDLE:
            self._block, self._sent = setup.value, 0
        if setup.value != self._block or setup.length > self._transfer_size:
            self._fail(Status.ADDRESS)
            return None
        block = self._flash.image[self._sent : self._sent + setup.length]
        self._block = (self._block + 1) & 0xFFFF
        self._sent += len(block)
        self.state = State.UPLOAD_IDLE if len(block) == setup.length else State.IDLE
        return block

    def _get_status(self, _setup: Setup, _data: memoryview) -> bytes:
        if self.state == State.DNLOAD_SYNC:
            self.state = State.DNBUSY if self._now() < self._busy_until else State.DNLOAD_IDLE
        elif self.state == State.MANIFEST_SYNC:
            self.state, self._busy_until = State.MANIFEST, self._now() + self._poll
            self.after(self._poll, self._wake)
        left = max(0.0, self._busy_until - self._now()) if self.state in _BUSY else 0.0
        # Rounded up: a host that waits exactly so long must find us ready.
        return status_reply(self._status, self.state, math.ceil(left * 1000 - _ROUNDING))
