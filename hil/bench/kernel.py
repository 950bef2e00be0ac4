"""The main path through real kernels, beside the kernel's own usbip, in the same run.

Every contender has a stick of its own, all equal, and all are attached before the first sample: nothing is attached or
detached between two samples, and the contenders take turns. So what a noisy machine does to one, it does to all.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from hil.bench.record import Measure, Report
from hil.requirements import COMMON, require
from hil.vm.hardware import Disk
from hil.vm.machine import Machine
from hil.vm.remote import Process
from hil.vm.rig import Rig

__all__ = ["kernel_bench"]

OURS, THEIRS, OVER_TCP, DIRECT = "wslusb", "usbip vsock", "usbip TCP", "direct"
SERIALS = {OURS: "WSLUSB01", THEIRS: "USBIPV02", OVER_TCP: "USBIPT03", DIRECT: "DIRECT04"}
PYTHON = sys.executable
VSOCK_PORT, TCP_PORT = 7001, 7002
SIZE = "32M"


@dataclass
class Contender:
    """A way to a stick: the machine in which it is used, its disk and its usbfs node there."""

    machine: Machine
    disk: str
    usb: str


@dataclass(frozen=True)
class Amounts:
    """How much one sample moves: MiB in blocks of 1 MiB, blocks of 4 KiB, control requests."""

    large: int = 24
    small: int = 256
    requests: int = 300


def kernel_bench(rounds: int, amounts: Amounts, say: Callable[[str], None], *, qemu: bool = False) -> Report:
    """Measure. RigError where this machine cannot run the machines."""
    require(COMMON, {"dd": "coreutils"})
    report = Report("kernel-qemu" if qemu else "kernel", {"rounds": rounds, "stick": SIZE, **vars(amounts)})
    say(f"booting {'QEMU as the host, UML as the guest' if qemu else 'two UML machines'}")
    with ExitStack() as stack:
        rig: Rig[Any] = stack.enter_context(_qemu_rig() if qemu else Rig.uml_pair())
        report.notes["kernels"] = {name: machine.release for name, machine in rig.machines.items()}
        contenders = stack.enter_context(attached(rig, plug=not qemu))
        say(f"{len(contenders)} sticks are attached; {rounds} rounds, and one to warm up")
        report.measures = measures = make_measures()
        for number in range(-1, rounds):
            for measure, sample in zip(measures, samplers(amounts), strict=True):
                for name, contender in contenders.items():
                    value = sample(contender)
                    if number >= 0:
                        measure.add(name, value)
    return report


def _qemu_rig() -> Rig[Any]:
    sticks = [Disk(id=serial.lower(), properties={"serial": serial}, size=32 << 20) for serial in SERIALS.values()]
    return Rig.qemu_host(hardware=sticks, host={"modules": ["usbip-host", "vhci-hcd"]})


def make_measures() -> list[Measure]:
    """What is measured, with the first marks of this project."""
    return [
        Measure("dd read 1 MiB", "MB/s", ours=OURS, theirs=THEIRS, at_least=0.6),
        Measure("dd write 1 MiB", "MB/s", ours=OURS, theirs=THEIRS, at_least=0.6),
        Measure("dd read 4 KiB", "MB/s", ours=OURS, theirs=THEIRS, at_least=0.5),
        Measure("GET_STATUS", "us", ours=OURS, theirs=THEIRS, at_most=1.7),
    ]


def samplers(amounts: Amounts) -> list[Callable[[Contender], float]]:
    """One function a measure, in the same order."""
    return [
        lambda c: dd(c, amounts.large, "1M"),
        lambda c: dd(c, amounts.large, "1M", write=True),
        lambda c: dd(c, amounts.small, "4k"),
        lambda c: float(c.machine.python("-m", "hil.bench.latency", c.usb, str(amounts.requests)).stdout),
    ]


# -- samples


def dd(contender: Contender, count: int, block: str, *, write: bool = False) -> float:
    """MB/s of a direct transfer, in dd's own words."""
    there = f"if=/dev/zero of={contender.disk} oflag=direct"
    back = f"if={contender.disk} of=/dev/null iflag=direct"
    result = contender.machine.run(f"LC_ALL=C dd {there if write else back} bs={block} count={count}", timeout=120)
    return dd_rate(result.output)


def dd_rate(output: str) -> float:
    """Bytes by seconds, not the rounded rate that dd prints beside them."""
    found = re.search(r"^(\d+) bytes.* copied, ([\d.e-]+) s", output, re.MULTILINE)
    if found is None:
        raise ValueError(f"dd said {output!r}")
    return int(found[1]) / float(found[2]) / 1e6


# -- contenders


@contextmanager
def attached(rig: Rig[Any], *, plug: bool) -> Iterator[dict[str, Contender]]:
    """Plug in a stick for each contender (``plug``: they are gadgets), and attach each in its own way."""
    host, guest = rig.host, rig.guest
    for serial in SERIALS.values() if plug else ():
        host.python("-m", "hil.gadgets", "mass-storage", "--size", SIZE, "--serial", serial)
    direct = {name: locate(host, serial, imported=False) for name, serial in SERIALS.items()}
    with through_wslusb(host, guest, SERIALS[OURS]):
        through_usbip(host, guest, SERIALS[THEIRS], f"vsock:{VSOCK_PORT}", f"vsock:2:{VSOCK_PORT}")
        through_usbip(host, host, SERIALS[OVER_TCP], f"tcp:{TCP_PORT}", f"tcp:{TCP_PORT}")
        yield {
            OURS: locate(guest, SERIALS[OURS], imported=True),
            THEIRS: locate(guest, SERIALS[THEIRS], imported=True),
            OVER_TCP: locate(host, SERIALS[OVER_TCP], imported=True),
            DIRECT: direct[DIRECT],
        }


def locate(machine: Machine, serial: str, *, imported: bool) -> Contender:
    """Wait for a stick in a machine."""
    arguments = [serial, *(["--imported"] if imported else [])]
    found = json.loads(machine.python("-m", "hil.bench.locate", *arguments).stdout)
    return Contender(machine, found["disk"], found["usb"])


@contextmanager
def through_wslusb(host: Machine, guest: Machine, serial: str) -> Iterator[tuple[Process, Process]]:
    """``wslusb serve`` on the one side, ``wslusb agent`` on the other, as a user would start them."""
    wslusb: Sequence[str] = [PYTHON, "-m", "wslusb"]
    with host.start([*wslusb, "serve", "--listen", "vsock:"]) as service, guest.start([*wslusb, "agent"]) as agent:
        service.wait_for_output("serving")
        host.run([*wslusb, "bind", serial])
        agent.wait_for_output("connected to")
        guest.run([*wslusb, "attach", serial])
        yield service, agent


def through_usbip(host: Machine, user: Machine, serial: str, listen: str, connect: str) -> None:
    """The kernel's own exporter and importer; both keep their sockets when the two programs have ended."""
    with host.start([PYTHON, "-m", "hil.bench.usbip", "export", serial, listen]) as exporting:
        numbers = exporting.wait_for_output(r"ready (\d+) (\d+)").groups()
        user.python("-m", "hil.bench.usbip", "import", connect, *numbers)
        exporting.wait(20)
