"""Carries TCP connections of one machine's loopback interface to another's, over vsock: they have no network between.

python forward.py tcp:PORT vsock:CID:PORT          where the connections are made
python forward.py vsock:PORT tcp:PORT              where they are answered
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading

ANY = 0xFFFFFFFF
LOOPBACK = "127.0.0.1"


def listener(address: str) -> socket.socket:
    """``tcp:PORT`` on loopback, ``vsock:PORT``."""
    kind, port = address.split(":")
    if kind == "tcp":
        return socket.create_server((LOOPBACK, int(port)))
    sock = socket.socket(socket.AF_VSOCK)
    sock.bind((ANY, int(port)))
    sock.listen()
    return sock


def connect(address: str) -> socket.socket:
    """``tcp:PORT`` on loopback, ``vsock:CID:PORT``."""
    kind, *numbers = address.split(":")
    if kind == "tcp":
        return socket.create_connection((LOOPBACK, int(numbers[0])))
    sock = socket.socket(socket.AF_VSOCK)
    sock.connect((int(numbers[0]), int(numbers[1])))
    return sock


def carry(source: socket.socket, sink: socket.socket) -> None:
    """One direction, to its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def main() -> None:
    """Carry, until somebody ends this."""
    with listener(sys.argv[1]) as listening:
        print("listening", flush=True)
        while True:
            near, _ = listening.accept()
            far = connect(sys.argv[2])
            for pair in ((near, far), (far, near)):
                threading.Thread(target=carry, args=pair, daemon=True).start()


if __name__ == "__main__":
    main()
