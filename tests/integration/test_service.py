"""The host service over Unix sockets, with virtual devices: owners, sharing, plugs, limits, and ends."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.peers import Ending, RawGuest
from tests.support.usb import LOOPBACK, bulk_in, read_zeroes, start
from tests.support.waiting import PATIENCE, until
from tests.support.world import Guest, World
from wslusb.device import sync
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.guest.client import HostClient
from wslusb.guest.remote import RemoteDevice
from wslusb.host import service as service_module
from wslusb.transport.address import UnixAddress
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status
from wslusb.wire.events import Event, EventKind
from wslusb.wire.listing import DeviceState
from wslusb.wire.messages import Capability


@pytest.fixture
def client(world: World) -> Iterator[HostClient]:
    made = world.client()
    yield made
    made.close()


# -- who may have what


def test_a_device_that_is_not_shared_is_neither_listed_nor_given(world: World, client: HostClient) -> None:
    world.service.unbind("9-2")
    assert [listed.info.busid for listed in client.devices()] == ["9-1"]
    with pytest.raises(DeviceError, match="wslusb bind 9-2") as caught:
        client.open(world.info("9-2"))
    assert caught.value.status == Status.ACCESS_DENIED


def test_one_owner_a_device(world: World, client: HostClient) -> None:
    device = client.open(world.info())
    with pytest.raises(DeviceError, match="attached to uid") as caught:
        client.open(world.info())
    assert caught.value.status == Status.BUSY
    read_zeroes(device)
    assert [(listed.state, bool(listed.owner)) for listed in client.devices()] == [
        (DeviceState.ATTACHED, True),
        (DeviceState.SHARED, False),
    ]
    device.close()
    world.works()


def test_close_waits_until_the_host_has_the_device_back(world: World, client: HostClient) -> None:
    for _ in range(20):
        client.open(world.info()).close()


def test_a_device_that_does_not_exist(world: World, client: HostClient) -> None:
    info = world.info()
    world.provider.unplug("9-1")
    with pytest.raises(DeviceError) as caught:
        client.open(info)
    assert caught.value.status == Status.GONE


def test_an_attached_device_has_all_descriptors(world: World, client: HostClient) -> None:
    device = client.open(client.devices()[0].info)
    assert device.info == world.info()
    device.close()


def test_unbind_takes_the_device_back_at_once(world: World, client: HostClient) -> None:
    """From a program, which cannot be asked to let go."""
    ending = Ending()
    device = client.open(world.info(), ending)
    sync.control(device, Setup(0, 9, LOOPBACK, 0, 0))
    waiting = [start(device, bulk_in()) for _ in range(3)]
    began = time.monotonic()
    assert world.service.unbind("9-1")[1]
    assert time.monotonic() - began < 2
    assert {waiter.status for waiter in waiting} <= {Status.CANCELLED, Status.GONE}
    reason = ending.reason()
    assert isinstance(reason, LocalError)
    assert reason.reason is LocalReason.DISCONNECTED
    assert world.state() is DeviceState.NOT_SHARED
    device.close()


def test_detach_on_the_host(world: World, client: HostClient) -> None:
    device = client.open(world.info())
    assert world.service.detach("9-1").busid == "9-1"
    assert world.state() is DeviceState.SHARED
    device.close()
    with pytest.raises(LocalError) as caught:
        world.service.detach("9-1")
    assert caught.value.reason is LocalReason.NOT_FOUND


def test_closing_the_service_ends_every_attachment(world: World, no_leaks: None) -> None:
    ending = Ending()
    client = world.client(closed=ending)
    device = client.open(world.info())
    read_zeroes(device)
    world.service.close()
    assert isinstance(ending.reason(), LocalError)
    until(lambda: device.ended, "the device has ended")
    assert start(device, bulk_in()).status == Status.GONE
    with pytest.raises(LocalError):
        client.devices()
    device.close()
    client.close()
    with pytest.raises(LocalError) as caught:
        world.client()
    assert caught.value.reason is LocalReason.DISCONNECTED


# -- plugs


class Told:
    """Events in the order in which they come."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def __call__(self, event: Event) -> None:
        self._queue.put(event)

    def next(self) -> tuple[EventKind, str, int]:
        event = self._queue.get(timeout=PATIENCE)
        return event.kind, event.busid, event.generation


def test_guests_are_told_of_shared_devices_that_come_and_go(world: World) -> None:
    told = Told()
    client = world.client(event=told)
    world.service.unbind("9-2")
    world.provider.replug("9-2")
    world.provider.unplug("9-1")
    world.provider.plug("9-1")
    assert told.next() == (EventKind.LEFT, "9-1", 1)
    assert told.next() == (EventKind.ARRIVED, "9-1", 2)
    world.service.bind("9-2")
    assert told.next() == (EventKind.CHANGED, "9-2", 2)
    client.close()


