"""The virtual gamepad under hid-generic and evdev."""

from __future__ import annotations

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.kernel.support import PROGRAMS

EV_KEY, EV_ABS = 1, 3
ABS_X, ABS_Y, ABS_HAT0X, ABS_HAT0Y = 0, 1, 0x10, 0x11
BTN_SOUTH, BTN_EAST = 0x130, 0x131


def test_evdev_sees_sticks_hat_and_buttons(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("gamepad:play=circle+up+right+1+2,wait=200") as plugged:
        reader = lab.python(kernel, str(PROGRAMS / "events.py"), plugged.node("/dev/input/event"))

        def events() -> list[tuple[int, ...]]:
            lines = (line.split() for line in reader.output.splitlines())
            return [tuple(map(int, words)) for words in lines if len(words) == 3]

        poll(lambda: (EV_KEY, BTN_EAST, 0) in events(), 20, "button 2 is up again")
        lab.wait_driver_in_guest("usbhid")
    seen = events()
    assert {(EV_ABS, ABS_X, 127), (EV_ABS, ABS_X, -127), (EV_ABS, ABS_Y, 127), (EV_ABS, ABS_Y, -127)} <= set(seen)
    hat = [event[1:] for event in seen if event[1] in (ABS_HAT0X, ABS_HAT0Y)]
    assert hat == [(ABS_HAT0Y, -1), (ABS_HAT0Y, 0), (ABS_HAT0X, 1), (ABS_HAT0X, 0)]
    buttons = [event[1:] for event in seen if event[0] == EV_KEY]
    assert buttons == [(BTN_SOUTH, 1), (BTN_SOUTH, 0), (BTN_EAST, 1), (BTN_EAST, 0)]
