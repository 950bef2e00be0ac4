"""The virtual mouse under usbhid and evdev."""

from __future__ import annotations

from collections import Counter

import pytest

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.kernel.support import PROGRAMS

EV_KEY, EV_REL = 1, 2
REL_X, REL_Y, REL_WHEEL = 0, 1, 8
BTN_LEFT, BTN_RIGHT = 0x110, 0x111


def parse(output: str) -> list[tuple[int, int, int]]:
    words = [line.split() for line in output.splitlines()]
    return [(int(each[0]), int(each[1]), int(each[2])) for each in words if len(each) == 3]


@pytest.mark.parametrize("speed", ["low", "full"])
def test_evdev_events_add_up(lab: Lab, kernel: UmlMachine, speed: str) -> None:
    path = "right+down+scroll+click+drag+rightclick"
    with lab.plug(f"mouse:path={path},size=105,wait=200,speed={speed}") as plugged:
        reader = lab.python(kernel, str(PROGRAMS / "events.py"), plugged.node("/dev/input/event"))
        poll(lambda: (EV_KEY, BTN_RIGHT, 0) in parse(reader.output), 20, "the right button is up again")
        lab.wait_driver_in_guest("usbhid")
    moved: Counter[int] = Counter()
    for kind, code, value in parse(reader.output):
        if kind == EV_REL:
            moved[code] += value
    assert (moved[REL_X], moved[REL_Y], moved[REL_WHEEL]) == (210, 105, -3)
    buttons = [(code, value) for kind, code, value in parse(reader.output) if kind == EV_KEY]
    assert buttons == [(BTN_LEFT, 1), (BTN_LEFT, 0)] * 2 + [(BTN_RIGHT, 1), (BTN_RIGHT, 0)]
