"""A port reset by another program than the one that uses the device: usbfs' ioctl, beside the kernel's driver."""

from __future__ import annotations

import fcntl
import os

from hil.clients import usbfs

__all__ = ["run"]

_USBDEVFS_RESET = 0x5514
"""_IO('U', 20), include/uapi/linux/usbdevice_fs.h."""


def run(busid: str, times: int = 1) -> None:
    """Reset it so often."""
    node = os.open(usbfs.node(busid), os.O_WRONLY)
    try:
        for _ in range(times):
            fcntl.ioctl(node, _USBDEVFS_RESET)
    finally:
        os.close(node)
