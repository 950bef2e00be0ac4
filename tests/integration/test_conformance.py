"""Every kind of the catalogue keeps chapter 9, by itself and through a whole service."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.catalogue import kinds, parse_models
from emulator.device import VirtualDevice
from emulator.variants import at_speed
from hil.conformance import report
from hil.conformance.case import Outcome, Result
from hil.conformance.suites import examine
from tests.support.world import World
from wslusb.usb.ids import Speed

ENOUGH = 40
"""Of the cases, so many apply to any device."""


def keeps_the_rules(results: dict[str, list[Result]]) -> None:
    assert {suite: report.failures(found) for suite, found in results.items()} == {suite: {} for suite in results}
    assert sum(result.outcome is Outcome.PASSED for found in results.values() for result in found) > ENOUGH


@pytest.mark.parametrize("kind", kinds())
def test_in_process(kind: str) -> None:
    model = parse_models(kind)[0]
    device = VirtualDevice(model.gadget, model.firmware)
    try:
        keeps_the_rules(examine(device))
    finally:
        device.close()


@pytest.mark.parametrize("speed", [Speed.LOW, Speed.FULL, Speed.HIGH, Speed.SUPER])
@pytest.mark.parametrize("kind", kinds())
def test_at_every_speed(kind: str, speed: Speed) -> None:
    model = parse_models(kind)[0]
    device = VirtualDevice(at_speed(model.gadget, speed), model.firmware)
    try:
        keeps_the_rules(examine(device, ["chapter9"]))
    finally:
        device.close()


@pytest.mark.parametrize("kind", kinds())
def test_through_the_service(kind: str, folder: Path) -> None:
    with World(folder, kind) as world:
        world.service.bind("9-1")
        client = world.client()
        try:
            device = client.open(world.info())
            try:
                keeps_the_rules(examine(device))
            finally:
                device.close()
        finally:
            client.close()
