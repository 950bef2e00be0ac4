"""The virtual keyboard under usbhid and evdev."""

from __future__ import annotations

import pytest

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.kernel.support import PROGRAMS

LETTERS = dict(enumerate("qwertyuiop[]\n", 16)) | dict(enumerate("asdfghjkl", 30)) | dict(enumerate("zxcvbnm,./", 44))
"""Linux' key codes of the keys that a text of these tests needs (linux/input-event-codes.h)."""
LEFT_SHIFT = 42
EV_LED, LED_CAPS_LOCK = 0x11, 1


def spell(events: str) -> str:
    """What key events write on a keyboard with this layout."""
    text, shifted = "", False
    for line in events.splitlines():
        kind, _, numbers = line.partition(" ")
        if kind != "key":
            continue
        code, value = map(int, numbers.split())
        if code == LEFT_SHIFT:
            shifted = value == 1
        elif value == 1:
            letter = LETTERS.get(code, " ")
            text += letter.upper() if shifted else letter
    return text


@pytest.mark.parametrize("speed", ["low", "full", "high"])
def test_evdev_spells_the_text(lab: Lab, kernel: UmlMachine, speed: str) -> None:
    with lab.plug(rf"keyboard:text=Hello World\n,speed={speed},wait=200,pace=5,every=200") as plugged:
        node = plugged.node("/dev/input/event")
        keys = lab.python(kernel, str(PROGRAMS / "keys.py"), node)
        poll(lambda: spell(keys.output).count("\nHello World\n") > 1, 20, "the text, in full, twice")
        lab.wait_driver_in_guest("usbhid")


def test_a_led_that_a_program_lights_is_lit_on_the_keyboard(lab: Lab, kernel: UmlMachine) -> None:
    record = lab.rig.shared / "leds"
    with lab.plug(f"keyboard:record={record}") as plugged:
        node = plugged.node("/dev/input/event")
        for value, expected in ((1, "leds caps"), (0, "leds")):
            kernel.python(
                "-c",
                f"import struct; f = open({node!r}, 'wb', buffering=0);"
                f" f.write(struct.pack('llHHi', 0, 0, {EV_LED}, {LED_CAPS_LOCK}, {value}));"
                " f.write(bytes(24))",
            )
            poll(lambda expected=expected: record.read_text().splitlines()[-1:] == [expected], 5, expected)  # type: ignore[misc]
