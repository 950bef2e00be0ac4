"""Uevents, and the look at sysfs that stands in for them."""

from __future__ import annotations

import selectors
import socket
import sys
import threading
import time

import pytest

from tests.unit.system.sysfs import Tree
from wslusb.system.linux import LinuxSystem
from wslusb.system.linux_watch import LinuxWatch, concerns_devices, parse_uevent

ADD = (
    b"add@/devices/pci0000:00/0000:00:14.0/usb1/1-4\0ACTION=add\0DEVPATH=/devices/pci0000:00/0000:00:14.0/usb1/1-4\0"
    b"SUBSYSTEM=usb\0MAJOR=189\0MINOR=3\0DEVNAME=bus/usb/001/004\0DEVTYPE=usb_device\0PRODUCT=46f4/aa/1\0SEQNUM=4\0"
)


def test_uevent_of_a_device() -> None:
    event = parse_uevent(ADD)
    assert (event["ACTION"], event["SUBSYSTEM"], event["DEVNAME"]) == ("add", "usb", "bus/usb/001/004")
    assert concerns_devices(event)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"libudev\0\xfe\xed\xca\xfe" + bytes(40),
        ADD.replace(b"usb_device", b"usb_interface"),
        ADD.replace(b"ACTION=add", b"ACTION=online"),
        b"add@/devices/x\0ACTION=add\0SUBSYSTEM=block\0DEVTYPE=disk\0",
        b"\xff\xfe@\0=\0\xff=\xff",
    ],
)
def test_uevents_of_other_things(message: bytes) -> None:
    assert not concerns_devices(parse_uevent(message))


def wait_for(changes: threading.Semaphore) -> None:
    assert changes.acquire(timeout=10)


def test_slow_look_sees_what_no_uevent_told(tree: Tree) -> None:
    changes, states = threading.Semaphore(0), [1]
    watch = LinuxWatch(changes.release, lambda: states[0], interval=0.02)
    states[0] = 2
    wait_for(changes)
    assert not changes.acquire(timeout=0.1), "told again, though nothing had changed"
    states[0] = 1
    wait_for(changes)
    watch.close()
    watch.close()
    states[0] = 3
    assert not changes.acquire(timeout=0.1)


def test_system_watches_devices(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = threading.Semaphore(0)
    system = LinuxSystem(tree.root)
    watch = LinuxWatch(changes.release, system._snapshot, interval=0.02)
    tree.add("1-1", 2)
    wait_for(changes)
    (tree.devices / "1-1/bConfigurationValue").write_text("2\n")
    wait_for(changes)
    watch.close()


def test_exception_in_the_callback_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    calls = threading.Semaphore(0)

    def changed() -> None:
        calls.release()
        raise RuntimeError("as it should be")

    watch = LinuxWatch(changed, lambda: time.monotonic_ns(), interval=0.02)
    wait_for(calls)
    wait_for(calls)
    watch.close()
    assert "hot-plug callback" in caplog.text


def test_close_from_within_the_callback(tree: Tree) -> None:
    closed = threading.Event()
    watches: list[LinuxWatch] = []

    def changed() -> None:
        if watches:
            watches[0].close()
            closed.set()

    watches.append(LinuxWatch(changed, lambda: time.monotonic_ns(), interval=0.02))
    assert closed.wait(10)
    watches[0]._thread.join(10)
    assert not watches[0]._thread.is_alive()


def test_current_system() -> None:
    from wslusb.system import current

    assert isinstance(current(), LinuxSystem)


def test_other_systems_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from wslusb.errors import LocalError, LocalReason
    from wslusb.system import current

    monkeypatch.setattr(sys, "platform", "plan9")
    with pytest.raises(LocalError) as caught:
        current()
    assert caught.value.reason == LocalReason.UNSUPPORTED


def test_looks_are_rare_once_uevents_are_known_to_come() -> None:
    looks = threading.Semaphore(0)

    def snapshot() -> int:
        looks.release()
        return 0

    watch = LinuxWatch(lambda: None, snapshot, interval=0.02, seldom=60.0)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    watch._netlink, before = ours, watch._netlink
    watch._selector.register(ours, selectors.EVENT_READ)
    theirs.send(b"add@/devices/x\0ACTION=add\0SUBSYSTEM=block\0DEVTYPE=disk\0")
    while watch._interval != 60.0:
        time.sleep(0.001)
    while looks.acquire(timeout=0.1):
        pass
    theirs.send(ADD)
    wait_for(looks)
    watch.close()
    theirs.close()
    if before:
        before.close()
