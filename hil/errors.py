"""What can go wrong with a rig, as one small family: a test that fails on these did not get to test anything."""

from __future__ import annotations


class RigError(Exception):
    """The rig itself failed: something is missing, a machine died, a command did not end."""


class RequirementsError(RigError):
    """This machine lacks programs; the message is the command that installs them."""

    def __init__(self, programs: tuple[str, ...], packages: tuple[str, ...]) -> None:
        self.programs = programs
        self.packages = packages
        super().__init__(f"missing here: {', '.join(programs)}. Run: apt-get install {' '.join(packages)}")


class BuildError(RigError):
    """A kernel could not be fetched or built."""


class MachineError(RigError):
    """Something happened to a virtual machine; the end of its console is part of the message."""

    def __init__(self, machine: str, what: str, console: str = "") -> None:
        self.machine = machine
        self.console = console
        tail = f"\n--- console of {machine} ---\n{console.rstrip()}" if console.strip() else ""
        super().__init__(f"{machine}: {what}{tail}")


class BootTimeoutError(MachineError):
    """The machine's agent did not answer in time."""


class MachineDiedError(MachineError):
    """The machine, or the channel to its agent, is gone."""


class CommandTimeoutError(MachineError):
    """A command was still running at its deadline; it was killed."""


class CommandFailedError(MachineError):
    """A command that had to succeed did not (`check=True`), or could not be started."""


class QmpError(RigError):
    """QEMU refused a monitor command."""