def test_unplug_with_urbs_in_flight_and_replug(world: World, client: HostClient) -> None:
    ending = Ending()
    device = client.open(world.info(), ending)
    device.select_configuration(LOOPBACK)
    waiting = [start(device, bulk_in()) for _ in range(8)]
    world.provider.unplug("9-1")
    assert {waiter.status for waiter in waiting} == {Status.GONE}
    assert ending.reason() is not None
    assert start(device, bulk_in()).status == Status.GONE
    assert [listed.info.busid for listed in client.devices()] == ["9-2"]
    device.close()
    world.provider.plug("9-1")
    world.free()
    again = client.open(client.devices()[0].info)
    assert again.info.generation == 2
    read_zeroes(again)
    again.close()


def test_unplug_of_an_idle_device(world: World, client: HostClient) -> None:
    ending = Ending()
    device = client.open(world.info(), ending)
    world.provider.unplug("9-1")
    assert ending.reason() is not None
    with pytest.raises(DeviceError) as caught:
        device.reset()
    assert caught.value.status == Status.GONE
    device.close()


def test_a_stale_listing_does_not_reach_the_next_device(world: World, client: HostClient) -> None:
    stale = client.devices()[0].info
    world.provider.replug("9-1")
    with pytest.raises(DeviceError) as caught:
        client.open(stale)
    assert caught.value.status == Status.GONE


def test_a_damaged_bindings_file_does_not_keep_devices_from_being_taken_back(world: World, client: HostClient) -> None:
    ending = Ending()
    device = client.open(world.info(), ending)
    world.catalog.bindings.path.write_text("{")
    world.provider.unplug("9-1")
    assert ending.reason() is not None
    device.close()


# -- what the host asks of an agent


