"""Bytes to a raw MIDI port of the kernel, and what comes back from it."""

from __future__ import annotations

import os
import select
import threading
import time

__all__ = ["run"]

_DRAIN_SECONDS = 0.3


def run(node: str, data: str, patience: float = 30.0) -> str:
    """``data`` is sent, and as many bytes are read, or what comes within ``patience`` seconds; both in hexadecimal."""
    sent, got = bytes.fromhex(data), bytearray()
    file = os.open(node, os.O_RDWR)
    try:
        while select.select([file], [], [], _DRAIN_SECONDS)[0]:
            os.read(file, 4096)
        writer = threading.Thread(target=os.write, args=(file, sent))
        writer.start()
        deadline = time.monotonic() + patience
        while len(got) < len(sent) and select.select([file], [], [], max(0.0, deadline - time.monotonic()))[0]:
            got += os.read(file, 4096)
        writer.join()
    finally:
        os.close(file)
    return got.hex()
