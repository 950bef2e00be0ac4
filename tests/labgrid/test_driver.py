"""The drivers, on a target of this process. The guest's ``wslusb`` is played; tests/kernel/devices/ has one."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attr
import pytest
from labgrid import Environment, Target
from labgrid.binding import BindingError, BindingState
from labgrid.driver import Driver
from labgrid.driver.exception import ExecutionError
from labgrid.driver.serialdriver import SerialDriver
from labgrid.protocol import CommandProtocol, ResetProtocol

from hil.clients.bulk_only import Stick
from hil.vm.machine import PROJECT
from tests.support.world import Guest, World
from wslusb.labgrid import (
    WslusbDevice,
    WslusbDriver,
    WslusbGuestDriver,
    WslusbMassStorage,
    WslusbPyusbDriver,
    WslusbSerialPort,
)  # fmt: skip
from wslusb.wire.listing import DeviceState


@attr.s(eq=False)
class PlayedGuest(Driver, CommandProtocol):
    """A guest's shell that has an agent: attaches what it is told to, at the nodes it is given."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.nodes: list[str] = ["/dev/ttyACM0"]
        self.attached: list[str] = []
        self.asked: list[list[str]] = []
        self.refuses: dict[str, str] = {}

    def run(self, command: str, timeout: float = 0) -> tuple[list[str], list[str], int]:
        program, verb, *rest = shlex.split(command)
        assert program == "wslusb"
        assert timeout
        self.asked.append([verb, *rest])
        if verb in self.refuses:
            return [], [f"wslusb: error: {self.refuses[verb]}"], 1
        match verb:
            case "attach":
                self.attached.append(rest[0])
                answer: dict[str, Any] = {"nodes": self.nodes}
            case "detach":
                self.attached = [each for each in self.attached if each != rest[0]]
                answer = {"devices": []}
            case "state":
                answer = {"agent": {"attached": [{"busid": each, "nodes": self.nodes} for each in self.attached]}}
        return (
            ["wslusb: info: over a serial console, all is one stream", *json.dumps(answer, indent=2).splitlines()],
            [],
            0,
        )

    def run_check(self, command: str) -> Sequence[str]:
        return self.run(command)[0]

    def get_status(self) -> int:
        return 1

    def wait_for(self) -> None:
        raise NotImplementedError

    def poll_until_success(self) -> None:
        raise NotImplementedError


class Local(WslusbDriver):
    """The driver of this machine, on which the played agent runs."""

    played: PlayedGuest

    def _run(self, line: str, seconds: float) -> Any:
        return self.played.run(line, seconds)


@pytest.fixture
def target(lent: Path) -> Iterator[Target]:
    target = Target("main")
    WslusbDevice(target, "board", match={"busid": "9-1"}, control=str(lent))
    played = PlayedGuest(target, "vm")
    yield target
    played.refuses.clear()
    target.cleanup()


@pytest.fixture
def guest(target: Target) -> Any:
    return target.get_driver(PlayedGuest)


@pytest.fixture
def driver(target: Target) -> Any:
    target.set_binding_map({"guest": "vm"})
    return WslusbGuestDriver(target, None)


def test_activated_it_is_attached_and_deactivated_the_hosts_again(
    world: World, target: Target, guest: Any, driver: Any
) -> None:
    target.activate(driver)
    assert guest.asked == [["attach", "9-1", "--json", "--timeout", "40"]]
    assert world.state() is DeviceState.SHARED
    assert driver.get_nodes() == ["/dev/ttyACM0"]
    target.deactivate(driver)
    assert guest.attached == []
    assert world.state() is DeviceState.NOT_SHARED


def test_the_guest_is_named_or_it_is_an_error(target: Target) -> None:
    with pytest.raises(BindingError, match="requires an explicit name"):
        WslusbGuestDriver(target, None)


