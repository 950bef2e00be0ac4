"""Speaks CTAPHID to a security key on hidraw, by hand: INIT, PING of many packets, WINK, an error, U2F VERSION.

python ctaphid.py /dev/hidrawN
"""

from __future__ import annotations

import os
import struct
import sys

SIZE = 64
INIT, PING, MSG, WINK, ERROR = 0x06, 0x01, 0x03, 0x08, 0x3F


class Key:
    """The reports of one opened node."""

    def __init__(self, path: str) -> None:
        self._node = os.open(path, os.O_RDWR)

    def ask(self, channel: int, command: int, data: bytes) -> tuple[int, bytes]:
        """A message there and a message back. hidraw wants a report number, 0, before each report."""
        chunks = [struct.pack(">IBH", channel, 0x80 | command, len(data)) + data[:57]]
        for number, start in enumerate(range(57, len(data), 59)):
            chunks.append(struct.pack(">IB", channel, number) + data[start : start + 59])
        for chunk in chunks:
            os.write(self._node, b"\0" + chunk.ljust(SIZE, b"\0"))
        report = os.read(self._node, SIZE)
        _, answer, size = struct.unpack(">IBH", report[:7])
        found = report[7:]
        while len(found) < size:
            found += os.read(self._node, SIZE)[5:]
        return answer & 0x7F, found[:size]


def main() -> None:
    """Ask, and print what was answered."""
    key = Key(sys.argv[1])
    _, opened = key.ask(0xFFFFFFFF, INIT, b"12345678")
    channel = int.from_bytes(opened[8:12], "big")
    print("init", opened[:8] == b"12345678", "version", opened[12])
    noise = os.urandom(7609)
    print("ping", key.ask(channel, PING, noise) == (PING, noise))
    print("wink", key.ask(channel, WINK, b"") == (WINK, b""))
    print("cbor", *key.ask(channel, 0x10, b"\x04"))
    print("version", *key.ask(channel, MSG, bytes((0, 3, 0, 0, 0, 0, 0))))


if __name__ == "__main__":
    main()
