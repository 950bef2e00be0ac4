"""wslusb.guest.relay: how a port is closed, and by what."""

from __future__ import annotations

import struct

import pytest

from tests.support.kernel import pack_submit, pack_unlink
from tests.support.relay import Rig
from tests.support.usb import PuppetDevice
from tests.support.waiting import PATIENCE
from wslusb.usb.urb import Status


def test_stop_closes_the_port(rig: Rig) -> None:
    rig.relay.stop()
    with pytest.raises(EOFError):
        rig.kernel.answer()
    rig.relay.stop()


@pytest.mark.parametrize(
    "junk",
    [
        bytes(48),
        b"\xff" * 48,
        struct.pack(">IIIII28x", 9, 1, 1, 0, 0),
        struct.pack(">IIIII28x", 1, 1, 1, 0, 16),
        struct.pack(">IIIII28x", 1, 1, 1, 2, 1),
        pack_submit(1, 0x81, -1 & 0xFFFFFFFF),
        pack_submit(1, 0x83, 10, packets=[(0, 11)]),
        pack_submit(1, 0x83, 10, packets=[(0xFFFFFFFF, 1)]),
        pack_submit(1, 0x83, 70000, packets=[(0, 65536)]),
        pack_submit(1, 0x83, 10, count=1025),
    ],
)
def test_what_no_kernel_writes_closes_the_port(rig: Rig, junk: bytes) -> None:
    rig.kernel.sock.sendall(junk)
    with pytest.raises(EOFError):
        rig.kernel.answer()


@pytest.mark.parametrize("again", [pack_submit(1, 0x81, 512), pack_unlink(3, 1)])
def test_the_same_number_twice_closes_the_port(rig: Rig, puppet: PuppetDevice, again: bytes) -> None:
    """Found by fuzzing: the first of the two was forgotten, and its completion raised in the device's thread."""
    rig.kernel.submit(1, 0x81, 512)
    urb = puppet.next()
    rig.kernel.unlink(2, 1)
    rig.kernel.sock.sendall(again)
    with pytest.raises(EOFError):
        rig.kernel.answer()
    puppet.complete(urb, Status.OK, b"late")


def test_a_completion_after_the_port_was_closed(rig: Rig, puppet: PuppetDevice) -> None:
    rig.kernel.submit(1, 0x81, 512)
    urb = puppet.next()
    rig.kernel.sock.close()
    rig.thread.join(PATIENCE)
    puppet.complete(urb, Status.OK, b"late")
