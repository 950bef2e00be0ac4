"""Rigs without hardware: the host is a virtual machine with QEMU's devices, kernel gadgets, or the emulator's."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hil import power
from hil.daemons import ENVIRONMENT, Daemons
from hil.guided import Ask
from hil.live.device import LIBUSB, LiveDevice
from hil.live.ports import FilePort, GadgetPort, QemuPort
from hil.live.rig import PORTS, LiveRig
from hil.places.place import Place
from hil.power.switch import PowerSwitch
from hil.rig.model import DeviceEntry, Rig
from hil.vm.hardware import parse_hardware
from hil.vm.rig import Rig as Machines

__all__ = ["emulated", "qemu", "replay", "uml"]

_EMULATOR_PORT, _REPLAY_PORT = "9-{}", "8-{}"
_LISTEN = ("--listen", "vsock:")


@contextlib.contextmanager
def qemu(rig: Rig, directory: Path, ask: Ask | None = None) -> Iterator[LiveRig]:
    """A stock kernel with QEMU's devices, and a UML guest. ``source`` is an argument of QEMU's ``-device``."""
    hardware = [parse_hardware(entry.name, entry.source) for entry in rig.devices]
    options = {key: value for key, value in rig.host.options.items() if key in ("memory", "qemu_args", "modules")}
    with Machines.qemu_host(directory, hardware=hardware, host=options) as machines:
        daemons = Daemons(machines.host, machines.guest, serve=[*_LISTEN, "--device", LIBUSB])
        live = LiveRig(
            rig, daemons, machines.shared, backend="qemu",
            switches=_switches(rig, ask, machines.host, lambda entry: QemuPort(machines.host, entry.name)),
        )  # fmt: skip
        live.devices = {entry.name: LiveDevice(live, entry, LIBUSB) for entry in rig.devices}
        yield live


@contextlib.contextmanager
def uml(rig: Rig, directory: Path, ask: Ask | None = None) -> Iterator[LiveRig]:
    """Kernel gadgets on dummy controllers of a UML host. ``source`` is the arguments of ``python -m hil.gadgets``."""
    with Machines.uml_pair(directory, kernel_args=[f"dummy_hcd.num={max(4, len(rig.devices))}"]) as machines:
        daemons = Daemons(machines.host, machines.guest, serve=[*_LISTEN, "--device", LIBUSB])
        ports = {}
        for entry in rig.devices:
            made = daemons.python(machines.host, "hil.gadgets", *shlex.split(entry.source)).wait()
            name = made.stdout.split()[0]
            ports[entry.name] = GadgetPort(daemons, name)
        live = LiveRig(
            rig, daemons, machines.shared, backend="uml",
            switches=_switches(rig, ask, machines.host, lambda entry: ports[entry.name]),
        )  # fmt: skip
        live.devices = {entry.name: LiveDevice(live, entry, LIBUSB) for entry in rig.devices}
        yield live


@contextlib.contextmanager
def emulated(rig: Rig, directory: Path, ask: Ask | None = None) -> Iterator[LiveRig]:
    """The emulator's devices in the service of a UML host; natively each is opened in process."""
    sources = [entry.source for entry in rig.devices]
    with _served(
        rig, directory, ask, "emulated", [f"emulator:{','.join(sources)}"], "emulator:", _EMULATOR_PORT
    ) as live:
        yield live


@contextlib.contextmanager
def replay(rig: Rig, directory: Path, ask: Ask | None = None) -> Iterator[LiveRig]:
    """Captures, replayed by the service of a UML host; natively each is opened in process."""
    providers = [
        f"replay:{entry.source},port={_REPLAY_PORT.format(number)}" for number, entry in enumerate(rig.devices, 1)
    ]
    with _served(rig, directory, ask, "replay", providers, "replay:", _REPLAY_PORT) as live:
        yield live


@contextlib.contextmanager
def _served(
    rig: Rig, directory: Path, ask: Ask | None, backend: str, providers: list[str], target: str, port: str
) -> Iterator[LiveRig]:
    """``port`` is how the service calls the n-th device."""
    with Machines.uml_pair(directory) as machines:
        machines.host.run(["mkdir", "-p", str(PORTS)])
        served = [word for provider in providers for word in ("--device", provider)]
        daemons = Daemons(
            machines.host, machines.guest, serve=[*_LISTEN, *served],
            environment={**ENVIRONMENT, "WSLUSB_EMULATOR_PORTS": str(PORTS)},
        )  # fmt: skip
        numbers = {entry.name: number for number, entry in enumerate(rig.devices, 1)}
        live = LiveRig(
            rig, daemons, machines.shared, backend=backend, providers=providers,
            switches=_switches(
                rig, ask, machines.host, lambda entry: FilePort(machines.host, PORTS / port.format(numbers[entry.name]))
            ),
        )  # fmt: skip
        live.devices = {
            entry.name: LiveDevice(live, entry, target + entry.source, port.format(1)) for entry in rig.devices
        }
        yield live


def _switches(
    rig: Rig, ask: Ask | None, host: Place, port: Callable[[DeviceEntry], PowerSwitch]
) -> Mapping[str, PowerSwitch]:
    return {entry.name: power.make(entry, host, port(entry), ask) for entry in rig.devices}
