"""wslusb.guest.agent, with a made-up kernel, and hosts that are whole or do what a test wants."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from emulator import device_provider
from tests.support.peers import HANDLE, RawHost, RawPeer
from tests.support.vhci import MadeVhci
from tests.support.waiting import PATIENCE, until
from tests.support.world import World
from wslusb.control.messages import Json
from wslusb.errors import LocalError, LocalReason
from wslusb.guest import nodes, port, remote
from wslusb.guest.agent import Agent
from wslusb.guest.requests import GuestRequests
from wslusb.transport.address import UnixAddress
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import MessageType
from wslusb.wire.listing import DeviceState, EnumerationAnswer, Listed
from wslusb.wire.messages import AttachAnswer, AttachRequest, StatusAnswer

ONE = device_provider("loopback").devices()[0]
TWO = replace(ONE, busid="9-2", serial="two")


@pytest.fixture
def vhci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeVhci]:
    monkeypatch.setattr(nodes, "_SETTLE", 0.01)
    made = MadeVhci(tmp_path / "sys")
    yield made
    made.close()


class Running:
    """An agent on a thread, connected."""

    def __init__(self, path: Path, vhci: MadeVhci) -> None:
        self.met = threading.Semaphore(0)
        self.agent = Agent(UnixAddress(str(path)), vhci, lambda _host: self.met.release())
        self._requests = GuestRequests(self.agent)
        self._thread = threading.Thread(target=self.agent.run)
        self._thread.start()

    def ask(self, request: Json) -> Json:
        answer = self._requests(request)
        assert isinstance(answer, dict)
        return answer

    def meet(self) -> None:
        """Wait for one more session."""
        assert self.met.acquire(timeout=PATIENCE), "no session with a host"

    def close(self) -> None:
        self.agent.stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def run(vhci: MadeVhci, folder: Path) -> Iterator[Callable[[], Running]]:
    """Start an agent whose host listens at ``folder/s``."""
    made: list[Running] = []

    def begin() -> Running:
        made.append(Running(folder / "s", vhci))
        made[-1].meet()
        return made[-1]

    yield begin
    for each in made:
        each.close()


def test_a_host_that_closes_at_once_is_not_pestered(folder: Path, run: Callable[[], Running]) -> None:
    """It shakes hands first: only failures to connect used to be followed by a pause."""
    began = time.monotonic()
    with RawHost(folder / "s", control=lambda _peer: None) as host:
        running = run()
        for _ in range(2):
            running.meet()
        assert time.monotonic() - began > 0.4, "a quarter of a second, then half of one, less a quarter of each"
        assert len(host.threads) == 3
        running.close()


def test_attach_again_says_where_it_is(world: World, run: Callable[[], Running], vhci: MadeVhci) -> None:
    running = run()
    assert running.ask({"op": "attach", "device": "9-1"})["changed"] is True
    assert running.ask({"op": "attach", "device": "0525:a4a0"})["changed"] is False
    assert list(vhci.kernels) == [0]
    assert [each["busid"] for each in running.ask({"op": "detach", "all": True})["devices"]] == ["9-1"]
    world.free()


def test_the_time_limit_of_an_attach_is_kept(world: World, run: Callable[[], Running], vhci: MadeVhci) -> None:
    """And what was not enumerated in time is given back."""
    running = run()
    vhci.enumerates = False
    began = time.monotonic()
    with pytest.raises(LocalError, match="did not enumerate 9-1") as caught:
        running.ask({"op": "attach", "device": "9-1", "seconds": 0.1})
    assert caught.value.reason is LocalReason.TIMEOUT
    assert time.monotonic() - began < port.ENUMERATION_SECONDS / 2
    assert running.agent.ports() == []
    world.free()


def test_the_host_hears_why_an_attach_failed(world: World, run: Callable[[], Running], vhci: MadeVhci) -> None:
    """With what to do in the guest: the user sits at the host."""
    run()
    until(lambda: any(s.has_kernel for s in world.service.guests.all()), "the service knows the agent")
    (vhci.sysfs / "devices/platform/vhci_hcd.0/attach").rename(vhci.sysfs / "no")
    with pytest.raises(LocalError, match="no vhci_hcd; in the guest: run 'modprobe vhci-hcd'"):
        world.service.attach("9-1")


class Keeper:
    """The data side of a :class:`RawHost`: attaches what is asked for, and keeps ``stubborn`` devices on a detach."""

    def __init__(self, *stubborn: str) -> None:
        self.stubborn = stubborn
        self.attached: list[str] = []
        self.asked_back = threading.Event()
        self.lists = threading.Semaphore(0)
        self.give_back = threading.Event()

    def control(self, peer: RawPeer) -> None:
        devices = [Listed(info, DeviceState.SHARED) for info in (ONE, TWO)]
        while (heard := peer.hear()) is not None:
            if heard.type == MessageType.ENUMERATION:
                peer.say(MessageType.ENUMERATION, EnumerationAnswer(devices).pack(), heard.sequence)
                self.lists.release()

    def data(self, peer: RawPeer) -> None:
        heard = peer.expect(MessageType.ATTACH)
        busid = AttachRequest.unpack(heard.payload).busid
        self.attached.append(busid)
        answer = AttachAnswer(0, "", HANDLE, 16, 1 << 20, {"9-1": ONE, "9-2": TWO}[busid])
        peer.say(MessageType.ATTACH, answer.pack(), heard.sequence, 0)
        detach = peer.expect(MessageType.DETACH)
        if busid in self.stubborn and not self.give_back.is_set():
            self.asked_back.set()
            assert self.give_back.wait(PATIENCE)
        peer.say(MessageType.DETACH, StatusAnswer(0).pack(), detach.sequence, HANDLE)


def test_a_device_that_is_leaving_is_not_attached_already(folder: Path, run: Callable[[], Running]) -> None:
    """Whoever attaches it then waits until it has left, and gets it anew."""
    keeper = Keeper("9-1")
    with RawHost(folder / "s", control=keeper.control, data=keeper.data) as host:
        running = run()
        running.ask({"op": "attach", "device": "9-1"})
        [leaving] = running.agent.ports()
        assert keeper.lists.acquire(timeout=PATIENCE)
        leaving.lost()
        assert keeper.asked_back.wait(PATIENCE)
        assert running.agent.ports() == [leaving]
        answers: list[object] = []
        again = threading.Thread(target=lambda: answers.append(running.ask({"op": "attach", "device": "9-1"})))
        again.start()
        assert keeper.lists.acquire(timeout=PATIENCE)
        keeper.give_back.set()
        again.join(PATIENCE)
        assert [answer["changed"] for answer in answers] == [True]  # type: ignore[index]
        assert keeper.attached == ["9-1", "9-1"]
        assert running.agent.ports() != [leaving]
        running.close()
    assert not host.failures


def test_detach_all_goes_on_after_a_failure(
    folder: Path, run: Callable[[], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "_CLOSE_SECONDS", 0.1)
    keeper = Keeper("9-1")
    with RawHost(folder / "s", control=keeper.control, data=keeper.data) as host:
        running = run()
        for busid in ("9-1", "9-2"):
            running.ask({"op": "attach", "device": busid})
        with pytest.raises(LocalError, match="has not taken 9-1 back") as caught:
            running.ask({"op": "detach", "all": True})
        assert caught.value.reason is LocalReason.TIMEOUT
        assert [each.info.busid for each in running.agent.ports()] == ["9-1"]
        keeper.give_back.set()
        until(lambda: not running.agent.ports(), "the other has gone, too")
        running.close()
    assert not host.failures


def test_devices_go_with_their_host(folder: Path, run: Callable[[], Running], monkeypatch: pytest.MonkeyPatch) -> None:
    """And the agent comes back to the next one."""
    monkeypatch.setattr(remote, "_DETACH_SECONDS", 0.1)
    hosts: list[socket.socket] = []
    keeper = Keeper()

    def control(peer: RawPeer) -> None:
        hosts.append(peer.sock)
        keeper.control(peer)

    with RawHost(folder / "s", control=control, data=keeper.data):
        running = run()
        running.ask({"op": "attach", "device": "9-1"})
        hosts[0].shutdown(socket.SHUT_RDWR)
        until(lambda: not running.agent.ports(), "the device is out of the kernel")
        running.meet()
        assert running.ask({"op": "attach", "device": "9-1"})["changed"] is True
        running.close()


def test_a_failure_is_told_to_the_session_that_asked(
    folder: Path, run: Callable[[], Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by fuzzing: each session counts its tickets from 1, and the next one took it for an answer to its own."""
    began, again, failed = threading.Event(), threading.Event(), threading.Event()
    silent: list[bool] = []

    def attach(_agent: Agent, *_: object, **_options: object) -> None:
        began.set()
        assert again.wait(PATIENCE)
        failed.set()
        raise LocalError(LocalReason.TIMEOUT, "not in time")

    def control(peer: RawPeer) -> None:
        if not began.is_set():
            peer.say(MessageType.EVENT, Event(EventKind.ATTACH_WANTED, "9-1", 1).pack(), 0)
            assert began.wait(PATIENCE)
            return
        assert failed.wait(PATIENCE)
        until(lambda: not any("ATTACH" in thread.name for thread in threading.enumerate()), "it has been told")
        peer.sock.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            silent.append(peer.hear() is None)
        silent.append(True)

    monkeypatch.setattr(Agent, "attach", attach)
    with RawHost(folder / "s", control=control) as host:
        running = run()
        running.meet()
        again.set()
        until(lambda: silent, "the second session is over")
        running.close()
    assert (silent[0], host.failures) == (True, [])
