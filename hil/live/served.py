"""Rigs without any hardware: this machine serves the emulator's devices, or captures, to a UML guest.

Natively such a device is opened in process: there is no kernel under it that could change what it says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.switches import VARIABLE
from hil import power
from hil.daemons import ENVIRONMENT, Daemons
from hil.guided import Ask
from hil.live.device import LiveDevice
from hil.live.ports import FilePort
from hil.live.real import environment, folder
from hil.live.rig import LiveRig
from hil.places import shell
from hil.rig.model import DeviceEntry, Rig
from hil.vm.rig import Rig as Machines

__all__ = ["emulated", "replay"]


@dataclass(slots=True, frozen=True)
class _Kind:
    """``port`` is how the service calls the n-th device; ``native`` is the provider that opens one alone."""

    backend: str
    providers: Sequence[str]
    native: str
    port: str


def emulated(rig: Rig, directory: Path, ask: Ask | None = None) -> contextlib.AbstractContextManager[LiveRig]:
    """The emulator's devices: ``source`` is what :func:`emulator.catalogue.parse_models` reads."""
    sources = ",".join(entry.source for entry in rig.devices)
    return _opened(rig, directory, ask, _Kind("emulated", [f"emulator:{sources}"], "emulator", "9-{}"))


def replay(rig: Rig, directory: Path, ask: Ask | None = None) -> contextlib.AbstractContextManager[LiveRig]:
    """Captures: ``source`` is a file with the options of ``replay:``."""
    providers = [f"replay:{entry.source},port=8-{number}" for number, entry in enumerate(rig.devices, 1)]
    return _opened(rig, directory, ask, _Kind("replay", providers, "replay", "8-{}"))


@contextlib.contextmanager
def _opened(rig: Rig, directory: Path, ask: Ask | None, kind: _Kind) -> Iterator[LiveRig]:
    host = shell.local()
    with Machines.uml_guest(directory, **rig.guest.options) as machines, contextlib.ExitStack() as stack:
        own = folder(stack, host)
        ports = Path(own) / "ports"
        ports.mkdir()
        served = [word for provider in kind.providers for word in ("--device", provider)]
        daemons = Daemons(
            host, machines.guest, serve=["--listen", f"hybrid:{machines.hybrid}", *served],
            environment={**environment(own), VARIABLE: str(ports)}, guest_environment=ENVIRONMENT,
        )  # fmt: skip
        live = LiveRig(rig, daemons, machines.shared, backend=kind.backend, providers=kind.providers, ports=ports)
        for number, entry in enumerate(rig.devices, 1):
            port = FilePort(host, ports / kind.port.format(number))
            live.add(_device(live, entry, kind), power.make(entry, host, port, ask))
        yield live


def _device(live: LiveRig, entry: DeviceEntry, kind: _Kind) -> LiveDevice:
    return LiveDevice(live, entry, f"{kind.native}:{entry.source}", kind.port.format(1))
