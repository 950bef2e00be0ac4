"""Devices that are to be attached whenever they are there: a board that reboots into its boot loader and back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ..errors import WslusbError
from ..usb import naming
from ..usb.info import DeviceInfo
from ..wire.listing import DeviceState, Listed

__all__ = ["Keeper"]

log = logging.getLogger(__name__)
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between tries: a device that has just come is not always ready. After these, the next event is waited for."""


class Keeper:
    """Attaches what it is told to keep, on a thread of its own from the first of them on.

    ``devices`` lists what the host shares, ``attach`` attaches one by its busid; both may raise what is expected of
    a session that has just ended.
    """

    def __init__(self, devices: Callable[[], list[Listed]], attach: Callable[[str], object]) -> None:
        self._devices, self._attach = devices, attach
        self._names: list[str] = []
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def names(self) -> list[str]:
        """What is kept, as the user called it."""
        return list(self._names)

    def keep(self, name: str) -> None:
        """Attach every device that is called so from now on, whenever it comes."""
        with self._lock:
            if name not in self._names:
                self._names.append(name)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wslusb-keeper", daemon=True)
                self._thread.start()

    def drop(self, info: DeviceInfo) -> None:
        """The user has detached this device: do not keep it any more."""
        with self._lock:
            self._names = [name for name in self._names if not naming.matches(info, name)]

    def clear(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            self._names = []

    def wake(self) -> None:
        """Something has changed: look again."""
        self._woken.set()

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        self._woken.set()
        if (thread := self._thread) is not None:
            thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._ending.is_set():
            if not 0 < failures <= len(_PAUSES):
                self._woken.wait()
            self._woken.clear()
            if self._ending.is_set() or self._look():
                failures = 0
                continue
            # Not ended by a wake-up: a device that fails to attach is a change, too.
            self._ending.wait(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1

    def _look(self) -> bool:
        """Attach what is there and is not attached. Whether nothing failed."""
        try:
            wanted = [
                each.info for each in self._devices() if each.state is DeviceState.SHARED and self._kept(each.info)
            ]
        except (WslusbError, OSError) as error:
            log.debug("what is kept waits for the host: %s", error)
            return True  # the next session wakes us
        fine = True
        for info in wanted:
            if self._ending.is_set() or not self._kept(info):
                continue
            try:
                self._attach(info.busid)
            except (WslusbError, OSError) as error:
                log.warning("device %s is kept, and cannot be attached: %s", info.busid, error)
                fine = False
        return fine

    def _kept(self, info: DeviceInfo) -> bool:
        return any(naming.matches(info, name) for name in self._names)
