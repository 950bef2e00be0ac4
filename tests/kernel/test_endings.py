"""Every way in which a side may end in the middle of a copy: nothing hangs, nothing stays, the device is usable again.

After each: every port of the guest's vhci_hcd is free, no process of the guest is in D state, the copy has ended, the
host's own driver has the device back and reads from it, and the device can be attached once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.vm.remote import Process
from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.support import Passthrough, copying, taken_ports, terminate

Uml = Passthrough[UmlMachine]
SERIAL = "END1"


def kill_agent(uml: Uml) -> None:
    assert uml.agent is not None
    uml.kill9(uml.guest, uml.agent)


def kill_service(uml: Uml) -> None:
    assert uml.service is not None
    uml.kill9(uml.host, uml.service)


def end_agent(uml: Uml) -> None:
    assert uml.agent is not None
    assert terminate(uml.agent).returncode == 0


def end_service(uml: Uml) -> None:
    assert uml.service is not None
    assert terminate(uml.service).returncode == 0


def detach_in_guest(uml: Uml) -> None:
    uml.detach(SERIAL, "guest")


def detach_on_host(uml: Uml) -> None:
    uml.detach(SERIAL, "host")


def unbind(uml: Uml) -> None:
    uml.cli(uml.host, "unbind", SERIAL)


ENDINGS: list[Callable[[Uml], None]] = [
    kill_agent,
    kill_service,
    end_agent,
    end_service,
    detach_in_guest,
    detach_on_host,
    unbind,
]


@pytest.fixture(scope="module")
def stick(uml_daemons: Uml) -> Iterator[str]:
    uml = uml_daemons
    uml.ready()
    with uml.gadget("mass-storage", "--size", "16M", "--serial", SERIAL):
        uml.share(SERIAL)
        yield SERIAL


def ended(uml: Uml, copy: Process) -> None:
    """The guest is as if nothing had ever been attached."""
    uml.no_ghost()
    copy.wait(10)
    assert uml.guest.run("ls /dev/sd* 2>/dev/null", check=False).stdout == ""


def readable_on_host(uml: Uml) -> None:
    """The host's own usb-storage has the device again, and its disk is what is in the image."""
    uml.wait_driver(SERIAL, "usb-storage")
    disk = uml.host_disk(SERIAL)
    uml.host.run(f"blockdev --flushbufs {disk}; cmp -n 4194304 {disk} /dev/shm/{SERIAL.lower()}.img", timeout=30)


@pytest.mark.parametrize(
    ("ending", "direction"),
    [(kill_agent, "read"), (kill_service, "read"), *((ending, "write") for ending in ENDINGS)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_an_ending_in_the_middle_of_a_copy(uml: Uml, stick: str, ending: Callable[[Uml], None], direction: str) -> None:
    """It is one stick for all of them: what each begins with proves that the one before left it usable."""
    copy = copying(uml.guest, uml.disk(SERIAL), direction)
    assert copy.running
    started = time.monotonic()
    ending(uml)
    ended(uml, copy)
    print(f"the guest was clean {time.monotonic() - started:.2f} s after {ending.__name__}")
    readable_on_host(uml)


def test_the_agent_comes_back_to_a_service_that_was_restarted(uml: Uml, stick: str) -> None:
    """By itself, and what was attached can be attached again."""
    uml.share(SERIAL)
    uml.disk(SERIAL)
    assert uml.service is not None
    assert uml.agent is not None
    uml.kill9(uml.host, uml.service)
    poll(lambda: not taken_ports(uml.guest), 5, "the port is free")
    mark = len(uml.agent.output)
    uml.start_service()
    uml.wait_connected(mark)
    assert uml.agent.running
    uml.wait_driver(SERIAL, "usb-storage")
    disk = uml.disk(SERIAL, "host")
    uml.guest.run(f"dd if={disk} of=/dev/null bs=1M count=1 iflag=direct status=none")


def with_a_new_guest(uml: Uml, rig: Rig[UmlMachine]) -> None:
    rig.restart_guest()
    uml.agent = None
    uml.ready()


def test_a_machine_dies_in_the_middle_of_a_copy(tmp_path: Path) -> None:
    """The guest's plug is pulled: the host has its device back, and a new guest can have it. Then the host's is."""
    with Rig.uml_pair(tmp_path) as rig:
        uml = Passthrough(rig)
        uml.ready()
        uml.python(uml.host, "hil.gadgets", "mass-storage", "--size", "8M", "--serial", SERIAL).wait()
        uml.share(SERIAL)
        copying(uml.guest, uml.disk(SERIAL))
        rig.guest.kill()
        readable_on_host(uml)
        with_a_new_guest(uml, rig)
        copy = copying(uml.guest, uml.disk(SERIAL))
        rig.host.kill()
        ended(uml, copy)
        assert uml.agent is not None
        state = uml.json(uml.guest, "state")["agent"]
        assert not state["connected"]
        assert state["attached"] == []
        assert terminate(uml.agent).returncode == 0