class FakeAgent:
    """Attaches when it is asked to, as an agent does, but keeps the device for itself."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.device: RemoteDevice | None = None
        self.refuses = False
        self._threads: list[threading.Thread] = []
        self.client = world.client(capabilities=Capability.KERNEL, event=self._on_event)

    def _on_event(self, event: Event) -> None:
        if event.kind in (EventKind.ATTACH_WANTED, EventKind.DETACH_WANTED):
            thread = threading.Thread(target=self._obey, args=(event,))
            self._threads.append(thread)
            thread.start()

    def _obey(self, event: Event) -> None:
        answer = Event(EventKind.FAILED, event.busid, event.ticket, message="no port is free")
        if not self.refuses and event.kind is EventKind.ATTACH_WANTED:
            self.device = self.client.open(self.world.info(event.busid))
            answer = Event(EventKind.ATTACHED, event.busid, event.ticket, event.generation, "", ("/dev/sdx",))
        elif not self.refuses and self.device is not None:
            self.device.close()
            answer = Event(EventKind.DETACHED, event.busid, event.ticket)
        self.client.report(answer)

    def close(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)
        if self.device is not None:
            self.device.close()
        self.client.close()


@pytest.fixture
def agent(world: World) -> Iterator[FakeAgent]:
    made = FakeAgent(world)
    until(world.service.guests.all, "the agent is connected")
    yield made
    made.close()


def test_attach_and_detach_from_the_host(world: World, agent: FakeAgent) -> None:
    info, nodes = world.service.attach("9-1")
    assert (info.busid, nodes) == ("9-1", ("/dev/sdx",))
    assert world.state() is DeviceState.ATTACHED
    session = world.service.guests.all()[0]
    assert session.nodes == {"9-1": ("/dev/sdx",)}
    world.service.detach("9-1")
    assert world.state() is DeviceState.SHARED
    until(lambda: not session.nodes, "the report has come")


def test_an_agent_that_cannot(world: World, agent: FakeAgent) -> None:
    agent.refuses = True
    with pytest.raises(LocalError, match="no port is free") as caught:
        world.service.attach("9-1")
    assert caught.value.reason is LocalReason.REFUSED


def test_an_agent_that_does_not_let_go(world: World, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "_DETACH_SECONDS", 0.4)
    world.service.attach("9-1")
    agent.refuses = True
    world.service.detach("9-1")
    assert world.state() is DeviceState.SHARED


def test_an_agent_that_does_not_answer(world: World) -> None:
    with RawGuest.control(world.address.path, Capability.KERNEL):
        until(world.service.guests.all, "it is connected")
        with pytest.raises(LocalError) as caught:
            world.service.attach("9-1", seconds=0.05)
        assert caught.value.reason is LocalReason.TIMEOUT


def test_an_agent_that_goes_while_it_is_asked(world: World) -> None:
    with RawGuest.control(world.address.path, Capability.KERNEL) as guest:
        until(world.service.guests.all, "it is connected")
        threading.Timer(0.05, guest.sock.close).start()
        began = time.monotonic()
        with pytest.raises(LocalError):
            world.service.attach("9-1", seconds=PATIENCE)
        assert time.monotonic() - began < PATIENCE / 2


def test_no_agent_or_several(world: World, agent: FakeAgent) -> None:
    another = FakeAgent(world)
    until(lambda: len(world.service.guests.all()) == 2, "both are connected")
    with pytest.raises(LocalError) as caught:
        world.service.attach("9-1")
    assert caught.value.reason is LocalReason.AMBIGUOUS
    with pytest.raises(LocalError) as caught:
        world.service.attach("9-1", "CID 42")
    assert caught.value.reason is LocalReason.NOT_RUNNING
    another.close()


def test_attach_of_what_is_not_shared(world: World, agent: FakeAgent) -> None:
    world.service.unbind("9-1")
    with pytest.raises(LocalError, match="not shared") as caught:
        world.service.attach("9-1")
    assert "bind 9-1" in caught.value.hint


def test_detach_all_goes_on_after_a_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "_DETACH_SECONDS", 0.1)
    stuck = world.catalog.claim("9-1", 0, "CID 9", lambda: None)
    guest = Guest(world, "9-2")
    with pytest.raises(LocalError, match="CID 9 has not let go of 9-1") as caught:
        world.service.detach_all()
    assert caught.value.reason is LocalReason.TIMEOUT
    assert world.catalog.claims() == [stuck]
    world.catalog.release(stuck)
    guest.close()


def test_a_list_that_cannot_be_had_says_why(world: World) -> None:
    ending = Ending()
    client = world.client(closed=ending)
    sound = world.catalog.bindings.path.read_bytes()
    world.catalog.bindings.path.write_text("{")
    with pytest.raises(LocalError, match="is damaged; on the host: repair it") as caught:
        client.devices()
    assert caught.value.reason is LocalReason.DISCONNECTED
    assert "is damaged" in str(ending.reason())
    client.close()
    world.catalog.bindings.path.write_bytes(sound)
    world.works()


def test_unbind_racing_an_attach_leaves_nobody_with_the_device(world: World) -> None:
    client = world.client()
    info = world.info()
    for _ in range(30):
        world.service.bind("9-1")
        unbinding = threading.Thread(target=world.service.unbind, args=("9-1",))
        unbinding.start()
        try:
            device = client.open(info)
        except (DeviceError, LocalError):
            device = None
        unbinding.join(PATIENCE)
        assert world.state() is DeviceState.NOT_SHARED
        if device is not None:
            device.close()
    client.close()


# -- ends


def test_the_end_of_the_control_session_ends_the_devices(world: World) -> None:
    guest = Guest(world)
    guest.device.select_configuration(LOOPBACK)
    waiting = start(guest.device, bulk_in())
    guest.client.close()
    assert waiting.status in (Status.GONE, Status.CANCELLED)
    world.free()
    guest.device.close()
    world.works()


def _guest_that_is_busy(path: str, ready: object) -> None:
    """In a process of its own: reads for ever, with a thousand URBs under way."""
    client = HostClient(UnixAddress(path))
    device = client.open(client.devices()[0].info)

    def again(_completion: object) -> None:
        device.submit(bulk_in(4096), again)

    for _ in range(64):
        device.submit(bulk_in(4096), again)
    ready.set()  # type: ignore[attr-defined]
    time.sleep(60)


def test_a_guest_that_is_killed_gives_its_device_back(world: World) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_guest_that_is_busy, args=(world.address.path, ready))
    process.start()
    assert process.pid is not None
    try:
        assert ready.wait(30)
        world.taken()
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    world.free()
    world.works()


def test_two_hundred_guests_leave_nothing_behind(world: World, no_leaks: None) -> None:
    for number in range(200):
        guest = Guest(world)
        if number % 3 == 0:
            read_zeroes(guest.device)
        if number % 2:
            guest.close()
        else:
            guest.client.close()
            guest.device.close()
        world.free()


def test_when_no_thread_can_be_had_the_service_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if thread.name.startswith("wslusb-uid"):
            raise RuntimeError("can't start new thread")
        begin(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        with RawGuest(world.address.path) as guest:
            assert guest.hear() is None
    world.works()
