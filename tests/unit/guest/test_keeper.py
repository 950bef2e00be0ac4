"""wslusb.guest.keeper: devices that come back are attached again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from emulator import device_provider
from tests.support.waiting import until
from wslusb.errors import LocalError, LocalReason
from wslusb.guest import keeper as module
from wslusb.guest.keeper import Keeper
from wslusb.wire.listing import DeviceState, Listed

ONE = device_provider("loopback").devices()[0]
TWO = replace(ONE, busid="9-2", serial="two")


class Host:
    """What is shared, and what was attached; ``failures`` attaches fail first."""

    def __init__(self) -> None:
        self.listed = [Listed(ONE, DeviceState.SHARED), Listed(TWO, DeviceState.SHARED)]
        self.attached: list[str] = []
        self.failures = 0
        self.tried = threading.Semaphore(0)
        self.keeper = Keeper(self.devices, self.attach)

    def devices(self) -> list[Listed]:
        return self.listed

    def attach(self, busid: str) -> None:
        self.tried.release()
        if self.failures:
            self.failures -= 1
            raise LocalError(LocalReason.TIMEOUT, "not ready")
        self.attached.append(busid)
        self.set(busid, DeviceState.ATTACHED)

    def set(self, busid: str, state: DeviceState) -> None:
        self.listed = [replace(each, state=state) if each.info.busid == busid else each for each in self.listed]
        self.keeper.wake()


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.keeper.close()


def test_only_what_is_kept_is_attached_and_again_when_it_comes_back(host: Host) -> None:
    host.keeper.keep("9-2")
    host.keeper.wake()
    until(lambda: host.attached == ["9-2"], "attached")
    host.set("9-2", DeviceState.SHARED)
    until(lambda: host.attached == ["9-2", "9-2"], "attached again")
    assert host.keeper.names == ["9-2"]


def test_a_device_that_is_not_ready_is_tried_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSES", (0.01, 0.01))
    host.failures = 2
    host.keeper.keep(ONE.hardware_id)
    host.keeper.wake()
    until(lambda: set(host.attached) == {"9-1", "9-2"}, "both")


def test_after_the_last_try_the_next_event_is_waited_for(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSES", (0.01,))
    host.failures = 2
    host.keeper.keep("two")
    host.keeper.wake()
    for _ in range(2):
        assert host.tried.acquire(timeout=5)
    assert not host.tried.acquire(timeout=0.1)
    host.keeper.wake()
    until(lambda: host.attached == ["9-2"], "attached")


def test_a_failure_that_wakes_is_no_reason_to_hurry(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attach that fails takes a port back, and a port that goes is an event."""
    monkeypatch.setattr(module, "_PAUSES", (0.05,))
    host.failures = 1 << 20
    attach = host.attach

    def noisy(busid: str) -> None:
        host.keeper.wake()
        attach(busid)

    host.keeper._attach = noisy
    host.keeper.keep("two")
    host.keeper.wake()
    began = time.monotonic()
    for _ in range(4):
        assert host.tried.acquire(timeout=5)
    assert time.monotonic() - began >= 0.15


def test_what_the_user_detached_stays_away(host: Host) -> None:
    host.keeper.keep(ONE.serial)
    host.keeper.keep("9-1")
    host.keeper.drop(ONE)
    assert host.keeper.names == []
    host.keeper.keep("9-2")
    host.keeper.clear()
    host.keeper.wake()
    host.keeper.close()
    assert host.attached == []
