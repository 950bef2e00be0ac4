"""emulator.rawgadget.bridge and lanes, on a controller of this test's own: what a host does is called, not sent."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from emulator import device_provider
from emulator.rawgadget import bridge, lanes, udc
from emulator.rawgadget.ioctls import Event
from tests.support.waiting import until
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Completion, Done, Status, Urb

SET_CONFIGURATION, SET_INTERFACE = (0x00, Request.SET_CONFIGURATION), (0x01, Request.SET_INTERFACE)
_STOP = -1


class Wire:
    """Has the methods of :class:`udc.Controller`, and a host's side of each."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[int, bytes]] = queue.Queue()
        self.answers: queue.Queue[bytes | None] = queue.Queue()
        self.control_data: queue.Queue[bytes] = queue.Queue()
        self.endpoints: dict[int, Endpoint] = {}
        self.to_host: dict[int, queue.Queue[bytes]] = {}
        self.to_device: dict[int, queue.Queue[bytes]] = {}
        self.halted: list[int] = []
        self.power: list[int] = []
        self.interrupted = threading.Event()

    # what the bridge calls

    def event(self) -> tuple[int, bytes]:
        event = self.events.get(timeout=10)
        if event[0] == _STOP:
            raise udc.Interrupted
        return event

    def control_read(self, length: int) -> bytes:
        if not length:
            self.answers.put(b"")
            return b""
        return self.control_data.get(timeout=10)

    def control_write(self, data: bytes, *, zero: bool) -> None:  # noqa: ARG002 - a controller's
        self.answers.put(bytes(data))

    def control_stall(self) -> None:
        self.answers.put(None)

    def configured(self, power: int) -> None:
        self.power.append(power)

    def enable(self, endpoint: Endpoint) -> int:
        address = endpoint.address
        self.endpoints[address] = endpoint
        self.to_host[address], self.to_device[address] = queue.Queue(), queue.Queue()
        return address

    def disable(self, handle: int) -> None:
        del self.endpoints[handle]

    def read(self, handle: int, length: int) -> bytes:  # noqa: ARG002 - likewise
        while not self.interrupted.is_set():
            with contextlib.suppress(queue.Empty):
                return self.to_device[handle].get(timeout=0.01)
        raise udc.Interrupted

    def write(self, handle: int, data: bytes) -> None:
        while self.to_host[handle].qsize() > 2:
            if self.interrupted.wait(0.01):
                raise udc.Interrupted
        self.to_host[handle].put(bytes(data))

    def halt(self, handle: int) -> bool:
        self.halted.append(handle)
        return True

    # what the host does

    def ask(self, kind: tuple[int, int], value: int = 0, index: int = 0, length: int = 0) -> bytes | None:
        self.events.put((Event.CONTROL, Setup(*kind, value, index, length).pack()))
        return self.answers.get(timeout=10)


class Bad:
    """A Device that answers every IN of endpoint 0x81 with one status; all else is the loopback's."""

    def __init__(self, status: Status) -> None:
        provider = device_provider("loopback")
        self.inner = provider.open(provider.devices()[0])
        self.status = status
        self.asked = 0

    def submit(self, urb: Urb, done: Done) -> None:
        if urb.endpoint == 0x81:
            self.asked += 1
            done(Completion(urb, self.status))
        else:
            self.inner.submit(urb, done)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    before = signal.signal(lanes.WAKE, lambda *_: made.interrupted.set())
    yield made
    signal.signal(lanes.WAKE, before)


@contextlib.contextmanager
def running(wire: Wire, device: object) -> Iterator[None]:
    ended = threading.Event()
    made = bridge.Bridge(device, wire)  # type: ignore[arg-type]  # both have what is used of them

    def work() -> None:
        made.run(ended)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        wire.interrupted.set()
        wire.events.put((_STOP, b""))
        thread.join(10)
        assert not thread.is_alive()
        assert not wire.endpoints, "every endpoint is taken back"


@pytest.fixture
def loopback(wire: Wire) -> Iterator[Wire]:
    provider = device_provider("loopback")
    with contextlib.closing(provider.open(provider.devices()[0])) as device, running(wire, device):
        yield wire


def test_a_configuration_brings_up_its_endpoints_and_tells_the_power(loopback: Wire) -> None:
    assert loopback.ask((0x80, Request.GET_DESCRIPTOR), 0x0100, length=18) is not None
    assert loopback.ask(SET_CONFIGURATION, 3) == b""
    assert set(loopback.endpoints) == {0x81, 0x01}
    assert loopback.to_host[0x81].get(timeout=10) == bytes(512)
    assert loopback.power == [1], "2 mA, in units of 2 mA"


def test_a_refusal_changes_nothing(loopback: Wire) -> None:
    loopback.ask(SET_CONFIGURATION, 3)
    assert loopback.ask(SET_CONFIGURATION, 77) is None
    assert loopback.ask(SET_INTERFACE, 9, 0) is None
    for _ in range(8):
        assert loopback.to_host[0x81].get(timeout=10) == bytes(512)


def test_a_request_that_nobody_knows_is_stalled(loopback: Wire) -> None:
    assert loopback.ask((0xC0, 0x77), length=4) is None
    assert loopback.ask((0x40, 0x77)) is None


def test_what_the_host_sends_comes_back(loopback: Wire) -> None:
    loopback.ask(SET_CONFIGURATION, 2)
    loopback.to_device[0x01].put(b"hello")
    assert loopback.to_host[0x81].get(timeout=10) == b"hello"


def test_a_reset_takes_the_endpoints_back(loopback: Wire) -> None:
    loopback.ask(SET_CONFIGURATION, 3)
    loopback.events.put((Event.RESET, b""))
    until(lambda: not loopback.endpoints, "none is left")
    assert loopback.ask((0x80, Request.GET_CONFIGURATION), length=1) == b"\0"


def test_a_stall_halts_the_endpoint(wire: Wire) -> None:
    with running(wire, Bad(Status.STALL)):
        wire.ask(SET_CONFIGURATION, 3)
        until(lambda: wire.halted != [], "halted")
        assert set(wire.halted) == {0x81}


def test_a_failure_that_has_no_packet_is_not_asked_for_busily(wire: Wire) -> None:
    device = Bad(Status.PROTOCOL)
    with running(wire, device):
        wire.ask(SET_CONFIGURATION, 3)
        until(lambda: device.asked >= 2, "asked again")
        since, began = device.asked, time.monotonic()
        until(lambda: device.asked >= since + 3, "and again")
        assert time.monotonic() - began > 0.04, "no faster than every 20 ms"
        assert wire.to_host[0x81].empty()
