"""The other side of the measurements on one machine, as a process of its own, so that its CPU time can be told apart.

    python -m hil.bench.far_end service /tmp/x/host.sock    # the host service with a virtual source and sink
    python -m hil.bench.far_end plain                       # no protocol: answers of a given size on a socket pair

A line on standard input asks for the CPU time that the process has used; the end of standard input ends it.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from emulator import device_provider
from wslusb.host.bindings import Bindings
from wslusb.host.catalog import Catalog
from wslusb.host.service import Service
from wslusb.transport import address, sockets

__all__ = ["PLAIN_REQUEST", "FarEnd", "main", "receive_exactly"]

PLAIN_REQUEST = struct.Struct("<II44x")
"""Of the size of a URB request without data: bytes that follow it, bytes of the answer."""
_BUFFER = 2 << 20


class FarEnd:
    """A running far end, as the near end sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextlib.contextmanager
    def started(cls, *arguments: str, inherit: Sequence[int] = ()) -> Iterator[FarEnd]:
        """Start one, and end it at the end."""
        command = [sys.executable, "-m", "hil.bench.far_end", *arguments]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=inherit,
            cwd=Path(__file__).resolve().parents[2],
        ) as process:  # fmt: skip
            far = cls(process)
            try:
                far._answer()
                yield far
            finally:
                process.communicate()

    def cpu(self) -> float:
        """Seconds of CPU time that it has used."""
        if self._process.stdin is not None:
            self._process.stdin.write("cpu\n")
            self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise RuntimeError("the far end has ended")
        return line


def receive_exactly(sock: socket.socket, view: memoryview) -> bool:
    """Fill ``view``; False at the end of the stream."""
    got = 0
    while got < len(view):
        count = sock.recv_into(view[got:])
        if not count:
            return False
        got += count
    return True


def serve(path: str) -> None:
    """The host service with one shared loopback device, until standard input ends."""
    with tempfile.TemporaryDirectory(prefix="wslusb-bench-") as directory:
        catalog = Catalog([device_provider("loopback")], Bindings(Path(directory) / "bindings.json"))
        service = Service(catalog, [sockets.listen(address.parse(f"unix:{path}"))])
        service.start()
        service.bind(catalog.devices()[0].busid)
        tell_cpu_time()
        service.close()


def answer_plainly(descriptor: int) -> None:
    """Read requests, skip what follows them, answer with as many bytes as they ask for."""
    sock = socket.socket(fileno=descriptor)

    def answer() -> None:
        buffer = memoryview(bytearray(_BUFFER))
        while receive_exactly(sock, buffer[: PLAIN_REQUEST.size]):
            follows, wanted = PLAIN_REQUEST.unpack_from(buffer)
            receive_exactly(sock, buffer[:follows])
            sock.sendall(buffer[:wanted])

    threading.Thread(target=answer, daemon=True).start()
    tell_cpu_time()


def tell_cpu_time() -> None:
    """Say that all is up, and then the CPU time of this process whenever a line comes in."""
    print("ready", flush=True)  # noqa: T201
    for _ in sys.stdin:
        print(time.process_time(), flush=True)  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> int:
    """Be a far end."""
    kind, argument = sys.argv[1:] if arguments is None else arguments
    if kind == "service":
        serve(argument)
    else:
        answer_plainly(int(argument))
    return 0


if __name__ == "__main__":
    sys.exit(main())
