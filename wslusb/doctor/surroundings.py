"""The world as the checks see it. Every way to look at it can be replaced, so that tests look at a made-up one."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..control.messages import Json
from ..errors import LocalError
from ..system import current, paths
from ..system.api import HostDevice
from .check import Side

__all__ = ["Asked", "Surroundings", "side_of"]


@dataclass(slots=True, frozen=True)
class Asked:
    """What a service or agent said of itself: its state, or why it could not be asked."""

    state: Json | None = None
    problem: LocalError | None = None


def _nobody() -> Asked:
    return Asked()


def _libusb_version() -> str:
    """OSError where the library is not there."""
    import usb1

    version = usb1.getVersion()
    return f"{version.major}.{version.minor}.{version.micro}"


if sys.platform == "linux":
    from .linux_vsock import local_cid as _local_cid
else:

    def _local_cid(device: Path) -> int:
        raise OSError(f"there is no {device} here")


def _plugged() -> Sequence[HostDevice]:
    return current().devices()


def _is_root() -> bool:
    return not hasattr(os, "geteuid") or os.geteuid() == 0


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """Where to look, and how."""

    sysfs: Path = Path("/sys")
    proc: Path = Path("/proc")
    dev: Path = Path("/dev")
    modules: Path = field(default_factory=lambda: Path("/lib/modules", platform.release()))
    state_dir: Path = field(default_factory=paths.state_dir)
    python: tuple[int, ...] = field(default_factory=lambda: tuple(sys.version_info[:3]))
    root: bool = field(default_factory=_is_root)
    devices: Callable[[], Sequence[HostDevice]] = _plugged
    libusb_version: Callable[[], str] = _libusb_version
    local_cid: Callable[[Path], int] = _local_cid
    service: Callable[[], Asked] = _nobody
    agent: Callable[[], Asked] = _nobody

    def protocol(self, name: str) -> bool:
        """Whether the kernel knows a family of sockets now. Nothing is opened for that."""
        try:
            lines = (self.proc / "net/protocols").read_text().splitlines()
        except OSError:
            return False
        return any(line.split(maxsplit=1)[:1] == [name] for line in lines)

    def loadable(self, module: str) -> bool:
        """Whether a kernel module is there to be loaded."""
        try:
            text = (self.modules / "modules.dep").read_text(errors="replace")
        except OSError:
            return False
        names = {line.partition(":")[0].rpartition("/")[2].partition(".ko")[0] for line in text.splitlines()}
        return module.replace("-", "_") in {name.replace("-", "_") for name in names}

    def loaded(self, module: str) -> bool:
        """Whether a kernel module is loaded, or built in and has parameters."""
        return (self.sysfs / "module" / module).exists()


def side_of(around: Surroundings) -> list[Side]:
    """Which side this machine is on: what runs here, else whether its kernel has a guest's vsock transport."""
    service, agent = around.service(), around.agent()
    running = [
        side
        for side, asked in ((Side.HOST, service), (Side.GUEST, agent))
        if asked.state is not None or asked.problem is not None
    ]
    if running:
        return running
    guest = any(map(around.loaded, ("vmw_vsock_virtio_transport", "hv_sock", "vmw_vsock_vmci_transport")))
    return [Side.GUEST if guest and not (around.dev / "vhost-vsock").exists() else Side.HOST]
