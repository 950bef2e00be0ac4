"""What the host asks of an agent: to attach, to detach, and what if it does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.peers import Ending, RawGuest
from tests.support.waiting import PATIENCE, until
from tests.support.world import Guest, World
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.guest.remote import RemoteDevice
from wslusb.host import service as service_module
from wslusb.wire.events import Event, EventKind
from wslusb.wire.listing import DeviceState
from wslusb.wire.messages import Capability


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
