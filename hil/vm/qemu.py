"""A machine with the stock Debian kernel under QEMU's software emulation, and hardware that nobody here wrote."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from hil.errors import QmpError, RigError
from hil.kernel.debian import StockKernel
from hil.vm.hardware import UsbHardware, assign_ports, option_text
from hil.vm.machine import AGENT, INIT, STOP_SECONDS, Machine, kernel_words
from hil.vm.qmp import Qmp

__all__ = ["QemuMachine"]

KERNEL_ARGS = (
    "console=ttyS0", "quiet", "loglevel=4", "panic=-1", "audit=0", "tsc=reliable", "no_timer_check", "mitigations=off",
    "rcupdate.rcu_cpu_stall_suppress=1", "usb-storage.delay_use=0",
)  # fmt: skip

Kind = TypeVar("Kind", bound=UsbHardware)


class QemuMachine(Machine):
    """QEMU with an xHCI controller and `hardware` on it, and its monitor.

    `modules` are loaded beside those that `hil.kernel.debian` puts into the initramfs.
    """

    boot_seconds = 300.0
    """It takes 20 alone on a machine, and minutes beside three others. One that dies is noticed at once."""

    def __init__(
        self, name: str, directory: Path, shared: Path, *, kernel: StockKernel, hardware: Sequence[UsbHardware] = (),
        vsock: Path | None = None, memory: int = 1024, cpus: int = 2, kernel_args: Sequence[str] = (),
        qemu_args: Sequence[str] = (), modules: Sequence[str] = (),
    ) -> None:  # fmt: skip
        super().__init__(name, directory, shared)
        self.hardware = {piece.id: piece for piece in hardware}
        assign_ports(hardware, qemu_args)
        self._kernel = kernel
        self._directory = directory
        self._vsock = vsock
        self._memory = memory
        self._cpus = cpus
        self._kernel_args = tuple(kernel_args)
        self._qemu_args = tuple(qemu_args)
        self._modules = tuple(modules)
        self._monitor, self._qemu_monitor = socket.socketpair()
        self._qmp: Qmp | None = None

    def power_on(self) -> None:
        """Start QEMU and greet its monitor."""
        super().power_on()
        try:
            self._qmp = Qmp(self._monitor)
        except QmpError as error:
            said = self.console().strip() or str(error)
            complaints = [line for line in said.splitlines() if line.startswith("qemu-")] or [said]
            raise RigError(f"{self.name}: QEMU did not start: {complaints[-1]}\n{said}") from error

    def qmp(self, command: str, **arguments: Any) -> Any:
        """Run a monitor command."""
        return self.monitor.execute(command, **arguments)

    @property
    def monitor(self) -> Qmp:
        """The monitor's client."""
        if self._qmp is None:
            raise RigError(f"{self.name} is not switched on")
        return self._qmp

    def piece(self, kind: type[Kind]) -> Kind:
        """The first piece of hardware of a kind."""
        for piece in self.hardware.values():
            if isinstance(piece, kind):
                return piece
        raise RigError(f"{self.name} has no {kind.__name__}")

    def unplug(self, name: str) -> None:
        """Pull a device out of its port."""
        self.qmp("device_del", id=name)
        self.monitor.wait_event("DEVICE_DELETED", device=name)

    def plug(self, name: str) -> None:
        """Put an unplugged device of the rig back."""
        piece = self.hardware[name]
        for device in piece.devices():
            self.monitor.typed("device_add", option_text(device))
        if piece.waits_for_attached:
            self.qmp("qom-set", path=name, property="attached", value=True)

    def press(self, *keys: str) -> None:
        """Press keys of the keyboard together and let them go (QKeyCode names: "a", "shift", "ret")."""
        self.qmp("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def stop(self) -> None:
        """Let QEMU finish its files (a wave file's header is written last), then make sure."""
        if self._process is not None and self._process.poll() is None and self._qmp is not None:
            with contextlib.suppress(QmpError, OSError, subprocess.TimeoutExpired):
                self.qmp("quit")
                self._process.wait(STOP_SECONDS)
        super().stop()
        self._monitor.close()
        self._qemu_monitor.close()
        for piece in self.hardware.values():
            piece.close()

    def inherited(self) -> Sequence[socket.socket]:
        """See Machine."""
        lines = [line for piece in self.hardware.values() for line in piece.inherited()]
        return [*super().inherited(), self._qemu_monitor, *lines]

    def command_line(self) -> Sequence[str | Path]:
        """See Machine."""
        return [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(self._cpus),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
            "-kernel", self._kernel.image, "-initrd", self._kernel.initramfs, "-append", self._append(),
            *self._memory_args(), *self._file_systems(), *self._channels(), *self._usb(), *self._vsock_args(),
            "-device", "virtio-rng-pci",
        ]  # fmt: skip

    def _append(self) -> str:
        rig = kernel_words({
            "rig.shared": self.shared, "rig.late": INIT / "late.sh", "rig.python": sys.executable, "rig.agent": AGENT,
            "rig.channel": "virtio:agent", "rig.kernel": self._kernel.modules, "rig.modules": ",".join(self._modules),
        })  # fmt: skip
        return " ".join([*KERNEL_ARGS, *rig, *self._kernel_args])

    def _memory_args(self) -> list[str]:
        # vhost-user needs memory that another process can map.
        return [
            "-object", f"memory-backend-memfd,id=memory,size={self._memory}M,share=on",
            "-machine", "q35,memory-backend=memory", "-m", str(self._memory),
        ]  # fmt: skip

    def _file_systems(self) -> list[str]:
        return [
            "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
            "-fsdev", f"local,id=shared,path={self.shared},security_model=none",
            "-device", "virtio-9p-pci,fsdev=shared,mount_tag=shared",
        ]  # fmt: skip

    def _channels(self) -> list[str]:
        return [
            "-chardev", f"socket,id=agent,fd={self._theirs.fileno()}",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=agent",
            "-chardev", f"socket,id=monitor,fd={self._qemu_monitor.fileno()}", "-mon", "chardev=monitor,mode=control",
        ]  # fmt: skip

    def _usb(self) -> list[str]:
        # Hubs and controllers of the rig file's own stand behind the one controller, and before what goes into them.
        arguments = ["-device", "qemu-xhci,id=xhci,p2=15,p3=8", *self._qemu_args]
        for piece in self.hardware.values():
            arguments += piece.backends(self._directory)
            for device in piece.devices():
                arguments += ["-device", option_text(device)]
        return arguments

    def _vsock_args(self) -> list[str]:
        if self._vsock is None:
            return []
        return ["-chardev", f"socket,id=vsock,path={self._vsock}", "-device", "vhost-user-vsock-pci,chardev=vsock"]
