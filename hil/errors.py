"""What can go wrong with a rig, as one small family: a test that fails on these did not get to test anything."""

from __future__ import annotations

from collections.abc import Sequence

from wslusb.errors import WslusbError


class RigError(WslusbError):
    """The rig itself failed: something is missing, a machine died, a command did not end."""


class RigFileError(RigError):
    """The rig file is not right; `problems` has one line for each thing that is wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems), hint="docs/hil-rig.md has every key")


class DeviceAbsentError(RigError):
    """A device that the rig file names is not plugged in."""


class AmbiguousDeviceError(RigError):
    """What the rig file says of a device fits several that are plugged in."""


class WantingError(RigError):
    """The rig has not what a test needs: the test is skipped, and fails with ``--strict-rig``."""


class LockedError(RigError):
    """Somebody else is using the device."""


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


class VerbFailedError(CommandFailedError):
    """A verb of wslusb did not do what a test needs. That is what is tested: no trouble of the rig."""


class QmpError(RigError):
    """QEMU refused a monitor command."""
