"""A host that is hostile from its first words, or on the control session: no hang, a typed reason, and a clean end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from emulator import device_provider
from tests.support.peers import HANDLE, Ending, RawHost, RawPeer, remote_device
from tests.support.waiting import until
from wslusb.errors import LocalError, LocalReason, PeerError
from wslusb.errors import PeerReason as Why
from wslusb.guest import remote
from wslusb.guest.client import HostClient
from wslusb.transport.address import UnixAddress
from wslusb.usb.descriptors import Configuration, Interface
from wslusb.usb.info import DeviceInfo
from wslusb.wire import limits
from wslusb.wire.frame import MessageType as M
from wslusb.wire.frame import pack_header
from wslusb.wire.listing import DeviceState, Listed
from wslusb.wire.messages import AttachAnswer, ErrorMessage

INFO = device_provider("loopback").devices()[0]


def test_attach_answers_that_cannot_be() -> None:
    for answer in (b"", AttachAnswer(0, "", 0, 1, 1, INFO).pack(), AttachAnswer(0, "", 1, 0, 1, INFO).pack(), bytes(6)):
        with pytest.raises(PeerError):
            AttachAnswer.unpack(answer)


def with_interfaces(count: int) -> bytes:
    return Configuration(1, [Interface(number) for number in range(count)]).pack()


NOT_ASKED_FOR: dict[str, tuple[DeviceInfo, Why]] = {
    "another port": (replace(INFO, busid="9-2"), Why.BAD_ANSWER),
    "another plug": (replace(INFO, generation=INFO.generation + 1), Why.BAD_ANSWER),
    "33 interfaces": (replace(INFO, configurations=(with_interfaces(33),)), Why.LIMIT),
}


@pytest.mark.parametrize("case", NOT_ASKED_FOR)
def test_a_device_that_was_not_asked_for(folder: Path, case: str) -> None:
    info, why = NOT_ASKED_FOR[case]
    verdicts: list[Why | None] = []

    def data(peer: RawPeer) -> None:
        heard = peer.expect(M.ATTACH)
        peer.say(M.ATTACH, AttachAnswer(0, "", HANDLE, 1, 1, info).pack(), heard.sequence)
        verdicts.append(peer.verdict())

    with RawHost(folder / "s", data=data) as host:
        client = client_of(folder)
        with pytest.raises(PeerError) as caught:
            client.open(INFO)
        assert caught.value.reason is why
        client.close()
    assert (verdicts, host.failures) == ([why], [])


def test_any_plug_will_do_for_who_does_not_say_which() -> None:
    device, host, _ = remote_device(replace(INFO, generation=0), answer=INFO)
    assert device.info == INFO
    host.close()
    device.close()


def client_of(folder: Path) -> HostClient:
    return HostClient(UnixAddress(str(folder / "s")))


def test_a_host_that_never_answers_an_attach(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But each ping."""
    monkeypatch.setattr(remote, "_ATTACH_SECONDS", 0.2)
    monkeypatch.setattr(limits, "PING_SECONDS", 0.02)
    with RawHost(folder / "s") as host:
        client = client_of(folder)
        with pytest.raises(LocalError) as caught:
            client.open(INFO)
        assert caught.value.reason is LocalReason.DISCONNECTED
        client.close()
    assert not host.failures


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (pack_header(M.HELLO, 8, 1) + b"whatever", Why.MALFORMED),
        (pack_header(M.HELLO, 0, 7), Why.UNKNOWN_SEQUENCE),
        (pack_header(M.ENUMERATION, 0, 1), Why.BAD_STATE),
        (b"OK 89469986\nSSH-2.0-OpenSSH\r\n", Why.OVERSIZED),
    ],
)
def test_something_else_listens_there(folder: Path, words: bytes, why: Why) -> None:
    verdicts: list[Why | None] = []

    class Stranger(RawHost):
        def _serve(self, peer: RawPeer) -> None:
            with peer:
                peer.raw(words)
                peer.expect(M.HELLO)
                verdicts.append(peer.verdict())

    with Stranger(folder / "s"), pytest.raises(LocalError, match="does not answer as a wslusb host") as caught:
        client_of(folder)
    assert caught.value.reason is LocalReason.DISCONNECTED
    assert verdicts == [why]


def test_a_host_of_another_version(folder: Path) -> None:
    class Newer(RawHost):
        def _serve(self, peer: RawPeer) -> None:
            with peer:
                peer.expect(M.HELLO)
                peer.say(M.ERROR, ErrorMessage(Why.VERSION, "update the older side").pack(), 0)

    with Newer(folder / "s"), pytest.raises(LocalError, match="update the older side"):
        client_of(folder)


def test_no_host(folder: Path) -> None:
    with pytest.raises(LocalError) as caught:
        client_of(folder)
    assert (caught.value.reason, bool(caught.value.hint)) == (LocalReason.DISCONNECTED, True)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda h: h.say(M.EVENT, b"\0", 0, 0), Why.MALFORMED),
        (lambda h: h.say(M.ENUMERATION, b"", 77), Why.UNKNOWN_SEQUENCE),
        (lambda h: h.say(M.ATTACH, b"", 77), Why.BAD_STATE),
        (lambda h: h.raw(pack_header(M.ENUMERATION, 2 << 20, 2)), Why.OVERSIZED),
    ],
)
def test_a_control_session_that_goes_wrong(folder: Path, act: Callable[[RawPeer], object], why: Why) -> None:
    verdicts: list[Why | None] = []
    ending = Ending()

    def control(peer: RawPeer) -> None:
        act(peer)
        verdicts.append(peer.verdict())

    with RawHost(folder / "s", control=control):
        client = HostClient(UnixAddress(str(folder / "s")), closed=ending)
        reason = ending.reason()
        assert isinstance(reason, PeerError)
        assert reason.reason is why
        with pytest.raises(LocalError):
            client.devices()
        client.close()
    assert verdicts == [why]


def test_a_list_that_is_junk(folder: Path) -> None:
    def control(peer: RawPeer) -> None:
        heard = peer.expect(M.ENUMERATION)
        peer.say(M.ENUMERATION, b"\1\0\377\377", heard.sequence)
        peer.verdict()

    ending = Ending()
    with RawHost(folder / "s", control=control):
        client = HostClient(UnixAddress(str(folder / "s")), closed=ending)
        with pytest.raises(LocalError) as caught:
            client.devices()
        assert caught.value.reason is LocalReason.DISCONNECTED
        assert isinstance(ending.reason(), PeerError)
        client.close()


def test_a_raw_host_that_behaves(folder: Path, no_leaks: None) -> None:
    """The tool itself works: what fails above fails for the reason that it says."""
    with RawHost(folder / "s", [Listed(INFO, DeviceState.SHARED)]) as host:
        client = client_of(folder)
        assert [listed.info.busid for listed in client.devices()] == ["9-1"]
        client.close()
        until(lambda: all(not thread.is_alive() for thread in host.threads), "the script is through")
    assert not host.failures
