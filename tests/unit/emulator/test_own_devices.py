"""docs/examples: devices of a user's own, each in a file of less than 60 lines."""

from __future__ import annotations

import importlib.util
import struct
import sys
from pathlib import Path
from types import ModuleType

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from tests.support.usb import start
from tests.support.world import World
from wslusb.device.clock import VirtualClock
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Urb, UrbFlag

EXAMPLES = Path(__file__).resolve().parents[3] / "docs/examples"
SAID = "Light is ff0000\nLight is 00ff00\nLight is 000000\nbutton: pressed\n"


def program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60


def test_the_light_and_its_program_in_one_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["blink.py"])
    program("blink").main()
    assert capsys.readouterr().out == SAID


def test_the_same_program_over_the_protocol(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with World(folder, str(EXAMPLES / "light.py")) as world:
        world.service.bind("9-1")
        monkeypatch.setattr(sys, "argv", ["blink.py", str(world.address)])
        program("blink").main()
    assert capsys.readouterr().out == SAID


def test_the_thermometer_has_a_reading_every_second() -> None:
    (model,) = parse_models(f"{EXAMPLES}/thermometer.py:celsius=21")
    clock = VirtualClock()
    device = VirtualDevice(model.gadget, model.firmware, clock=clock)
    waiters = [start(device, Urb(number, 0x81, TransferType.INTERRUPT, 8, UrbFlag.SHORT_OK)) for number in range(2)]
    clock.advance(0.9)
    assert waiters[0].completions == []
    clock.advance(0.2)
    assert (waiters[0].data, waiters[1].completions) == (struct.pack("<h", 210), [])
    clock.advance(1.0)
    assert waiters[1].data == struct.pack("<h", 211)
    device.close()
