"""Endpoints at work: queues of URBs on one side, a handler of the firmware on the other.

USB moves packets; URBs and what firmware sends are both longer. The unit between them is a run of packets: bytes, all
in packets of wMaxPacketSize, and ``end`` if the last one is short, be it empty. An IN URB ends when it is full or at a
short packet (USB 2.0, 5.8.3); a packet that does not fit what is left of it is babble, :attr:`Status.OVERRUN`.

Every method is called with the device's lock held.
"""

from __future__ import annotations

from collections import deque

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.urb import Buffer, Completion, Done, Status, Urb, UrbFlag

from .firmware import InHandler, OutHandler
from .pipe_queue import Pipe, Put, QueuedPipe, Waiting

__all__ = ["InPipe", "OutPipe", "Pipe", "Put"]

# Plain numbers: an operation on an enum.IntFlag costs a microsecond.
_SHORT_OK, _ZERO_PACKET = int(UrbFlag.SHORT_OK), int(UrbFlag.ZERO_PACKET)


class InPipe(QueuedPipe):
    """A bulk or interrupt IN endpoint."""

    def __init__(self, descriptor: Endpoint, put: Put, handler: InHandler | None = None) -> None:
        super().__init__(descriptor, put)
        self._supply: deque[tuple[memoryview, bool] | None] = deque()
        self._handler = handler or InHandler()
        self._handler.pipe = self
        self.queued = 0
        """Bytes that the firmware has sent and no host has taken."""

    def send(self, data: Buffer, *, end: bool = False) -> None:
        """Queue packets for the host: ``data`` cut at wMaxPacketSize. It must not change until the host has it.

        ``end`` adds a zero-length packet where the last one is full; data that ends in a short packet needs none.
        """
        view = memoryview(data)
        size = len(view)
        if size or end:
            self._supply.append((view, end or size % self.max_packet != 0))
            self.queued += size
            if self._waiting:
                self.resume()

    def submit(self, urb: Urb, done: Done) -> None:
        """Queue a URB. One that fits what was sent completes without the queue: it is what most do."""
        head = self._supply[0] if self._supply and not self._waiting and not self.halted else None
        if head is None or len(head[0]) > urb.length or self._running:
            super().submit(urb, done)
            return
        data, end = head
        size, short = len(data), len(data) < urb.length
        if (short and not end) or (not short and end and size % self.max_packet == 0):
            super().submit(urb, done)
            return
        self._supply.popleft()
        self.queued -= size
        status = Status.SHORT if short and not urb.flags & _SHORT_OK else Status.OK
        self._put(done, Completion(urb, status, size, data))
        if not self._supply:
            self._guarded(self._handler.drained)
        elif self._supply[0] is None:
            self.resume()

    def halt_after(self) -> None:
        """Stall once the host has taken what is queued now; what is sent later comes after the halt was cleared."""
        self._supply.append(None)
        self.resume()

    def clear(self) -> None:
        """Forget what was sent and not taken."""
        self._supply.clear()
        self.queued = 0

    def clear_halt(self) -> None:
        """Clear it; the firmware may halt again."""
        super().clear_halt()
        self._handler.halt_cleared()

    def _run(self) -> None:
        while not self.halted and self._fill_queue():
            self._handler.drained()
            if not self._supply:
                break

    def _fill_queue(self) -> bool:
        """Move what was sent into the URBs that wait. Whether there was something, and all of it is gone."""
        waiting, supply = self._waiting, self._supply
        had = bool(supply)
        while waiting or supply:
            if supply and supply[0] is None:
                supply.popleft()
                self.halt()
                break
            if not waiting:
                break
            if not supply:
                self._handler.wanted(waiting[0].urb.length - waiting[0].moved)
                if not supply or not waiting:
                    break
                had = True
                continue
            status = self._fill(waiting[0])
            if status is not None:
                self._finish(waiting.popleft(), status)
        return had and not supply

    def _fill(self, waiting: Waiting) -> Status | None:
        """Move one run of packets, or as much as fits. None if the URB has room for more."""
        head = self._supply[0]
        assert head is not None  # noqa: S101 - _run looked
        data, end = head
        urb, room = waiting.urb, waiting.urb.length - waiting.moved
        if len(data) <= room:
            self._supply.popleft()
            self._take(waiting, data)
            if waiting.moved == urb.length and end and data and len(data) % self.max_packet == 0:
                # Full before the zero-length packet: that one is for the next URB.
                self._supply.appendleft((memoryview(b""), True))
            if not end and waiting.moved < urb.length:
                return None
            short = waiting.moved < urb.length and not urb.flags & _SHORT_OK
            return Status.SHORT if short else Status.OK
        fits = room - room % self.max_packet
        self._supply[0] = (data[fits:], end)
        self._take(waiting, data[:fits])
        # A packet that is too long was not acknowledged (USB 2.0, 8.7.4): the device will send it again.
        return Status.OK if fits == room and room else Status.OVERRUN

    def _take(self, waiting: Waiting, data: memoryview) -> None:
        if data:
            waiting.parts.append(data)
            waiting.moved += len(data)
            self.queued -= len(data)

    def _finish(self, waiting: Waiting, status: Status) -> None:
        parts = waiting.parts
        data: Buffer = parts[0] if len(parts) == 1 else b"".join(parts)
        self._put(waiting.done, Completion(waiting.urb, status, waiting.moved, data))


class OutPipe(QueuedPipe):
    """A bulk or interrupt OUT endpoint."""

    def __init__(self, descriptor: Endpoint, put: Put, handler: OutHandler | None = None) -> None:
        super().__init__(descriptor, put)
        self._handler = handler or OutHandler()
        self._handler.pipe = self

    def submit(self, urb: Urb, done: Done) -> None:
        """Offer the data to the firmware; what it does not take at once is copied, for the caller owns it."""
        waiting, data = self._waiting, memoryview(urb.data)
        if waiting or self.halted or self._running:
            self._enqueue(Waiting(urb, done, bytes(data)))
            return
        taken = None
        self._running = True
        try:
            taken = self._offer(data, urb)
        except Exception:  # noqa: BLE001 - a bug in a firmware is a broken device, not a broken program
            self._broken()
        finally:
            self._running = False
        if taken == len(data):
            self._put(done, Completion(urb, Status.OK, taken))
            return
        taken = taken or 0
        waiting.append(Waiting(urb, done, bytes(data[taken:]), taken))
        self._flush_if_halted()

    def _offer(self, data: memoryview, urb: Urb) -> int | None:
        end = urb.length % self.max_packet != 0 or not urb.length or urb.flags & _ZERO_PACKET != 0
        return self._handler.received(data, end)

    def halt(self) -> None:
        """Stall. From within ``received``: what that call answers as taken still counts."""
        self.halted = True
        if not self._running:
            self.flush(Status.STALL)

    def clear_halt(self) -> None:
        """Clear it; the firmware may halt again."""
        super().clear_halt()
        self._handler.halt_cleared()

    def _run(self) -> None:
        waiting = self._waiting
        while waiting and not self.halted:
            head = waiting[0]
            taken = self._offer(head.rest, head.urb)
            if taken is not None:
                head.moved += taken
                head.rest = head.rest[taken:]
            if taken is None or head.rest:
                break
            waiting.popleft()
            self._put(head.done, Completion(head.urb, Status.OK, head.moved))
        self._flush_if_halted()

    def _flush_if_halted(self) -> None:
        if self.halted:
            self.flush(Status.STALL)
