"""The ports of virtual hosts, as power switches: what is pulled out of one is gone as a real device would be."""

from __future__ import annotations

from pathlib import Path

from hil.daemons import Daemons
from hil.errors import RigError
from hil.places.place import Place
from hil.vm.qemu import QemuMachine

__all__ = ["FilePort", "GadgetPort", "QemuPort"]


class QemuPort:
    """A port of QEMU's controller: ``device_del`` and ``device_add``."""

    can_switch = True

    def __init__(self, machine: QemuMachine, name: str) -> None:
        self._machine = machine
        self._name = name

    def off(self) -> None:
        """Pull it out."""
        self._machine.unplug(self._name)

    def on(self) -> None:
        """Put it back."""
        self._machine.plug(self._name)

    def describe(self) -> str:
        """For reports."""
        return f"QEMU's port of {self._name}"


class GadgetPort:
    """A dummy controller: a gadget that is unbound from it is unplugged."""

    can_switch = True

    def __init__(self, daemons: Daemons[Place, Place], gadget: str) -> None:
        self._daemons = daemons
        self._gadget = gadget

    def off(self) -> None:
        """Pull it out."""
        self._run("unplug")

    def on(self) -> None:
        """Put it back."""
        self._run("plug")

    def _run(self, verb: str) -> None:
        result = self._daemons.python(self._daemons.host, "hil.gadgets", verb, self._gadget).wait()
        if result.returncode:
            raise RigError(f"cannot {verb} gadget {self._gadget}: {result.output.strip()}")

    def describe(self) -> str:
        """For reports."""
        return f"dummy controller of gadget {self._gadget}"


class FilePort:
    """A port of the emulator: its device is out while a file is there (:mod:`emulator.switches`)."""

    can_switch = True

    def __init__(self, host: Place, file: Path) -> None:
        self._host = host
        self._file = file

    def off(self) -> None:
        """Pull it out."""
        self._host.run(["touch", str(self._file)])

    def on(self) -> None:
        """Put it back."""
        self._host.run(["rm", "-f", str(self._file)])

    def describe(self) -> str:
        """For reports."""
        return f"the emulator's port {self._file.name}"
