"""A small process that outlives the host service when that is killed, and gives its devices back.

A service that ends in order gives its devices back itself. After a SIGKILL nobody would: the kernel frees the
interfaces, but it binds no driver to them. So the service starts this, tells it over a pipe what it has claimed, and
says goodbye at its end. A pipe that ends without that is a service that died.

The protocol is lines: ``claim BUS ADDRESS``, ``release BUS ADDRESS``, ``goodbye``.

    python -m wslusb.system.guardian
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import current
from .api import HostSystem

__all__ = ["Guardian", "guard", "main"]

_log = logging.getLogger(__name__)

_IGNORED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""They go to the whole process group of the service, which then ends in order and says goodbye."""
_CLOSE_SECONDS = 10.0


class Guardian:
    """The service's end of it. The process is started at the first claim. Without one, all goes on, with a warning."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._failed = False

    def claim(self, bus: int, address: int) -> None:
        """Say that this device is to be given back if this process dies."""
        with self._lock:
            if self._process is None and not self._failed:
                self._start()
            self._say(f"claim {bus} {address}")

    def release(self, bus: int, address: int) -> None:
        """Say that this device has been given back."""
        with self._lock:
            self._say(f"release {bus} {address}")

    def close(self) -> None:
        """Say goodbye, and wait for the process to end."""
        with self._lock:
            process, self._process = self._process, None
            if process is None or process.stdin is None:
                return
            with contextlib.suppress(OSError):
                process.stdin.write(b"goodbye\n")
                process.stdin.flush()
            with contextlib.suppress(OSError):
                process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_CLOSE_SECONDS)

    def _start(self) -> None:
        root = str(Path(__file__).resolve().parents[2])  # also where this package runs from a checkout
        known = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            with _signals_blocked():
                self._process = subprocess.Popen(
                    # -P: the folder that the service was started in must not provide modules to a process of root's.
                    [sys.executable, "-P", "-m", __name__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    close_fds=True,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(known)},
                )
        except OSError as error:
            self._failed = True
            _log.warning("no guardian: devices will not be given back if this process is killed: %s", error)

    def _say(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
        except OSError as error:
            _log.warning("the guardian is gone: %s", error)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """A child inherits the mask of the thread that starts it: no moment is left in which a signal could end it."""
    if sys.platform == "win32":
        yield
    else:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _IGNORED)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def guard(lines: Iterable[bytes], system: HostSystem) -> int:
    """The guardian's end: follow ``lines`` to their end. How many devices had to be given back."""
    claimed: dict[tuple[int, int], None] = {}
    for line in lines:
        match line.split():
            case [b"claim", bus, address]:
                claimed[int(bus), int(address)] = None
            case [b"release", bus, address]:
                claimed.pop((int(bus), int(address)), None)
            case [b"goodbye"]:
                break  # as a rule nothing is claimed any more
    return sum(_give_back(system, bus, address) for bus, address in claimed)


def _give_back(system: HostSystem, bus: int, address: int) -> bool:
    try:
        return system.give_back(bus, address, reset=True)
    except OSError:
        return False  # it has just been unplugged; the others are still to be given back


def main() -> None:
    """Guard what standard input tells of."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    guard(sys.stdin.buffer, current())


if __name__ == "__main__":
    main()
