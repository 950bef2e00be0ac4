"""This machine's own address on vsock, asked of the kernel. No socket is opened for that."""

from __future__ import annotations

import fcntl
import struct
import sys
from pathlib import Path

assert sys.platform == "linux"  # noqa: S101 - tells mypy that the rest is Linux' alone

__all__ = ["local_cid"]

_GET_LOCAL_CID = 0x7B9
"""IOCTL_VM_SOCKETS_GET_LOCAL_CID, _IO(7, 0xb9) (include/uapi/linux/vm_sockets.h)."""


def local_cid(device: Path) -> int:
    """The CID that the kernel has; 2^32-1 for none. OSError where there is no such device."""
    with device.open("rb", buffering=0) as file:
        answer = fcntl.ioctl(file, _GET_LOCAL_CID, struct.pack("@I", 0))
        return int(struct.unpack("@I", answer)[0])
