"""A pseudo terminal at the far end: whoever opens its node on the serving machine is at the other end of the line."""

from __future__ import annotations

import os
import selectors
import sys
import threading
import tty
from pathlib import Path

from .far_end import FarEnd

assert sys.platform != "win32"  # noqa: S101 - tells mypy that the rest is for systems with terminals

__all__ = ["PtyEnd"]

_CHUNK = 4096


class PtyEnd(FarEnd):
    """``link`` becomes a symbolic link to the node when the device is first opened."""

    def __init__(self, link: Path, greeting: bytes = b"") -> None:
        super().__init__(greeting)
        self._link = link
        self._master = -1
        self._wake: tuple[int, int] | None = None
        self._events = selectors.EVENT_READ

    def start(self) -> None:
        """See :class:`FarEnd`. OSError if there is no terminal to be had, or no link to be made."""
        if self._master < 0:
            self._master = self._open()
        self._wake = os.pipe()
        threading.Thread(target=self._run, args=(self._wake[0],), name="emulator-pty", daemon=True).start()

    def _open(self) -> int:
        """The terminal outlives the openings of the device: a program at its other end notices nothing of them."""
        master, slave = os.openpty()
        # The slave stays open here as well: without any opener, reading the master fails.
        tty.setraw(slave)
        os.set_blocking(master, False)
        if self._link.is_symlink():  # that of an earlier run; anything else is not ours to replace
            self._link.unlink()
        self._link.symlink_to(os.ttyname(slave))
        return master

    def stop(self) -> None:
        """See :class:`FarEnd`. The thread ends by itself: it may be waiting for the lock that we hold."""
        if self._wake is not None:
            os.close(self._wake[1])
            self._wake = None

    def received(self, data: memoryview) -> int:
        """See :class:`FarEnd`."""
        try:
            taken = os.write(self._master, data)
        except BlockingIOError:
            taken = 0
        if taken < len(data):
            self._listen_for(self._events | selectors.EVENT_WRITE)
        return taken

    def room(self) -> None:
        """See :class:`FarEnd`."""
        self._listen_for(self._events | selectors.EVENT_READ)

    def _listen_for(self, events: int) -> None:
        if events != self._events and self._wake is not None:
            self._events = events
            os.write(self._wake[1], b"!")

    def _run(self, wake: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(wake, selectors.EVENT_READ)
            while self._step(selector, wake):
                pass
        os.close(wake)

    def _step(self, selector: selectors.BaseSelector, wake: int) -> bool:
        with self.uart.chip.running():
            events = self._events
        known = selector.get_map().get(self._master)
        if events and known is None:
            selector.register(self._master, events)
        elif events and known is not None:
            selector.modify(self._master, events)
        elif known is not None:
            selector.unregister(self._master)
        for key, ready in selector.select():
            if key.fd == wake:
                if not os.read(wake, _CHUNK):
                    return False
                continue
            with self.uart.chip.running():
                self._serve(ready, wake)
        return True

    def _serve(self, ready: int, wake: int) -> None:
        if self._wake is None or self._wake[0] != wake:  # stopped meanwhile, perhaps started again
            return
        if ready & selectors.EVENT_WRITE:
            self._events &= ~selectors.EVENT_WRITE
            self.uart.accept()
        if ready & selectors.EVENT_READ:
            self.uart.receive(os.read(self._master, _CHUNK))
            if self.uart.hold_back():
                self._events &= ~selectors.EVENT_READ
