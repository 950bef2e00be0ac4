"""A User-Mode Linux machine: one process, no KVM, native CPU speed, on this machine's root file system."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hil.vm.agent import TTY_WINDOW
from hil.vm.machine import AGENT, INIT, Machine, kernel_words

__all__ = ["UmlMachine"]

VSOCK_DEVICE_ID = 19
USB_DEFAULTS = ("usb-storage.delay_use=0", "dummy_hcd.num=4")
"""A disk is usable at once; four UDCs, so that four gadgets can be plugged in side by side."""


class UmlMachine(Machine):
    """UML; `vsock` is the path of the vhost-user socket that makes it a machine with a CID.

    It has one processor, and its kernel and its programs are processes here that take turns: kept on one of our
    processors a turn is a switch of tasks, spread over two it is an interrupt, and a system call takes four times as
    long (18 us against 73).
    """

    channel_window = TTY_WINDOW

    def __init__(
        self, name: str, directory: Path, shared: Path, *, kernel: Path, vsock: Path | None = None,
        memory: int = 512, kernel_args: Sequence[str] = (),
    ) -> None:  # fmt: skip
        super().__init__(name, directory, shared)
        self._kernel = kernel
        self._vsock = vsock
        self._memory = memory
        self._extra = tuple(kernel_args)
        self._state = directory / f"{name}.uml"
        processors = sorted(os.sched_getaffinity(0))
        self.cpu = processors[0 if name == "host" else -1]

    def command_line(self) -> Sequence[str | Path]:
        """See Machine."""
        rig = kernel_words({
            "rig.shared": self.shared, "rig.late": INIT / "late.sh", "rig.python": sys.executable,
            "rig.agent": AGENT, "rig.channel": "/dev/ttyS0",
        })  # fmt: skip
        vsock = [f"virtio_uml.device={self._vsock}:{VSOCK_DEVICE_ID}"] if self._vsock else []
        return [
            self._kernel, f"mem={self._memory}M", f"uml_dir={self._state}", f"umid={self.name}",
            "rootfstype=hostfs", "rootflags=/", "ro", "loglevel=7", "panic=-1",
            "con=null", "con0=null,fd:1", f"ssl0=fd:{self._theirs.fileno()}",
            *USB_DEFAULTS, *vsock, *rig, *self._extra,
            "init=/bin/bash", "--", str(INIT / "uml.sh"),
        ]  # fmt: skip
