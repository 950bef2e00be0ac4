"""URBs of one device that wait for credit, and the thread that sends them when the host has given some back."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable

from ..session.inflight import GuestTable
from ..transport.link import Link
from ..usb.urb import Done, Urb

__all__ = ["Backlog"]

_SIZE = 64 << 20
"""Bytes that may wait for credit. A kernel that queues more gets -ENOMEM, as from a host controller out of memory."""


class Backlog:
    """First in, first out. ``send`` puts a URB for which there is credit on the link.

    All but :attr:`wake` and :meth:`join` is for who holds the link's lock. ``queue`` is read without a call: every
    submit and every response looks whether it is empty.
    """

    def __init__(self, link: Link, table: GuestTable, send: Callable[[Urb, Done], None]) -> None:
        self.queue: collections.deque[tuple[Urb, Done]] = collections.deque()
        self._link = link
        self._table = table
        self._send = send
        self._size = 0
        self._over = False
        self._credit = threading.Event()
        self.wake = self._credit.set
        """To be called after a response has given credit back, from any thread."""
        self._thread: threading.Thread | None = None

    def keep(self, urb: Urb, done: Done) -> bool:
        """Keep a URB until there is credit, with a copy of its data; False if too much is kept already."""
        if self._size + urb.length > _SIZE:
            return False
        urb.data = bytes(urb.data)
        self.queue.append((urb, done))
        self._size += urb.length
        # The response that gave the credit back may have come before the URB was in the queue.
        self.wake()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wslusb-credit", daemon=True)
            self._thread.start()
        return True

    def drop(self, urb: Urb) -> Done | None:
        """Take a URB out again; None if it does not wait here."""
        for position, (waiting, done) in enumerate(self.queue):
            if waiting is urb:
                del self.queue[position]
                self._size -= urb.length
                return done
        return None

    def close(self) -> list[tuple[Urb, Done]]:
        """Nothing is sent any more; what was left."""
        self._over = True
        left = list(self.queue)
        self.queue.clear()
        self.wake()
        return left

    def join(self) -> None:
        """Wait for the thread to end, after :meth:`close`."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        queue, room = self.queue, self._table.room
        try:
            while not self._over:
                self._credit.wait()
                self._credit.clear()
                with self._link.lock:
                    while queue and room(queue[0][0].length):
                        urb, done = queue.popleft()
                        self._size -= urb.length
                        self._send(urb, done)
        except OSError:
            # The URB is in the table: the reading thread completes it.
            self._link.end()
