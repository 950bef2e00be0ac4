"""wslusb.host.lending: a device is shared while its lender is connected."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.waiting import until
from tests.support.world import Guest, World
from wslusb.control.client import call, stream
from wslusb.control.server import ControlServer
from wslusb.control.streams import MessageKind, receive
from wslusb.errors import LocalError, LocalReason
from wslusb.host.requests import HostRequests
from wslusb.host.service import Service
from wslusb.wire.listing import DeviceState


@pytest.fixture
def control(world: World, folder: Path) -> Iterator[Path]:
    """The control socket of a service that shares nothing."""
    world.service.unbind_all()
    server = ControlServer(folder / "c", HostRequests(world.service))
    yield server.path
    server.close()


def borrow(control: Path, name: str = "9-1") -> socket.socket:
    answer, sock = stream(control, "lend", device=name, timeout=10)
    assert answer["device"]["busid"] == name
    return sock


def test_a_loan_lasts_as_long_as_the_connection(world: World, control: Path) -> None:
    with closing(borrow(control)):
        assert world.state() is DeviceState.SHARED
        assert [listed.info.busid for listed in world.client_list()] == ["9-1"]
        world.works()
    until(lambda: world.state() is DeviceState.NOT_SHARED, "the loan is over")
    assert not world.catalog.bindings.path.exists() or "9-1" not in world.catalog.bindings.path.read_text()


def test_a_guest_that_has_it_loses_it(world: World, control: Path) -> None:
    with closing(borrow(control)):
        guest = Guest(world)
        world.taken()
    world.free()
    assert world.state() is DeviceState.NOT_SHARED
    guest.close()


def test_whoever_waits_is_told_when_it_is_back(world: World, control: Path) -> None:
    with closing(borrow(control)) as sock:
        guest = Guest(world)
        world.taken()
        sock.shutdown(socket.SHUT_WR)
        assert [(kind, json.loads(data)) for kind, data in receive(sock)] == [(MessageKind.END, {})]
        assert world.state() is DeviceState.NOT_SHARED
    guest.close()


def test_whoever_waits_is_told_that_it_did_not_come_back(
    world: World, control: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(_service: Service, _claims: object) -> None:
        raise LocalError(LocalReason.TIMEOUT, "CID 42 has not let go")

    monkeypatch.setattr(Service, "_take_all_back", stuck)
    with closing(borrow(control)) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert [json.loads(data) for _kind, data in receive(sock)] == [{"error": "CID 42 has not let go"}]


def test_a_loan_has_one_lender(world: World, control: Path) -> None:
    with closing(borrow(control)):
        with pytest.raises(LocalError, match="lent already") as caught:
            stream(control, "lend", device="9-1")
        assert caught.value.reason is LocalReason.REFUSED
        with closing(borrow(control, "9-2")):
            pass


def test_what_somebody_has_is_not_lent(world: World, control: Path) -> None:
    call(control, "bind", device="9-1")
    guest = Guest(world)
    world.taken()
    with pytest.raises(LocalError, match="is attached to"):
        stream(control, "lend", device="9-1")
    guest.close()


def test_a_binding_outlives_a_loan(world: World, control: Path) -> None:
    call(control, "bind", device="9-1")
    with closing(borrow(control)) as sock:
        sock.shutdown(socket.SHUT_WR)
        list(receive(sock))
    assert world.state() is DeviceState.SHARED


def test_an_unbind_ends_a_loan_and_the_next_lender_keeps_it(world: World, control: Path) -> None:
    with closing(borrow(control)) as first:
        assert call(control, "unbind", device="9-1")["changed"] is True
        assert world.state() is DeviceState.NOT_SHARED
        with closing(borrow(control)):
            first.shutdown(socket.SHUT_WR)
            list(receive(first))
            assert world.state() is DeviceState.SHARED


def test_a_bind_during_a_loan_is_remembered(world: World, control: Path) -> None:
    with closing(borrow(control)) as sock:
        assert call(control, "bind", device="9-1")["changed"] is True
        sock.shutdown(socket.SHUT_WR)
        list(receive(sock))
    assert world.state() is DeviceState.SHARED


def test_a_loan_follows_a_device_that_is_plugged_in_again(world: World, control: Path) -> None:
    with closing(borrow(control, "9-2")):
        world.provider.unplug("9-2")
        assert [each["serial"] for each in call(control, "list")["unplugged"]] == ["STICK"]
        world.provider.plug("9-2")
        assert [each["state"] for each in call(control, "list")["devices"] if each["serial"] == "STICK"] == ["shared"]


def test_a_lender_that_is_gone_at_once_leaves_nothing(
    world: World, control: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(control))
    sock.sendall(b'{"op":"lend","device":"9-1"}\n')
    sock.close()
    until(lambda: "is not lent any more" in caplog.text, "the loan is over")
    assert world.state() is DeviceState.NOT_SHARED


def test_many_devices_are_lent_and_the_service_still_answers(folder: Path) -> None:
    count = 40
    with World(folder, ",".join(["loopback"] * count)) as world:
        server = ControlServer(folder / "c", HostRequests(world.service))
        socks = [borrow(server.path, f"9-{number}") for number in range(1, count + 1)]
        assert {each["state"] for each in call(server.path, "list")["devices"]} == {"shared"}
        for sock in socks:
            sock.close()
        server.close()
