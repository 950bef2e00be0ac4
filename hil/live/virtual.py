"""Rigs of virtual machines: the host's kernel has QEMU's devices, or Linux' own gadgets."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from hil import power
from hil.daemons import Daemons
from hil.errors import RigError
from hil.guided import Ask
from hil.live.device import LIBUSB, LiveDevice
from hil.live.ports import GadgetPort, QemuPort
from hil.live.rig import LiveRig
from hil.rig.model import Rig
from hil.vm.rig import Rig as Machines
from hil.vm.sources import parse_hardware

__all__ = ["qemu", "uml"]

_LISTEN = ("--listen", "vsock:")


@contextlib.contextmanager
def qemu(rig: Rig, directory: Path, ask: Ask | None = None) -> Iterator[LiveRig]:
    """A stock kernel with QEMU's devices, and a UML guest. ``source`` is an argument of QEMU's ``-device``."""
    hardware = [parse_hardware(entry.name, entry.source, rig.path.parent.resolve()) for entry in rig.devices]
    options = {"host": rig.host.options, "guest": rig.guest.options}
    with Machines.qemu_host(directory, hardware=hardware, **options) as machines:
        daemons = Daemons(machines.host, machines.guest, serve=[*_LISTEN, "--device", LIBUSB])
        live = LiveRig(rig, daemons, machines.shared, backend="qemu")
        for entry in rig.devices:
            port = QemuPort(machines.host, entry.name)
            live.add(LiveDevice(live, entry, LIBUSB), power.make(entry, machines.host, port, ask))
        yield live


@contextlib.contextmanager
def uml(rig: Rig, directory: Path, ask: Ask | None = None) -> Iterator[LiveRig]:
    """Kernel gadgets on dummy controllers of a UML host. ``source`` is the arguments of ``python -m hil.gadgets``."""
    controllers = [f"dummy_hcd.num={max(4, len(rig.devices))}"]
    with Machines.uml_pair(
        directory, kernel_args=controllers, guest=rig.guest.options, **rig.host.options
    ) as machines:  # fmt: skip
        daemons = Daemons(machines.host, machines.guest, serve=[*_LISTEN, "--device", LIBUSB])
        live = LiveRig(rig, daemons, machines.shared, backend="uml")
        for entry in rig.devices:
            made = daemons.python(machines.host, "hil.gadgets", *shlex.split(entry.source)).wait()
            if made.returncode:
                raise RigError(f"{rig.path}:{entry.line}: {entry.name}: no gadget: {made.output.strip()}")
            port = GadgetPort(daemons, made.stdout.split()[0])
            live.add(LiveDevice(live, entry, LIBUSB), power.make(entry, machines.host, port, ask))
        yield live
