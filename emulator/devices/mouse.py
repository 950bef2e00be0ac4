"""A mouse that moves by itself: five buttons, a wheel, boot protocol (HID 1.11, appendix B.2).

``mouse:path=square+click+scroll`` goes round a square, clicks and scrolls, once, a second after the host began to
listen; ``every=`` does it again and again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from wslusb.usb.ids import Speed

from ..gadget import Gadget
from ..model import Kind, Model
from ..options import Options, bad
from .hid_parts.function import Boot, hid_gadget
from .hid_parts.items import CONSTANT, DATA_ABSOLUTE, DATA_RELATIVE, Collection, Item, report_descriptor
from .hid_parts.playback import PACE_OPTIONS, Pace, PlayedFirmware

__all__ = ["KIND", "MOUSE_REPORT", "PATHS", "Motion", "MouseFirmware", "mouse_gadget", "path_named"]

_DESKTOP, _BUTTONS = 0x01, 0x09  # usage pages
_X, _Y, _WHEEL = 0x30, 0x31, 0x38
_BUTTON_COUNT = 5
_BOOT_SIZE = 3

MOUSE_REPORT = report_descriptor([
    (Item.USAGE_PAGE, _DESKTOP), (Item.USAGE, 0x02), (Item.COLLECTION, Collection.APPLICATION),
    (Item.USAGE, 0x01), (Item.COLLECTION, Collection.PHYSICAL),
    (Item.USAGE_PAGE, _BUTTONS), (Item.USAGE_MINIMUM, 1), (Item.USAGE_MAXIMUM, _BUTTON_COUNT),
    (Item.LOGICAL_MINIMUM, 0), (Item.LOGICAL_MAXIMUM, 1), (Item.REPORT_SIZE, 1), (Item.REPORT_COUNT, _BUTTON_COUNT),
    (Item.INPUT, DATA_ABSOLUTE),
    (Item.REPORT_SIZE, 8 - _BUTTON_COUNT), (Item.REPORT_COUNT, 1), (Item.INPUT, CONSTANT),
    (Item.USAGE_PAGE, _DESKTOP), (Item.USAGE, _X), (Item.USAGE, _Y), (Item.USAGE, _WHEEL),
    (Item.LOGICAL_MINIMUM, -127), (Item.LOGICAL_MAXIMUM, 127), (Item.REPORT_SIZE, 8), (Item.REPORT_COUNT, 3),
    (Item.INPUT, DATA_RELATIVE),
    (Item.END_COLLECTION, 0), (Item.END_COLLECTION, 0),
])  # fmt: skip
"""Buttons, X, Y, wheel. The first three bytes are the boot mouse's report."""


@dataclass(slots=True, frozen=True)
class Motion:
    """One input report. ``x`` goes right, ``y`` down, ``wheel`` up, each -127 to 127; bit 0 of ``buttons`` is left."""

    x: int = 0
    y: int = 0
    wheel: int = 0
    buttons: int = 0

    def pack(self) -> bytes:
        """The four bytes."""
        return bytes((self.buttons, self.x & 0xFF, self.y & 0xFF, self.wheel & 0xFF))


def _square(size: int) -> list[Motion]:
    sides = ((1, 0), (0, 1), (-1, 0), (0, -1))
    return [Motion(x * part, y * part) for x, y in sides for part in _parts(size)]


def _circle(size: int) -> list[Motion]:
    count = 32
    angles = [2 * math.pi * number / count for number in range(count + 1)]
    points = [(round(size / 2 * math.cos(angle)), round(size / 2 * math.sin(angle))) for angle in angles]
    return [Motion(to[0] - now[0], to[1] - now[1]) for now, to in itertools.pairwise(points)]


def _parts(length: int) -> list[int]:
    """A way of that length, in steps as a hand makes them between two polls."""
    stride = 10
    return [stride] * (length // stride) + ([length % stride] if length % stride else [])


def _clicks(button: int) -> Callable[[int], list[Motion]]:
    return lambda _size: [Motion(buttons=button), Motion()]


PATHS: Mapping[str, Callable[[int], list[Motion]]] = {
    "square": _square,
    "circle": _circle,
    "right": lambda size: [Motion(part, 0) for part in _parts(size)],
    "left": lambda size: [Motion(-part, 0) for part in _parts(size)],
    "down": lambda size: [Motion(0, part) for part in _parts(size)],
    "up": lambda size: [Motion(0, -part) for part in _parts(size)],
    "drag": lambda size: [*(Motion(part, 0, buttons=1) for part in _parts(size)), Motion()],
    "click": _clicks(1),
    "rightclick": _clicks(2),
    "middleclick": _clicks(4),
    "scroll": lambda _size: [Motion(wheel=-1)] * 3,
    "scrollup": lambda _size: [Motion(wheel=1)] * 3,
}
"""What a hand does, of a size that is given in counts of the mouse."""


def path_named(names: str, size: int) -> list[Motion]:
    """Several of ``PATHS``, joined by ``+``. LocalError for one that does not exist."""
    motions: list[Motion] = []
    for name in filter(None, names.split("+")):
        if name not in PATHS:
            raise bad(f"path is some of {', '.join(PATHS)}, joined by +, not {name!r}")
        motions += PATHS[name](size)
    return motions


def mouse_gadget(serial: str = "MOUSE0001", speed: Speed = Speed.FULL) -> Gadget:
    """The description; 10 ms between polls."""
    strings = ("wslusb emulator", "Mouse", serial)
    return hid_gadget(0x0002, strings, MOUSE_REPORT, [0x81], boot=Boot.MOUSE, speed=speed, packet=4)


class MouseFirmware(PlayedFirmware):
    """Behaviour: one report a motion."""

    def __init__(self, motions: list[Motion], pace: Pace | None = None) -> None:
        super().__init__(MOUSE_REPORT, Boot.MOUSE, pace)
        self._motions = motions
        self._now = Motion()

    def input_report(self) -> bytes:
        """Four bytes, three in boot protocol."""
        report = self._now.pack()
        return report[:_BOOT_SIZE] if self.boot_protocol else report

    def repeated(self) -> None:
        """What was moved is not moved again; buttons stay down."""
        self._now = Motion(buttons=self._now.buttons)

    def configured(self, value: int) -> None:
        """No button is down."""
        super().configured(value)
        self._now = Motion()

    def steps(self) -> Iterator[None]:
        """Motion by motion."""
        for motion in self._motions:
            self._now = motion
            yield


def _make(options: Options) -> Model:
    speed = options.speed(Speed.FULL, ("low", "full", "high"))
    gadget = mouse_gadget(options.serial(f"MOUSE{options.number:04d}"), speed)
    motions = path_named(options.text("path"), options.integer("size", 100, 1, 1000))
    return Model(gadget, MouseFirmware(motions, Pace.from_options(options)))


KIND = Kind(
    name="mouse",
    summary="a mouse that moves by itself",
    make=_make,
    options={
        "path": f"what it does, joined by +: {', '.join(PATHS)}",
        "size": "of the path, in counts, up to 1000 (default 100)",
        **PACE_OPTIONS,
        "speed": "low, full (the default) or high",
        "serial": "serial number",
    },
    driver="usbhid",
)
