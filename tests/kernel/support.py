"""The whole path on a rig: `wslusb serve` on its host, `wslusb agent` in its guest, the command line on either side.

After every test it must be true that there is no ghost in a port, no process that hangs, no complaint of either kernel.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from hil.errors import RigError
from hil.requirements import TEST_TOOLS, require
from hil.vm.machine import PROJECT, Machine
from hil.vm.remote import Process, Result
from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine

PROGRAMS = Path(__file__).with_name("programs")
ENVIRONMENT = {"WSLUSB_STATE_DIR": "/run/wslusb-state"}
SECOND = "unix:/run/wslusb-second.sock"
"""Where the service listens for a guest that is not the rig's: a program on the host itself."""
ZYGOTE = "/run/wslusb-zygote"
LISTEN = ("--listen", "vsock:", "--listen", SECOND)
MIB = 1 << 20
LOG_TAIL = 4000

HostMachine = TypeVar("HostMachine", bound=Machine)

COMPLAINTS = re.compile(
    # What vhci_hcd says when it drops a connection for an answer that it did not expect or could not read
    # (drivers/usb/usbip/vhci_rx.c), and what any kernel says when it is in trouble.
    r"cannot find a urb|URB \d+ doesn't exist|unknown pdu|bad pdu|recv xbuf|recv iso|"
    r"\bBUG:|WARNING:|Oops|kernel panic|blocked for more than"
)


def tools(*programs: str) -> None:
    """Fail, with what to install, if the machine does not have these."""
    require({program: TEST_TOOLS[program] for program in programs})


