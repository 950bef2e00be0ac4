"""``wslusb describe`` of devices that only the service can reach."""

from __future__ import annotations

import pytest

from emulator.scenario import reads
from tests.integration.test_cli import Machine, machine
from tests.support.world import Guest, World
from wslusb.device.describe_text import to_toml
from wslusb.errors import DeviceError
from wslusb.usb.urb import Status

__all__ = ["machine"]  # the fixture


def test_the_service_describes_its_virtual_devices_shared_or_not(machine: Machine) -> None:
    done = machine.run("describe", "STICK")
    assert done.returncode == 0, done.stderr
    gadget = reads(done.stdout).gadget
    assert (gadget.device.vendor, gadget.string(gadget.device.serial)) == (0x0525, "STICK")
    assert machine.states() == ["not_shared", "not_shared"]
    assert machine.run("describe", "9-9").stderr.startswith("wslusb: error: no device is called '9-9'.")


def test_a_device_that_somebody_has_is_not_taken_away(world: World) -> None:
    guest = Guest(world)
    with pytest.raises(DeviceError, match="device 9-1 is attached to ") as caught:
        world.catalog.describe("9-1")
    assert caught.value.status == Status.BUSY
    world.taken()
    guest.close()
    world.free()
    assert reads(to_toml(world.catalog.describe("9-1"))).gadget.info("9-1") == world.info()
    world.works()
