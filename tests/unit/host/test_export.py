"""wslusb.host.export: every way to be refused is an answer, and leaves the device free."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from emulator import device_provider
from tests.support.peers import RawPeer
from tests.support.usb import PuppetDevice
from tests.support.waiting import PATIENCE
from wslusb.capture.hub import Hub
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.host.bindings import Bindings
from wslusb.host.catalog import Catalog
from wslusb.host.export import Export
from wslusb.session.connection import Connection
from wslusb.session.states import Role
from wslusb.transport.link import Link
from wslusb.transport.stream import Peer, SocketStream
from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Status
from wslusb.wire import limits
from wslusb.wire.frame import MessageType
from wslusb.wire.messages import AttachAnswer, AttachRequest, Hello, Purpose

INFO = device_provider("loopback").devices()[0]


class Shelf:
    """A provider with one device, which is opened as a test says."""

    name = "shelf"

    def __init__(self) -> None:
        self.info = INFO
        self.problem: Exception | None = None
        self.opened: list[PuppetDevice] = []

    def devices(self) -> list[DeviceInfo]:
        return [self.info]

    def open(self, info: DeviceInfo) -> PuppetDevice:  # noqa: ARG002 -- there is one
        if self.problem is not None:
            raise self.problem
        self.opened.append(PuppetDevice(self.info))
        return self.opened[-1]

    def watch(self, changed: Callable[[], None]) -> None:
        """Nothing changes."""

    def close(self) -> None:
        """Nothing to free."""


class Rig:
    """An export whose guest is a :class:`RawPeer`, after both hellos."""

    def __init__(self, folder: Path) -> None:
        self.shelf = Shelf()
        self.catalog = Catalog([self.shelf], Bindings(folder / "bindings.json"))
        self.catalog.bindings.bind(INFO)
        ours, theirs = socket.socketpair()
        self.guest = RawPeer(theirs)
        self.guest.say(MessageType.HELLO, Hello(Purpose.DATA, token=bytes(16)).pack())
        self.link = Link(SocketStream(ours, Peer("vsock", 42)), Connection(Role.HOST, Hello()))
        self.link.shake_hands(first=False)
        self.thread = threading.Thread(target=Export(self.link, self.catalog, Hub(is_host=True)).run)
        self.thread.start()

    def ask(self) -> AttachAnswer:
        self.guest.say(MessageType.ATTACH, AttachRequest(INFO.busid).pack(), handle=0)
        answer = AttachAnswer.unpack(self.guest.expect(MessageType.ATTACH).payload)
        self.guest.handle = answer.handle
        return answer

    def close(self) -> None:
        self.guest.close()
        self.thread.join(PATIENCE)
        self.link.stream.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def attaches(rig: Rig) -> None:
    """The same connection can still have the device."""
    assert rig.ask().status == Status.OK
    rig.guest.say(MessageType.DETACH)
    rig.guest.expect(MessageType.DETACH)
    assert rig.catalog.claims() == []
    assert rig.shelf.opened[-1].calls[-1] == ("close", 0, 0)


@pytest.mark.parametrize(
    ("problem", "status", "text"),
    [
        (
            LocalError(LocalReason.MISSING, "libusb is missing", hint="apt install libusb-1.0-0"),
            Status.FAILED,
            "libusb is missing; on the host: apt install libusb-1.0-0",
        ),
        (LocalError(LocalReason.BAD_STATE, "no"), Status.FAILED, "no"),
        (DeviceError(Status.BUSY, "usb-storage has it", hint="umount"), Status.BUSY, "it; on the host: umount"),
        (DeviceError(Status.GONE, "gone: look again", hint="look again"), Status.GONE, "gone: look again"),
    ],
)
def test_a_device_that_cannot_be_opened(rig: Rig, problem: Exception, status: Status, text: str) -> None:
    rig.shelf.problem = problem
    answer = rig.ask()
    assert (answer.status, answer.message.endswith(text), answer.info) == (status, True, None)
    rig.shelf.problem = None
    attaches(rig)


def test_a_damaged_file_of_bindings(rig: Rig) -> None:
    sound = rig.catalog.bindings.path.read_bytes()
    rig.catalog.bindings.path.write_text("{")
    answer = rig.ask()
    assert answer.status == Status.FAILED
    assert "is damaged; on the host: repair it, or remove it and bind again" in answer.message
    assert rig.catalog.claims() == []
    rig.catalog.bindings.path.write_bytes(sound)
    attaches(rig)


def test_a_device_with_more_than_a_guest_would_take(rig: Rig) -> None:
    interfaces = [Interface(number, endpoints=[Endpoint(0x81, 2, 512)]) for number in range(limits.INTERFACES + 1)]
    rig.shelf.info = replace(INFO, configurations=(Configuration(1, interfaces).pack(),))
    answer = rig.ask()
    assert (answer.status, "33 interfaces" in answer.message) == (Status.FAILED, True)
    assert rig.shelf.opened[-1].calls == [("close", 0, 0)]
    assert rig.catalog.claims() == []
    rig.shelf.info = INFO
    attaches(rig)