def poll(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until something holds; how many seconds that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() < started + seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - started


def hung(machine: Machine) -> str:
    """The processes in D state that are no kernel threads."""
    script = (
        "for f in $(grep -ls '^State:.D' /proc/[0-9]*/status); do"
        " [ -s ${f%status}cmdline ] && tr '\\0' ' ' <${f%status}cmdline && echo; done 2>/dev/null; true"
    )
    return machine.run(script).stdout.strip()


def taken_ports(guest: Machine) -> list[str]:
    """The lines of vhci_hcd's status that do not say "free" (VDEV_ST_NULL, 004)."""
    text = guest.run("cat /sys/devices/platform/vhci_hcd.0/status*").stdout
    lines = [line.split() for line in text.splitlines() if line[:2] in ("hs", "ss")]
    return [" ".join(words) for words in lines if words[2] != "004"]


class Passthrough(Generic[HostMachine]):
    """Both daemons of one rig. They stay up from test to test; one that a test has ended is started for the next."""

    def __init__(self, rig: Rig[HostMachine]) -> None:
        self.rig = rig
        self.service: Process | None = None
        self.agent: Process | None = None
        self.keep = False
        """Whether what is attached stays so from test to test, until :meth:`release`."""
        self._zygotes: dict[Machine, Process] = {}
        self._logs: list[str] = []
        self._marks = itertools.count(1)
        self._mark = ""

    @property
    def host(self) -> HostMachine:
        """The machine with the devices."""
        return self.rig.host

    @property
    def guest(self) -> UmlMachine:
        """The machine that they are attached to."""
        return self.rig.guest

    # -- the daemons

    def start_service(self, *arguments: str) -> Process:
        """Start ``wslusb serve`` and wait until it listens."""
        self._keep("service", self.service)
        command = [sys.executable, "-m", "wslusb", "serve", "--log-level", "debug", *LISTEN, *arguments]
        self.service = self.host.start(command, env=ENVIRONMENT)
        self.service.wait_for_output("serving ", 60)
        return self.service

    def start_agent(self, *arguments: str) -> Process:
        """Start ``wslusb agent`` and wait until it is connected."""
        self._keep("agent", self.agent)
        command = [sys.executable, "-m", "wslusb", "agent", "--log-level", "debug", *arguments]
        self.agent = self.guest.start(command, env=ENVIRONMENT)
        self.agent.wait_for_output("connected to ", 60)
        return self.agent

    def ready(self) -> None:
        """Start what does not run."""
        if self.service is None or not self.service.running:
            mark = len(self.agent.output) if self.agent else 0
            self.start_service()
            if self.agent is not None and self.agent.running:
                self.wait_connected(mark)
        if self.agent is None or not self.agent.running:
            self.start_agent()
        self.mark()

    def wait_connected(self, mark: int, seconds: float = 15) -> None:
        """Wait until the agent has said, after the first ``mark`` characters, that it is connected."""
        agent = self.agent
        assert agent is not None
        poll(lambda: "connected to " in agent.output[mark:], seconds, "the agent is connected again")

    @staticmethod
    def kill9(machine: Machine, process: Process) -> None:
        """SIGKILL to this process alone: its guardian is to outlive it."""
        machine.run(["kill", "-9", str(process.pid)])
        process.wait(10)

    def logs(self) -> str:
        """What both daemons have said in this test and before."""
        self._keep("service", self.service)
        self._keep("agent", self.agent)
        text = "\n".join(self._logs)
        self._logs.clear()
        return text[-3 * LOG_TAIL :]

    def _keep(self, name: str, process: Process | None) -> None:
        if process is not None:
            self._logs.append(f"--- {name}, {process.returncode}\n{process.output[-LOG_TAIL:]}")

    # -- the command line

    def python(self, machine: Machine, what: str, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        """Start a Python program in a machine, by its zygote (tests/kernel/programs/zygote.py)."""
        if machine not in self._zygotes:
            command = [sys.executable, str(PROGRAMS / "zygote.py"), ZYGOTE]
            zygote = machine.start(command, env={**ENVIRONMENT, "PYTHONPATH": str(PROJECT)})
            zygote.wait_for_output("ready", 60)
            self._zygotes[machine] = zygote
        request = json.dumps({"run": what, "arguments": arguments, "env": dict(env or {})})
        return machine.start(
            f"mkfifo {ZYGOTE}.$$; echo $$ {shlex.quote(request)} >{ZYGOTE}; read -r status <{ZYGOTE}.$$; exit $status"
        )

    def cli(
        self, machine: Machine, *arguments: str, check: bool = True, env: Mapping[str, str] | None = None
    ) -> Result:
        """Run ``wslusb`` with these arguments."""
        result = self.python(machine, "wslusb", *arguments, env=env).wait()
        assert not check or not result.returncode, (
            f"wslusb {shlex.join(arguments)} on the {machine.name}: {result.output}"
        )
        return result

    def at_once(self, machine: Machine, verb: str, names: Sequence[str]) -> list[str]:
        """``wslusb verb NAME`` for each name, all at the same time; what they said on standard output."""
        results = [process.wait() for process in [self.python(machine, "wslusb", verb, name) for name in names]]
        for result in results:
            assert not result.returncode, result.output
        return [result.stdout for result in results]

    def run(self, machine: Machine, name: str, *arguments: str) -> str:
        """Run one of our programs in a machine; what it said. AssertionError if it failed."""
        result = self.python(machine, str(PROGRAMS / f"{name}.py"), *arguments).wait(120)
        assert not result.returncode, f"{name} {shlex.join(arguments)} in the {machine.name}: {result.output}"
        return result.stdout

    def json(self, machine: Machine, *arguments: str) -> Any:
        """What ``wslusb ... --json`` answers."""
        return json.loads(self.cli(machine, *arguments, "--json").stdout)

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

    def attach(self, name: str, side: str = "guest") -> list[str]:
        """``wslusb attach`` on one side; the nodes."""
        machine = self.guest if side == "guest" else self.host
        return self.cli(machine, "attach", name).stdout.split()

    def detach(self, name: str = "--all", side: str = "guest") -> None:
        """``wslusb detach`` on one side."""
        self.cli(self.guest if side == "guest" else self.host, "detach", name)

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

    def mark(self) -> None:
        """Write a line into both kernels' logs: :meth:`kernel_said` is what comes after it."""
        self._mark = f"wslusb test {next(self._marks)}."
        for machine in self.rig.machines.values():
            machine.run(f"echo '{self._mark}' >/dev/kmsg")

    def kernel_said(self, machine: Machine) -> str:
        """A kernel's log since the last :meth:`mark`."""
        return machine.dmesg().rpartition(self._mark)[2]

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


def terminate(process: Process, seconds: float = 15.0) -> Result:
    """SIGTERM, and how it ended."""
    process.kill(signal.SIGTERM)
    return process.wait(seconds)


def safe(what: Callable[[], str]) -> str:
    """A log, or why there is none."""
    try:
        return what()
    except RigError as error:
        return str(error)
