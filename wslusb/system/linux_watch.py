"""Hot-plug on Linux: the kernel's own uevents, and a slow look at sysfs for where they are not delivered.

Uevents come over netlink straight from the kernel, so no udevd is needed; a container has a network name space of its
own, though, and may get none (lib/kobject_uevent.c).
"""

from __future__ import annotations

import logging
import selectors
import socket
import sys
import threading
from collections.abc import Callable, Hashable

assert sys.platform == "linux"  # noqa: S101 - tells mypy that the rest is Linux' alone

__all__ = ["LinuxWatch", "concerns_devices", "parse_uevent"]

_log = logging.getLogger(__name__)

_NETLINK_KOBJECT_UEVENT = 15  # linux/netlink.h
_KERNEL_GROUP = 1  # 2 is udevd's
_MAX_EVENT = 16384
_ACTIONS = {"add", "remove", "bind", "unbind", "change"}


def parse_uevent(message: bytes) -> dict[str, str]:
    """``ACTION@PATH`` and then ``KEY=VALUE``, each ended by a zero byte. Anything else (udevd's) is an empty dict."""
    head, *lines = message.split(b"\0")
    if b"@" not in head:
        return {}
    pairs = (line.decode("utf-8", "replace").partition("=") for line in lines if b"=" in line)
    return {key: value for key, _, value in pairs}


def concerns_devices(event: dict[str, str]) -> bool:
    """Whether the list of USB devices, or what is known of one, may be another one now."""
    return event.get("DEVTYPE") == "usb_device" and event.get("ACTION") in _ACTIONS


class LinuxWatch:
    """Calls ``changed`` from a thread when a uevent says so, or when ``snapshot`` differs from the one before.

    ``interval`` is the time between two snapshots, in seconds, where no uevent asks for one. It becomes ``seldom`` once
    uevents are known to be delivered: then a snapshot is only there for those that the kernel had to drop.
    """

    def __init__(
        self, changed: Callable[[], None], snapshot: Callable[[], Hashable], interval: float = 2.0, seldom: float = 30.0
    ) -> None:
        self._changed, self._snapshot, self._interval, self._seldom = changed, snapshot, interval, seldom
        self._waker, self._wake = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._netlink = _open_netlink()
        if self._netlink:
            self._selector.register(self._netlink, selectors.EVENT_READ)
        self._ending = False
        self._last = snapshot()
        self._thread = threading.Thread(target=self._run, name="wslusb hot-plug", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. From within ``changed`` it only asks for that."""
        if self._ending:
            return
        self._ending = True
        self._waker.send(b"x")
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ending:
                self._look()
        finally:
            self._selector.close()
            for sock in (self._waker, self._wake, self._netlink):
                if sock:
                    sock.close()

    def _look(self) -> None:
        ready = [key.fileobj for key, _ in self._selector.select(self._interval)]
        told = self._netlink in ready and self._drain()
        if ready and not told:
            return
        now = self._snapshot()
        if (told or now != self._last) and not self._ending:
            self._last = now
            self._tell()

    def _drain(self) -> bool:
        """Read what is there. True if any of it matters, or if the kernel had to drop some (ENOBUFS)."""
        matters = False
        while self._netlink:
            try:
                event = parse_uevent(self._netlink.recv(_MAX_EVENT))
                matters |= concerns_devices(event)
                if event:
                    self._interval = self._seldom
            except BlockingIOError:
                break
            except OSError:
                return True
        return matters

    def _tell(self) -> None:
        try:
            self._changed()
        except Exception:  # noqa: BLE001 - the watch goes on
            _log.exception("an exception in a hot-plug callback")


def _open_netlink() -> socket.socket | None:
    try:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_KOBJECT_UEVENT)
    except OSError:
        return None
    try:
        sock.bind((0, _KERNEL_GROUP))
    except OSError:
        sock.close()
        return None
    sock.setblocking(False)
    return sock
