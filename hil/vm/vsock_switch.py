"""A virtio-vsock switch: joins virtual machines by AF_VSOCK without the host kernel's vhost.

    python -m hil.vm.vsock_switch 2=/run/host.sock 42=/run/guest.sock

Each Unix socket is one machine's vhost-user back end, with the CID before the `=`; a machine may well be CID 2,
"the host". `2=hybrid:/run/host` makes this very machine CID 2 (hil/vm/vsock_host.py).

It prints `ready` when the sockets are there and ends when its standard input does, so that it never outlives whoever
started it with a pipe. Machines may come, die and come back.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from hil.vm.vhost_user import DisconnectedError, VhostUserConnection
from hil.vm.virtqueue import BadRingError
from hil.vm.vsock_host import HostPort
from hil.vm.vsock_packets import RINGS, RX, TX, Port, Switch

__all__ = ["Server"]

_HERE = "hybrid:"


class Server:
    """The switch as a process: one epoll loop over listeners, front ends and their rings' eventfds."""

    def __init__(self, sockets: dict[int, Path], here: dict[int, Path] | None = None) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._ports = {cid: Port(cid) for cid in sockets}
        self._links: dict[int, VhostUserConnection] = {}
        self._hosts = {cid: HostPort(cid, path, self) for cid, path in (here or {}).items()}
        self._switch = Switch({**self._ports, **self._hosts})
        for host in self._hosts.values():
            host.switch = self._switch
        # Kept: a listener that nobody holds is closed.
        self._listeners = [self._listen(self._ports[cid], path) for cid, path in sockets.items()]
        self._running = True

    def run(self, lifeline: int | None = None) -> None:
        """Serve until the lifeline ends."""
        if lifeline is not None:
            self._register(lifeline, lambda: self._look(lifeline))
        while self._running:
            for fd, _ in self._epoll.poll():
                # A handler may have closed a descriptor whose event is later in this very list.
                if handler := self._handlers.get(fd):
                    handler()

    def _listen(self, port: Port, path: Path) -> socket.socket:
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        self._register(listener.fileno(), lambda: self._accept(port, listener))
        return listener

    def _accept(self, port: Port, listener: socket.socket) -> None:
        sock, _ = listener.accept()
        self._drop(port, "is replaced")
        link = VhostUserConnection(
            sock, RINGS, struct.pack("<Q", port.cid),
            watch=lambda fd, index: self._watch(port, fd, index),
            unwatch=self.unwatch,
        )  # fmt: skip
        port.link = self._links[port.cid] = link
        self._register(sock.fileno(), lambda: self._guarded(port, lambda: self._message(port, link)))
        log(f"CID {port.cid} is here")

    def _watch(self, port: Port, fd: int, index: int) -> None:
        # Eventfds are watched edge-triggered and never read: each write is an edge, and a read a system call.
        self._register(fd, lambda: self._guarded(port, lambda: self._kicked(port, index)), select.EPOLLET)

    def _message(self, port: Port, link: VhostUserConnection) -> None:
        index = link.handle_message()
        if index is not None:
            self._kicked(port, index)

    def _kicked(self, port: Port, index: int) -> None:
        if index == TX:
            self._switch.transmit(port)
        elif index == RX:
            port.flush()

    def _guarded(self, port: Port, work: Callable[[], None]) -> None:
        """A machine that breaks the rules, or breaks down, is cut off; the others go on."""
        try:
            work()
        except (DisconnectedError, BadRingError, OSError, IndexError, struct.error) as error:
            self._drop(port, f"is gone {error!r}")

    def _drop(self, port: Port, why: str) -> None:
        link = self._links.pop(port.cid, None)
        if link is None:
            return
        log(f"CID {port.cid} {why}")
        port.link = None
        port.waiting.clear()
        self.unwatch(link.socket.fileno())
        link.close()
        self._switch.lost(port.cid)
        for host in self._hosts.values():
            host.lost(port.cid)

    def watch(self, fd: int, handler: Callable[[], None], events: int) -> None:
        """See :class:`hil.vm.vsock_host.Watcher`."""
        if fd in self._handlers:
            self._epoll.modify(fd, events)
        else:
            self._handlers[fd] = handler
            self._epoll.register(fd, events)

    def unwatch(self, fd: int) -> None:
        """See :class:`hil.vm.vsock_host.Watcher`."""
        if self._handlers.pop(fd, None):
            self._epoll.unregister(fd)

    def _register(self, fd: int, handler: Callable[[], None], flags: int = 0) -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, select.EPOLLIN | flags)

    def _look(self, lifeline: int) -> None:
        """Whether the starter is still there."""
        if not os.read(lifeline, 4096):
            self._running = False


def log(text: str) -> None:
    """A line for whoever reads the rig's log."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main(arguments: list[str]) -> None:
    """Run a switch for `CID=SOCKET` arguments."""
    words = {int(cid): path for cid, _, path in (word.partition("=") for word in arguments)}
    here = {cid: Path(path.removeprefix(_HERE)) for cid, path in words.items() if path.startswith(_HERE)}
    server = Server({cid: Path(path) for cid, path in words.items() if cid not in here}, here)
    print("ready", flush=True)  # noqa: T201 - the word that the starter waits for
    server.run(lifeline=0)


if __name__ == "__main__":
    main(sys.argv[1:])
