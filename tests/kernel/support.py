"""The whole path on a rig: `wslusb serve` on its host, `wslusb agent` in its guest, the command line on either side.

After every test it must be true that there is no ghost in a port, no process that hangs, no complaint of either kernel.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hil.daemons import ENVIRONMENT, Daemons
from hil.errors import RigError
from hil.health import COMPLAINTS, hung, taken_ports
from hil.programs import terminate
from hil.requirements import TEST_TOOLS, require
from hil.vm.machine import Machine
from hil.vm.remote import Process
from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine
from hil.waiting import poll

__all__ = [
    "COMPLAINTS", "ENVIRONMENT", "LISTEN", "MIB", "PROGRAMS", "SECOND", "Passthrough", "copying", "daemons_of", "hung",
    "poll", "program", "safe", "taken_ports", "terminate", "tools",
]  # fmt: skip

PROGRAMS = Path(__file__).with_name("programs")
SECOND = "unix:/run/wslusb-second.sock"
"""Where the service listens for a guest that is not the rig's: a program on the host itself."""
LISTEN = ("--listen", "vsock:", "--listen", SECOND)
MIB = 1 << 20

HostMachine = TypeVar("HostMachine", bound=Machine)


def tools(*programs: str) -> None:
    """Fail, with what to install, if the machine does not have these."""
    require({program: TEST_TOOLS[program] for program in programs})


class Passthrough(Daemons[HostMachine, UmlMachine]):
    """The daemons of a rig of virtual machines, and what must be true when nothing is attached."""

    def __init__(self, rig: Rig[HostMachine]) -> None:
        super().__init__(rig.host, rig.guest, serve=LISTEN)
        self.rig = rig
        self.keep = False
        """Whether what is attached stays so from test to test, until :meth:`release`."""

    @property
    def host(self) -> HostMachine:
        """The machine with the devices."""
        return self.rig.host

    @property
    def guest(self) -> UmlMachine:
        """The machine that they are attached to; a test may have booted another one."""
        return self.rig.guest

    # -- the command line

    def at_once(self, machine: Machine, verb: str, names: Sequence[str]) -> list[str]:
        """``wslusb verb NAME`` for each name, all at the same time; what they said on standard output."""
        results = [process.wait() for process in [self.python(machine, "wslusb", verb, name) for name in names]]
        for result in results:
            assert not result.returncode, result.output
        return [result.stdout for result in results]

    def run(self, machine: Machine, name: str, *arguments: str) -> str:
        """Run one of our programs in a machine, or a module of hil; what it said. AssertionError if it failed."""
        what = name if "." in name else str(PROGRAMS / f"{name}.py")
        result = self.python(machine, what, *arguments).wait(120)
        assert not result.returncode, f"{name} {shlex.join(arguments)} in the {machine.name}: {result.output}"
        return result.stdout

    def share(self, name: str) -> None:
        """Bind a device, as soon as the host has it."""
        self.wait_listed(name)
        self.cli(self.host, "bind", name)

    def wait_listed(self, name: str, seconds: float = 30) -> None:
        """Wait until sysfs of the host has a configured device with this serial number."""
        quoted = shlex.quote(name)
        self.host.wait_until(
            f"grep -lsx {quoted} /sys/bus/usb/devices/*/serial | while read f; do"
            " grep -q . ${f%serial}bConfigurationValue && echo x; done | grep -q x", seconds,
        )  # fmt: skip

    def disk(self, name: str, side: str = "guest") -> str:
        """Attach a disk; its node."""
        return next(node for node in self.attach(name, side) if node.startswith("/dev/sd"))

    # -- what is true when nothing is attached

    def settle(self) -> None:
        """Detach what is left, and see that all is as it was. AssertionError otherwise."""
        if not self.keep:
            self.release()
        assert not (trouble := self.complaints()), f"the kernels complain:\n{trouble}"

    def release(self) -> None:
        """Detach what is left, and see that it is gone."""
        self.keep = False
        if self.agent is not None and self.agent.running and taken_ports(self.guest):
            self.detach()
        self.no_ghost()

    def no_ghost(self, seconds: float = 5.0) -> None:
        """Wait until every port of the guest is free and nothing hangs in it. AssertionError if that does not come."""
        deadline = time.monotonic() + seconds
        while (left := taken_ports(self.guest)) or (stuck := hung(self.guest)):
            assert time.monotonic() < deadline, f"ports: {left}; hung: {'' if left else stuck}"
            time.sleep(0.05)

    def complaints(self) -> str:
        """What either kernel has complained of since :meth:`ready`."""
        found = []
        for name, machine in self.rig.machines.items():
            found += [f"{name}: {line}" for line in self.kernel_said(machine).splitlines() if COMPLAINTS.search(line)]
        return "\n".join(found)

    def driver(self, serial: str, interface: str = "1.0") -> str:
        """The driver that the host's kernel has bound to a device, "" for none."""
        script = (
            f"readlink $(dirname $(grep -lsx {shlex.quote(serial)} /sys/bus/usb/devices/*/serial))/*:{interface}/driver"
        )
        return self.host.run(script, check=False).stdout.strip().rpartition("/")[2]

    def wait_driver(self, serial: str, driver: str, seconds: float = 15.0) -> None:
        """Wait until the host's own driver has the device back."""
        poll(lambda: self.driver(serial) == driver, seconds, f"{driver} bound to {serial} on the host again")

    def host_disk(self, serial: str, seconds: float = 15.0) -> str:
        """The block device of a disk on the host itself, as soon as it is there."""
        script = (
            f"until d=$(ls -d $(dirname $(grep -lsx {shlex.quote(serial)} /sys/bus/usb/devices/*/serial))"
            '/*:1.0/host*/target*/*/block/sd* 2>/dev/null) && [ -n "$d" ]; do sleep 0.05; done; echo /dev/${d##*/}'
        )
        return self.host.run(script, timeout=seconds).stdout.strip()

    @contextmanager
    def gadget(self, kind: str, *options: str) -> Iterator[str]:
        """A kernel gadget, plugged into the host; its name. It is taken apart afterwards."""
        plugged = self.python(self.host, "hil.gadgets", kind, *options).wait()
        assert not plugged.returncode, plugged.output
        name = plugged.stdout.split()[0]
        try:
            yield name
        finally:
            self.python(self.host, "hil.gadgets", "remove", name).wait()
            self.host.run(f"rm -f /dev/shm/{name}.img")


def program(name: str, *arguments: str) -> list[str]:
    """The command line of one of our programs that run inside a machine."""
    return [sys.executable, str(PROGRAMS / f"{name}.py"), *arguments]


def copying(machine: Machine, disk: str, direction: str = "write") -> Process:
    """A copy that never ends by itself: direct transfers of 256 KiB between memory and ``disk``, in a loop.

    It must not make a file of that name when the disk is gone.
    """
    if direction == "write":
        make = "dd if=/dev/urandom of=/dev/shm/noise bs=1M count=4 status=none; "
        one = f"dd if=/dev/shm/noise of={disk} bs=256k oflag=direct conv=notrunc,nocreat status=none"
    else:
        make, one = "", f"dd if={disk} of=/dev/null bs=256k count=16 iflag=direct status=none"
    process = machine.start(f"{make}while {one}; do echo round; done")
    process.wait_for_output("round", 30)
    return process


def daemons_of(values: Sequence[object]) -> list[Passthrough[Any]]:
    """The pass-throughs among the fixtures of a test."""
    return [value for value in values if isinstance(value, Passthrough)]


def safe(what: Callable[[], str]) -> str:
    """A log, or why there is none."""
    try:
        return what()
    except RigError as error:
        return str(error)
