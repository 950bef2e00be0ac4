"""wslusb.host.requests: what the command line gets from a service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.world import Guest, World
from wslusb.control.client import call
from wslusb.control.messages import Json
from wslusb.control.server import ControlServer
from wslusb.errors import LocalError, LocalReason
from wslusb.host.catalog import Claim
from wslusb.host.requests import HostRequests


def asking(world: World) -> Callable[[Json], Json]:
    """Requests that are answered at once, by the service itself."""
    requests = HostRequests(world.service)

    def ask(request: Json) -> Json:
        answer = requests(request)
        assert isinstance(answer, dict)
        return answer

    return ask


def test_list_bind_unbind(world: World) -> None:
    ask = asking(world)
    assert [(each["busid"], each["state"]) for each in ask({"op": "list"})["devices"]] == [
        ("9-1", "shared"),
        ("9-2", "shared"),
    ]
    assert ask({"op": "unbind", "device": "STICK"})["changed"] is True
    assert ask({"op": "unbind", "device": "9-2"})["changed"] is False
    assert ask({"op": "bind", "device": "0525:a4a5"})["changed"] is True
    world.provider.unplug("9-2")
    listed = ask({"op": "list"})
    assert [each["serial"] for each in listed["unplugged"]] == ["STICK"]
    assert len(ask({"op": "unbind", "all": True})["devices"]) == 2


def test_detach(world: World) -> None:
    ask = asking(world)
    assert ask({"op": "detach", "device": "9-1"})["devices"] == []
    guest = Guest(world)
    assert [each["busid"] for each in ask({"op": "detach", "device": "9-1"})["devices"]] == ["9-1"]
    guest.close()
    guest = Guest(world)
    assert [each["busid"] for each in ask({"op": "detach", "all": True})["devices"]] == ["9-1"]
    guest.close()


def test_detach_from_one_guest(world: World) -> None:
    """What the others have stays with them."""
    ask = asking(world)
    claims: dict[str, Claim] = {}
    for busid, owner in (("9-1", "CID 42"), ("9-2", "CID 43")):
        claims[busid] = world.catalog.claim(busid, 0, owner, lambda busid=busid: world.catalog.release(claims[busid]))  # type: ignore[misc]
    assert ask({"op": "detach", "device": "9-1", "guest": "43"})["devices"] == []
    assert ask({"op": "detach", "all": True, "guest": "CID 44"})["devices"] == []
    assert len(world.catalog.claims()) == 2
    assert [each["busid"] for each in ask({"op": "detach", "all": True, "guest": "42"})["devices"]] == ["9-1"]
    assert world.catalog.claims() == [claims["9-2"]]
    assert [each["busid"] for each in ask({"op": "detach", "device": "STICK", "guest": "CID 43"})["devices"]] == ["9-2"]
    assert world.catalog.claims() == []


def test_state(world: World) -> None:
    guest = Guest(world)
    state = asking(world)({"op": "state"})
    assert (state["role"], state["listening"]) == ("service", [str(world.address)])
    assert len(state["guests"]) == 1
    assert state["guests"][0]["agent"] is False
    assert [each["state"] for each in state["devices"]] == ["attached", "shared"]
    guest.close()


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({}, LocalReason.UNSUPPORTED),
        ({"op": "format"}, LocalReason.UNSUPPORTED),
        ({"op": "bind", "device": 5}, LocalReason.UNSUPPORTED),
        ({"op": "bind", "device": ""}, LocalReason.NOT_FOUND),
        ({"op": "bind", "device": "7-7"}, LocalReason.NOT_FOUND),
        ({"op": "attach", "device": "9-1"}, LocalReason.NOT_RUNNING),
        ({"op": "attach", "device": "9-1", "seconds": "soon", "guest": None}, LocalReason.NOT_RUNNING),
        ({"op": "detach", "all": False}, LocalReason.UNSUPPORTED),
    ],
)
def test_what_cannot_be_done(world: World, request_: dict[str, object], reason: LocalReason) -> None:
    with pytest.raises(LocalError) as caught:
        HostRequests(world.service)(request_)
    assert caught.value.reason is reason


def test_through_a_control_socket(world: World, folder: Path) -> None:
    server = ControlServer(folder / "control", HostRequests(world.service))
    assert call(server.path, "list")["devices"][0]["hardware_id"] == "0525:a4a0"
    with pytest.raises(LocalError) as caught:
        call(server.path, "attach", device="9-1")
    assert caught.value.reason is LocalReason.NOT_RUNNING
    server.close()
