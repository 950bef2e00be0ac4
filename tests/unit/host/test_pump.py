"""wslusb.host.pump: one attached device, with a puppet for a device and a raw peer for a guest."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from emulator import device_provider
from tests.support.peers import RawPeer
from tests.support.usb import PuppetDevice, bulk_in, bulk_out, control_urb, iso_urb
from tests.support.waiting import PATIENCE
from wslusb.errors import DeviceError, PeerError
from wslusb.host.pump import Pump
from wslusb.session.connection import Connection
from wslusb.session.credits import Credits
from wslusb.session.inflight import HostTable
from wslusb.session.states import Role
from wslusb.transport.link import Link
from wslusb.transport.stream import Peer, SocketStream
from wslusb.usb.setup import Setup
from wslusb.usb.urb import IsoResult, Status
from wslusb.wire.cancels import Cancel
from wslusb.wire.frame import MessageType as M
from wslusb.wire.messages import Hello, StatusAnswer
from wslusb.wire.urbs import encode_abort

INFO = device_provider("loopback").devices()[0]


class Rig:
    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.puppet = PuppetDevice(INFO)
        self.link = Link(SocketStream(ours, Peer("unix", 0)), Connection(Role.HOST, Hello()))
        self.link.connection.attached(5)
        self.pump = Pump(self.link, self.puppet, HostTable(Credits(8, 1 << 20)), 5)
        self.guest = RawPeer(theirs)
        self.guest.handle = 5
        self.outcome: list[bool | PeerError] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.outcome.append(self.pump.run())
        except PeerError as error:
            self.outcome.append(error)

    def ended(self) -> bool | PeerError:
        self.thread.join(PATIENCE)
        return self.outcome[0]

    def close(self) -> None:
        self.guest.close()
        self.thread.join(PATIENCE)
        self.puppet.close()
        self.link.stream.close()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def answer(rig: Rig) -> tuple[int, int, int]:
    heard = rig.guest.expect(M.URB_RESPONSE)
    assert heard.handle == 5
    return heard.sequence, *struct.unpack_from("<II", heard.payload)


def test_urbs_in_any_order(rig: Rig) -> None:
    numbers = [rig.guest.urb(bulk_in()) for _ in range(3)]
    for _ in numbers:
        rig.puppet.next()
    urbs = list(rig.puppet.waiting)
    for urb in reversed(urbs):
        rig.puppet.complete(urb, Status.OK, b"x")
    assert [answer(rig)[0] for _ in numbers] == numbers[::-1]


def test_out_data_reach_the_device(rig: Rig) -> None:
    rig.guest.urb(bulk_out(b"hello"))
    assert rig.puppet.next().data == b"hello"


def test_a_short_read_that_was_not_allowed_keeps_its_data(rig: Rig) -> None:
    number = rig.guest.urb(bulk_in(512, flags=0))
    rig.puppet.complete(rig.puppet.next(), Status.SHORT, b"data")
    assert answer(rig) == (number, Status.SHORT, 4)


def test_isochronous_results(rig: Rig) -> None:
    rig.guest.urb(iso_urb([4, 4]))
    rig.puppet.complete(rig.puppet.next(), Status.OK, b"abc", iso=[IsoResult(0, 1), IsoResult(Status.CRC, 2)], errors=1)
    payload = rig.guest.expect(M.URB_RESPONSE).payload
    assert payload == struct.pack("<9I", 0, 3, 1, 0, 2, 0, 1, Status.CRC, 2) + b"abc"


def test_isochronous_without_results(rig: Rig) -> None:
    """What a layer refuses, and what is gone: the guest still hears of each packet."""
    rig.guest.urb(iso_urb([4, 4]))
    rig.puppet.complete(rig.puppet.next(), Status.GONE)
    payload = rig.guest.expect(M.URB_RESPONSE).payload
    assert payload == struct.pack("<9I", Status.GONE, 0, 0, 0, 2, Status.GONE, 0, Status.GONE, 0)


@pytest.mark.parametrize(("status", "won"), [(Status.CANCELLED, 1), (Status.OK, 0), (Status.STALL, 0)])
def test_cancel(rig: Rig, status: Status, won: int) -> None:
    target = rig.guest.urb(bulk_in())
    urb = rig.puppet.next()
    cancel = rig.guest.say(M.CANCEL, Cancel(target).pack())
    rig.guest.urb(bulk_in())
    rig.puppet.next()
    assert rig.puppet.cancelled == [urb]
    rig.puppet.complete(urb, status)
    assert answer(rig)[:2] == (target, status)
    heard = rig.guest.expect(M.CANCEL)
    assert (heard.sequence, heard.payload) == (cancel, struct.pack("<II", target, won))


def test_abort(rig: Rig) -> None:
    first, second = rig.guest.urb(bulk_in()), rig.guest.urb(bulk_in())
    for _ in range(2):
        rig.puppet.next()
    urbs = list(rig.puppet.waiting)
    rig.guest.sequence += 1
    rig.guest.raw(encode_abort(0x81, rig.guest.sequence, 5))
    abort = rig.guest.sequence
    last = rig.guest.urb(bulk_in())
    rig.puppet.next()
    assert rig.puppet.cancelled == urbs
    for urb in urbs:
        rig.puppet.complete(urb, Status.CANCELLED)
    assert [answer(rig)[:2] for _ in range(3)] == [(first, Status.CANCELLED), (second, Status.CANCELLED), (abort, 0)]
    assert [urb.sequence for urb in rig.puppet.waiting] == [last]


@pytest.mark.parametrize(
    ("setup", "call"),
    [
        (Setup(0, 9, 3, 0, 0), ("select_configuration", 3, 0)),
        (Setup(1, 11, 2, 1, 0), ("select_interface", 1, 2)),
        (Setup(2, 1, 0, 0x81, 0), ("clear_halt", 0x81, 0)),
    ],
)
def test_changes_of_state_go_through_the_device_api(rig: Rig, setup: Setup, call: tuple[str, int, int]) -> None:
    number = rig.guest.urb(control_urb(setup))
    assert answer(rig) == (number, 0, 0)
    assert rig.puppet.calls == [call]
    rig.puppet.refusal = DeviceError(Status.STALL, "no")
    number = rig.guest.urb(control_urb(setup))
    assert answer(rig) == (number, Status.STALL, 0)
    assert not rig.puppet.waiting


def test_reset(rig: Rig) -> None:
    number = rig.guest.say(M.RESET)
    heard = rig.guest.expect(M.RESET)
    assert (heard.sequence, StatusAnswer.unpack(heard.payload)) == (number, StatusAnswer(0))
    rig.puppet.refusal = DeviceError(Status.BUSY, "busy")
    rig.guest.say(M.RESET)
    assert StatusAnswer.unpack(rig.guest.expect(M.RESET).payload) == StatusAnswer(Status.BUSY, "busy")
    rig.puppet.refusal = DeviceError(Status.GONE, "another device")
    rig.guest.say(M.RESET)
    assert StatusAnswer.unpack(rig.guest.expect(M.RESET).payload).status == Status.GONE
    assert rig.guest.hear() is None
    assert rig.ended() is False


def test_a_device_that_is_gone_ends_the_link(rig: Rig) -> None:
    rig.guest.urb(bulk_in())
    rig.guest.urb(bulk_in())
    rig.puppet.next()
    rig.puppet.next()
    for urb in list(rig.puppet.waiting):
        rig.puppet.complete(urb, Status.GONE)
    assert answer(rig)[1] == Status.GONE
    assert rig.ended() is False


def test_detach(rig: Rig) -> None:
    number = rig.guest.say(M.DETACH)
    assert rig.ended() is True
    rig.pump.detached()
    assert rig.guest.expect(M.DETACH).sequence == number


def test_a_completion_after_the_guest_has_gone(rig: Rig) -> None:
    rig.guest.urb(bulk_in())
    urb = rig.puppet.next()
    rig.guest.close()
    rig.puppet.complete(urb, Status.OK, bytes(512))
    assert rig.ended() is False
