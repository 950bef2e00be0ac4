"""Control transfers at work: one after the other, for a function answers one SETUP at a time (USB 2.0, 5.5.5).

Most are answered within :meth:`ControlPipe.submit`. Where the firmware answers later (``firmware.Deferred``), those
behind it wait. Every method is called with the device's lock held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Status

from .control import ControlEndpoint
from .firmware import Deferred

__all__ = ["ControlPipe", "Finish"]

Finish = Callable[[Status, Buffer], None]
"""Told once how a transfer ended, and the IN bytes; with the lock held."""


@dataclass(slots=True, eq=False)
class _Transfer:
    owner: object
    setup: Setup
    data: Buffer
    finish: Finish


class ControlPipe:
    """The queue in front of a :class:`ControlEndpoint`. ``owner`` is whatever its submitter cancels a transfer by."""

    def __init__(self, endpoint: ControlEndpoint) -> None:
        self._endpoint = endpoint
        self._waiting: deque[_Transfer] = deque()

    def submit(self, owner: object, setup: Setup, data: Buffer, finish: Finish) -> None:
        """Answer a request, or queue it; ``data`` is copied if it has to wait."""
        if self._waiting:
            self._waiting.append(_Transfer(owner, setup, bytes(data), finish))
            return
        reply = self._endpoint.begin(setup, data)
        if isinstance(reply, Deferred):
            self._waiting.append(_Transfer(owner, setup, b"", finish))
            self._await(reply)
        else:
            _conclude(finish, reply)

    def cancel(self, owner: object, status: Status = Status.CANCELLED) -> None:
        """Give a transfer back if it is still waiting; those behind it move up."""
        for transfer in self._waiting:
            if transfer.owner is owner:
                head = transfer is self._waiting[0]
                self._waiting.remove(transfer)
                transfer.finish(status, b"")
                if head:
                    self._go_on()
                return

    def flush(self, status: Status) -> None:
        """Give all back, in order."""
        while self._waiting:
            self._waiting.popleft().finish(status, b"")

    def _await(self, deferred: Deferred) -> None:
        head = self._waiting[0]

        def answered(reply: Buffer | None) -> None:
            if self._waiting and self._waiting[0] is head:  # it may have been cancelled
                self._waiting.popleft()
                _conclude(head.finish, reply if reply is None else memoryview(reply)[: head.setup.length])
                self._go_on()

        deferred.answered = answered

    def _go_on(self) -> None:
        while self._waiting:
            head = self._waiting[0]
            reply = self._endpoint.begin(head.setup, head.data)
            if isinstance(reply, Deferred):
                self._await(reply)
                return
            self._waiting.popleft()
            _conclude(head.finish, reply)


def _conclude(finish: Finish, reply: Buffer | None) -> None:
    if reply is None:
        finish(Status.STALL, b"")
    else:
        finish(Status.OK, reply)