def test_a_guest_behind_ssh_is_configured_as_the_page_says(lent: Path, tmp_path: Path) -> None:
    config = tmp_path / "environment.yaml"
    _, _, after = (PROJECT / "docs/labgrid.md").read_text().partition("      - NetworkService")
    text = f"targets:\n  main:\n    resources:\n      - NetworkService{after.partition('```')[0]}"
    device = f"      - WslusbDevice: {{name: stick, match: {{serial: STICK}}, control: {lent}}}\n    drivers:"
    config.write_text(text.replace("    drivers:", device))
    made = Environment(str(config)).get_target()
    assert made.get_driver("WslusbGuestDriver", activate=False).guest is made.get_driver("SSHDriver", activate=False)


def test_a_device_that_comes_back_is_to_be_attached_again(target: Target, guest: Any) -> None:
    target.set_binding_map({"guest": "vm"})
    target.activate(WslusbGuestDriver(target, None, keep=True, timeout=5))
    assert guest.asked == [["attach", "9-1", "--json", "--timeout", "5", "--auto-attach"]]


def test_nodes_are_those_of_now(target: Target, guest: Any, driver: Any) -> None:
    target.activate(driver)
    guest.nodes = ["/dev/ttyACM3"]
    assert driver.get_nodes() == ["/dev/ttyACM3"]
    guest.attached.clear()
    with pytest.raises(ExecutionError, match="9-1 is not attached any more"):
        driver.get_nodes()


def test_what_wslusb_says_is_the_error_and_nothing_stays_lent(
    world: World, target: Target, guest: Any, driver: Any
) -> None:
    guest.refuses = {"attach": "no agent of wslusb is running here"}
    with pytest.raises(ExecutionError, match="no agent of wslusb is running here"):
        target.activate(driver)
    assert driver.state is BindingState.bound
    assert world.state() is DeviceState.NOT_SHARED


def test_a_device_that_is_gone_is_as_good_as_detached(target: Target, guest: Any, driver: Any) -> None:
    target.activate(driver)
    guest.attached.clear()
    guest.refuses = {"detach": "no device is called '9-1'"}
    target.deactivate(driver)
    assert driver.state is BindingState.bound


def test_a_device_that_stays_in_the_guest_is_an_error(world: World, target: Target, guest: Any, driver: Any) -> None:
    target.activate(driver)
    guest.refuses = {"detach": "the kernel does not let go of it"}
    with pytest.raises(ExecutionError, match="does not let go"):
        target.deactivate(driver)
    assert world.state() is DeviceState.NOT_SHARED, "the host takes it back all the same"


def test_an_unplugged_device_deactivates_its_driver(world: World, target: Target, guest: Any, driver: Any) -> None:
    device = target.get_resource(WslusbDevice)
    target.activate(driver)
    world.provider.unplug("9-1")
    target.await_resources([device], timeout=5.0, avail=False)
    target.last_update = 0
    target.update_resources()
    assert driver.state is BindingState.bound
    assert guest.attached == []


def test_reset_is_a_replug_for_targets_without_a_power_switch(target: Target, guest: Any, driver: Any) -> None:
    target.activate(driver)
    guest.asked.clear()
    target.get_driver(ResetProtocol).reset()
    assert [verb for verb, *_ in guest.asked] == ["detach", "attach"]


def test_labgrids_drivers_find_the_nodes_of_this_machine(target: Target, guest: Any) -> None:
    port = WslusbSerialPort(target, "tty", device="board")
    other = WslusbSerialPort(target, "other", device="another board")
    disk = WslusbMassStorage(target, "disk")
    target.set_binding_map({"device": "board"})
    local = Local(target, None)
    local.played = guest
    guest.nodes = ["/dev/ttyACM0", "/dev/sda"]
    assert not port.avail
    target.activate(local)
    assert (port.avail, port.port, disk.avail, disk.path) == (True, "/dev/ttyACM0", True, "/dev/sda")
    assert not other.avail
    target.deactivate(local)
    assert (port.avail, port.port, disk.avail) == (False, None, False)


