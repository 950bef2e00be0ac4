"""A hostile host: mutated conversations with a live agent, whose kernel is made of a folder."""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from tests.fuzz.hostile_host import WRITTEN, HostileHost
from tests.fuzz.kernel_answers import KernelsBook
from tests.fuzz.mutation import Channel
from tests.fuzz.oracle import HANG_SECONDS, Finding, Slow, Watch, drain
from tests.support.kernel import Kernel, pack_submit, pack_unlink
from tests.support.vhci import MadeVhci
from wslusb.guest import agent as agents
from wslusb.guest import nodes
from wslusb.guest.agent import Agent
from wslusb.transport.address import UnixAddress
from wslusb.wire.frame import MessageType

__all__ = ["AgentAttack"]

_LITTER_CASES = 32
_QUIET_SECONDS = 0.02
"""A conversation in which nothing is said for so long has come to its end, or to nothing."""
_BURST_SECONDS = 0.002
_LONGEST_SECONDS = 0.5
"""An agent that is always sent away comes back as often."""
_TRIES = 4
"""A machine with other things to do may be silent for longer than that."""
_BURSTS = (
    (
        pack_submit(1, 0x80, 18, setup=bytes((0x80, 6, 0, 1, 0, 0, 18, 0))),
        pack_submit(2, 0x81, 512),
        pack_submit(3, 0x01, len(WRITTEN[0]), WRITTEN[0]),
        pack_submit(4, 0x83, 20, packets=[(0, 10), (10, 10)], flags=2, interval=8),
        pack_submit(5, 0x81, 64),
        pack_unlink(6, 5),
        pack_submit(7, 0x81, 64),
        pack_submit(8, 0x81, 64),
        pack_submit(9, 0x81, 64),
        pack_submit(10, 0x81, 64),
    ),
    (pack_submit(11, 0x01, len(WRITTEN[1]), WRITTEN[1]),),
    (pack_submit(12, 0x01, len(WRITTEN[2]), WRITTEN[2]),),
    (pack_submit(13, 0x81, 512), pack_unlink(14, 8), pack_unlink(15, 7), pack_unlink(16, 10), pack_unlink(17, 9)),
)
"""What the kernel writes, each part after the one before it was read."""


class AgentAttack:
    """An agent on a thread that comes back to the listener whenever a host has gone."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="wslusb-")
        folder = Path(self._folder.name)
        self._watch = Watch()
        self._vhci = MadeVhci(folder / "sys")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(folder / "s"))
        self._agent = Agent(UnixAddress(str(folder / "s")), self._vhci)
        self._thread = threading.Thread(target=self._agent.run)
        self._before = (agents._BACKOFF_FIRST, agents._BACKOFF_LAST, nodes._SETTLE)
        self._cases = 0

    def __enter__(self) -> Self:
        agents._BACKOFF_FIRST = agents._BACKOFF_LAST = 0.002
        nodes._SETTLE = 0.001
        self._watch.__enter__()
        self._listener.listen()
        self._listener.settimeout(HANG_SECONDS)
        self._watch.begin()
        self._thread.start()
        self._watch.allow(threads=2, descriptors=1)  # its own and the keeper's; the connection that it tries
        return self

    def __exit__(self, *_: object) -> None:
        self._agent.stop()
        self._listener.close()
        self._thread.join(HANG_SECONDS)
        self._vhci.close()
        self._watch.__exit__(None, None, None)
        self._folder.cleanup()
        agents._BACKOFF_FIRST, agents._BACKOFF_LAST, nodes._SETTLE = self._before

    def __call__(self, case: bytes) -> set[str]:
        """Run a case; every fourth time, a good host comes after it."""
        seen = self._converse(case)
        self._cases += 1
        if self._cases % _LITTER_CASES == 0:
            self._watch.no_litter()
        if self._cases % 4 == 0:
            heard: list[int] = []
            for _ in range(_TRIES):
                heard = self._heard(b"\0")
                if MessageType.DETACH in heard:
                    break
            else:
                raise Slow(f"a good host is not served: it hears {heard}")
        return seen

    def _heard(self, case: bytes) -> list[int]:
        self._converse(case)
        return self._last

    def _converse(self, case: bytes) -> set[str]:
        channel, stop = Channel(case, asks=False), threading.Event()
        heard: queue.SimpleQueue[int] = queue.SimpleQueue()
        failures: list[BaseException] = []
        servers: list[threading.Thread] = []
        self._last: list[int] = []
        self._moved = time.monotonic()

        def serve(sock: socket.socket) -> None:
            host = HostileHost(sock, channel)
            sock.settimeout(0.005)
            with sock:
                while not stop.is_set():
                    try:
                        host.listen()
                        self._moved = time.monotonic()
                    except TimeoutError:
                        continue
                    except (OSError, EOFError):
                        break
                    except BaseException as error:  # noqa: BLE001 -- told to the case
                        failures.append(error)
                        break
            for kind in host.heard:
                heard.put(kind)

        kernel: Kernel | None = None
        book, bursts = KernelsBook(), list(_BURSTS)
        book.wrote(b"".join(itertools.chain(*_BURSTS)))
        self._accept(servers, serve, HANG_SECONDS)
        enough = time.monotonic() + _LONGEST_SECONDS
        while time.monotonic() - self._moved < _QUIET_SECONDS and time.monotonic() < enough:
            self._accept(servers, serve, 0.003)
            if kernel is None and self._vhci.kernels:
                kernel = next(iter(self._vhci.kernels.values()))
                self._moved = time.monotonic()
            if kernel is not None and bursts and time.monotonic() - self._moved > _BURST_SECONDS:
                written = b"".join(bursts.pop(0))
                self._moved = time.monotonic()
                with contextlib.suppress(OSError):
                    kernel.sock.sendall(written)
        kinds = set[str]()
        if kernel is not None:
            # The kernel lets go first: a host that is whole hears of a detach.
            with contextlib.suppress(OSError):
                kernel.sock.shutdown(socket.SHUT_WR)
            said, _ = drain(kernel.sock)
            kinds = book.read(said)
        stop.set()
        for server in servers:
            server.join(HANG_SECONDS)
        self._rest()
        if failures:
            if isinstance(failures[0], Finding):
                raise failures[0]
            raise Finding(f"the agent says what cannot be read: {failures[0]!r}") from failures[0]
        while not heard.empty():
            self._last.append(heard.get())
        return self._watch.seen() | kinds | {f"heard {kind}" for kind in self._last}

    def _accept(self, servers: list[threading.Thread], serve: object, seconds: float) -> None:
        self._listener.settimeout(seconds)
        try:
            sock, _ = self._listener.accept()
        except TimeoutError:
            if seconds == HANG_SECONDS:
                raise Slow("the agent does not come back") from None
            return
        thread = threading.Thread(target=serve, args=(sock,), name="host")  # type: ignore[arg-type]
        servers.append(thread)
        thread.start()

    def _rest(self) -> None:
        """All ports are out of the kernel again, and nothing is left of them."""
        deadline = time.monotonic() + HANG_SECONDS
        while self._agent.ports() or self._agent._busy:
            if time.monotonic() > deadline:
                raise Slow("a device is still in the kernel, of a host that has gone")
            # Whoever waits to be heard is sent away: the host has gone.
            self._listener.settimeout(0.001)
            with contextlib.suppress(TimeoutError):
                self._listener.accept()[0].close()
        self._vhci.close()
        self._vhci.kernels.clear()
        self._vhci._show()
        self._watch.no_leaks()
