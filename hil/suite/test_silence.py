"""A daemon that says nothing any more and does not end: the other side gives it up, and has it back when it goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from hil.health import hung, taken_ports
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.places.place import Place, PlaceProcess
from hil.waiting import poll

pytestmark = pytest.mark.safety("reversible")

_GIVEN_UP_SECONDS = 30.0
"""A silent peer counts as dead after 20 (docs/protocol.md, liveness)."""


@contextlib.contextmanager
def _stopped(place: Place, process: PlaceProcess | None) -> Iterator[None]:
    assert process is not None
    place.run(["kill", "-STOP", str(process.pid)])
    try:
        yield
    finally:
        place.run(["kill", "-CONT", str(process.pid)])


def _works_again(dut: LiveDevice, before: object) -> None:
    """The session may have outlived the device's connection: each has its own clock."""
    daemons = dut.rig.daemons
    poll(lambda: not taken_ports(dut.rig.guest), _GIVEN_UP_SECONDS, "every port of the guest is free")
    poll(
        lambda: daemons.json(daemons.guest, "state")["agent"]["connected"], _GIVEN_UP_SECONDS, "the agent is connected"
    )
    assert dut.passthrough().probe("descriptors") == before
    assert not hung(dut.rig.guest)


def test_the_agent_is_stopped(dut: LiveDevice, passthrough: Side) -> None:
    """The host takes its device back; when the agent goes on, it connects again."""
    daemons, busid = dut.rig.daemons, dut.info().busid
    before = passthrough.probe("descriptors")

    def attached() -> bool:
        listed = daemons.json(daemons.host, "list")["devices"]
        return any(each["busid"] == busid and each["state"] == "attached" for each in listed)

    with _stopped(daemons.guest, daemons.agent):
        assert attached()
        poll(lambda: not attached(), _GIVEN_UP_SECONDS, "the host has its device back")
    _works_again(dut, before)


def test_the_service_is_stopped(dut: LiveDevice, passthrough: Side) -> None:
    """The guest's kernel loses the device, nothing hangs there; when the service goes on, it serves again."""
    daemons = dut.rig.daemons
    before = passthrough.probe("descriptors")
    with _stopped(daemons.host, daemons.service):
        poll(lambda: not taken_ports(dut.rig.guest), _GIVEN_UP_SECONDS, "every port of the guest is free")
        assert not hung(dut.rig.guest)
    _works_again(dut, before)