def test_a_console_is_closed_before_its_device_goes(
    target: Target, guest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    WslusbSerialPort(target, "tty")
    local = Local(target, None)
    local.played = guest
    target.set_binding_map({"port": "tty"})
    serial = SerialDriver(target, None)
    seen: list[str] = []
    monkeypatch.setattr(serial.serial, "open", lambda: seen.append(f"open {serial.serial.port}"))
    monkeypatch.setattr(serial.serial, "close", lambda: seen.append(f"close, {len(guest.attached)} attached"))
    target.activate(local)
    target.activate(serial)
    local.cycle()
    assert seen == ["open /dev/ttyACM0", "close, 1 attached"]
    assert serial.state is BindingState.bound
    target.activate(serial)
    target.deactivate(local)
    assert seen[2:] == ["open /dev/ttyACM0", "close, 1 attached"]


def test_the_command_of_this_machine(target: Target, tmp_path: Path, world: World) -> None:
    script = tmp_path / "wslusb"
    script.write_text('#!/bin/sh\necho "wslusb: error: $1 $2 failed." >&2\nexit 1\n')
    script.chmod(0o755)
    local = WslusbDriver(target, None, command=f"env A=b {script}")
    with pytest.raises(ExecutionError, match="ended with 1: wslusb: error: attach 9-1 failed"):
        target.activate(local)
    assert world.state() is DeviceState.NOT_SHARED


def test_a_command_that_is_not_there(target: Target) -> None:
    with pytest.raises(ExecutionError, match="No such file"):
        target.activate(WslusbDriver(target, None, command="/nowhere/wslusb"))


def test_a_stick_by_pyusb(world: World, lent: Path) -> None:
    target = Target("main")
    WslusbDevice(target, "stick", match={"serial": "STICK"}, control=str(lent))
    driver = WslusbPyusbDriver(target, None, host=str(world.address))
    target.activate(driver)
    device = driver.get_device()
    device.set_configuration()
    source, sink = sorted(device.get_active_configuration()[0, 0], key=lambda each: -each.bEndpointAddress)
    stick = Stick(lambda data: sink.write(bytes(data)), lambda length: memoryview(source.read(length)))
    assert stick.inquiry().vendor == "wslusb"
    assert world.state("9-2") is DeviceState.ATTACHED
    target.deactivate(driver)
    assert world.state("9-2") is DeviceState.NOT_SHARED


def test_a_host_that_is_not_there(world: World, lent: Path, folder: Path) -> None:
    target = Target("main")
    WslusbDevice(target, "stick", match={"serial": "STICK"}, control=str(lent))
    with pytest.raises(ExecutionError, match="nowhere"):
        target.activate(WslusbPyusbDriver(target, None, host=f"unix:{folder}/nowhere"))
    assert world.state("9-2") is DeviceState.NOT_SHARED


def test_two_devices_that_fit_are_none(world: World, lent: Path) -> None:
    target = Target("main")
    device = WslusbDevice(target, "any", match={"vid": 0x0525}, control=str(lent))
    device.poll()
    assert (device.avail, device.reason) == (False, "fits 2 devices: 9-1, 9-2")
    world.provider.unplug("9-2")
    target.await_resources([device], timeout=5.0)


def test_a_device_that_a_guest_has_is_not_lent(world: World, target: Target, driver: Any) -> None:
    world.service.bind("9-1")
    guest = Guest(world)
    device = target.get_resource(WslusbDevice, wait_avail=False)
    device.poll()
    assert device.reason.startswith("is attached to")
    guest.close()


def test_no_service_is_a_reason(folder: Path) -> None:
    device = WslusbDevice(None, None, match={"busid": "9-1"}, control=str(folder / "nowhere"))
    device.poll()
    assert device.reason == f"nothing listens at {folder}/nowhere"
