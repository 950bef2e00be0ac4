"""A HID device as its kernel has it: report descriptors and input reports through hidraw (linux/hidraw.h)."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["run"]

_GET_LENGTH = 0x80044801  # HIDIOCGRDESCSIZE
_GET_DESCRIPTOR = 0x90044802  # HIDIOCGRDESC
_LARGEST = 4096
_GET_OUTPUT = 0xC000480C  # HIDIOCGOUTPUT, its length to be put in
_REPORT = 4096


def run(
    nodes: Sequence[str], seconds: float = 0.0, count: int = 10_000, output: Sequence[int] | None = None
) -> dict[str, dict[str, Any]]:
    """By node: ``driver``, ``descriptor``, and the ``reports`` of ``seconds``, or the first ``count`` of all nodes.

    ``output``: [ID, bytes] of an output report that the device is asked for; ``output`` in the answer, None if the
    device or the kernel refuses. It says ``ready`` when it listens.
    """
    files = {node: os.open(node, os.O_RDWR | os.O_NONBLOCK) for node in nodes}
    found = {node: _facts(node, file, output) for node, file in files.items()}
    print("ready", flush=True)  # noqa: T201
    deadline, left = time.monotonic() + seconds, count
    names = {file: node for node, file in files.items()}
    while left > 0 and (rest := deadline - time.monotonic()) > 0:
        for file in select.select(list(names), [], [], rest)[0]:
            found[names[file]]["reports"].append(os.read(file, _REPORT).hex())
            left -= 1
    for file in files.values():
        os.close(file)
    return found


def _facts(node: str, file: int, output: Sequence[int] | None) -> dict[str, Any]:
    device = Path("/sys/class/hidraw") / Path(node).name / "device"
    length = int.from_bytes(fcntl.ioctl(file, _GET_LENGTH, bytes(4)), "little")
    raw = bytearray(4 + _LARGEST)
    struct.pack_into("<I", raw, 0, length)
    fcntl.ioctl(file, _GET_DESCRIPTOR, raw)
    return {
        "driver": (device / "driver").resolve().name, "descriptor": raw[4 : 4 + length].hex(),
        "reports": [], "output": _output(file, *output) if output else None,
    }  # fmt: skip


def _output(file: int, number: int, length: int) -> str | None:
    buffer = bytearray(length + (number == 0))
    buffer[0] = number
    try:
        got = fcntl.ioctl(file, _GET_OUTPUT | len(buffer) << 16, buffer)
    except OSError:
        return None
    return buffer[:got].hex()
