"""A gamepad that plays by itself: two sticks, a hat, twelve buttons (HID Usage Tables 1.4, section 4).

``gamepad:play=circle+up+1+right+2`` turns the left stick, and presses the hat and buttons, once, a second after a
program began to listen; ``every=`` does it again and again.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wslusb.usb.ids import Speed

from ..gadget import Gadget
from ..model import Kind, Model
from ..options import Options, bad
from .hid_parts.function import hid_gadget
from .hid_parts.items import DATA_ABSOLUTE, Collection, Item, report_descriptor
from .hid_parts.playback import PACE_OPTIONS, Pace, PlayedFirmware

__all__ = ["GAMEPAD_REPORT", "KIND", "GamepadFirmware", "Hands", "gamepad_gadget", "moves_named"]

_DESKTOP, _BUTTONS = 0x01, 0x09  # usage pages
_GAMEPAD, _HAT, _X, _Y, _Z, _RZ = 0x05, 0x39, 0x30, 0x31, 0x32, 0x35
_BUTTON_COUNT = 12
_NULL_STATE = 0x40  # of an Input item: a value out of range says "none" (HID 1.11, 6.2.2.5)
_DEGREES = 0x14
_RELEASED = 8
_FAR = 127

GAMEPAD_REPORT = report_descriptor([
    (Item.USAGE_PAGE, _DESKTOP), (Item.USAGE, _GAMEPAD), (Item.COLLECTION, Collection.APPLICATION),
    (Item.USAGE_PAGE, _BUTTONS), (Item.USAGE_MINIMUM, 1), (Item.USAGE_MAXIMUM, _BUTTON_COUNT),
    (Item.LOGICAL_MINIMUM, 0), (Item.LOGICAL_MAXIMUM, 1), (Item.REPORT_SIZE, 1), (Item.REPORT_COUNT, _BUTTON_COUNT),
    (Item.INPUT, DATA_ABSOLUTE),
    (Item.USAGE_PAGE, _DESKTOP), (Item.USAGE, _HAT), (Item.LOGICAL_MINIMUM, 0), (Item.LOGICAL_MAXIMUM, 7),
    (Item.PHYSICAL_MINIMUM, 0), (Item.PHYSICAL_MAXIMUM, 315), (Item.UNIT, _DEGREES),
    (Item.REPORT_SIZE, 4), (Item.REPORT_COUNT, 1), (Item.INPUT, DATA_ABSOLUTE | _NULL_STATE),
    (Item.USAGE, _X), (Item.USAGE, _Y), (Item.USAGE, _Z), (Item.USAGE, _RZ),
    (Item.LOGICAL_MINIMUM, -_FAR), (Item.LOGICAL_MAXIMUM, _FAR),
    (Item.PHYSICAL_MINIMUM, 0), (Item.PHYSICAL_MAXIMUM, 0), (Item.UNIT, 0),
    (Item.REPORT_SIZE, 8), (Item.REPORT_COUNT, 4), (Item.INPUT, DATA_ABSOLUTE),
    (Item.END_COLLECTION, 0),
])  # fmt: skip
"""Six bytes: twelve buttons and the hat, X and Y of the left stick, Z and Rz (X and Y of the right one)."""


@dataclass(slots=True, frozen=True)
class Hands:
    """Where the thumbs are. Bit 0 of ``buttons`` is button 1; ``hat`` is 0 (up) to 7 clockwise, 8 for none."""

    buttons: int = 0
    hat: int = _RELEASED
    left: tuple[int, int] = (0, 0)
    right: tuple[int, int] = (0, 0)

    def pack(self) -> bytes:
        """The report."""
        return struct.pack("<H4b", self.buttons | self.hat << _BUTTON_COUNT, *self.left, *self.right)


def _round_trip() -> list[tuple[int, int]]:
    """Clockwise from the top, and back to the middle."""
    angles = [2 * math.pi * number / 16 for number in range(17)]
    return [(round(_FAR * math.sin(angle)), -round(_FAR * math.cos(angle))) for angle in angles] + [(0, 0)]


_DIRECTIONS = ("up", "upright", "right", "downright", "down", "downleft", "left", "upleft")
_MOVES: Mapping[str, list[Hands]] = {
    **{name: [Hands(hat=hat), Hands()] for hat, name in enumerate(_DIRECTIONS)},
    **{str(number): [Hands(buttons=1 << number - 1), Hands()] for number in range(1, _BUTTON_COUNT + 1)},
    "circle": [Hands(left=place) for place in _round_trip()],
    "rightcircle": [Hands(right=place) for place in _round_trip()],
}


def moves_named(names: str) -> list[Hands]:
    """Several moves, joined by ``+``. LocalError for one that does not exist."""
    wanted = [name for name in names.split("+") if name]
    if unknown := [name for name in wanted if name not in _MOVES]:
        raise bad(f"play is some of {', '.join(_MOVES)}, joined by +, not {unknown[0]!r}")
    return [hands for name in wanted for hands in _MOVES[name]]


def gamepad_gadget(serial: str = "GAMEPAD0001", speed: Speed = Speed.FULL) -> Gadget:
    """The description; 4 ms between polls."""
    strings = ("wslusb emulator", "Gamepad", serial)
    return hid_gadget(0x0007, strings, GAMEPAD_REPORT, [0x81], speed=speed, packet=8, interval=4)


class GamepadFirmware(PlayedFirmware):
    """Behaviour: one report a position of the hands."""

    def __init__(self, moves: list[Hands], pace: Pace | None = None) -> None:
        super().__init__(GAMEPAD_REPORT, pace=pace)
        self._moves = moves
        self._now = Hands()

    def input_report(self) -> bytes:
        """Six bytes."""
        return self._now.pack()

    def configured(self, value: int) -> None:
        """Hands off."""
        super().configured(value)
        self._now = Hands()

    def steps(self) -> Iterator[None]:
        """Move by move."""
        for hands in self._moves:
            self._now = hands
            yield


def _make(options: Options) -> Model:
    gadget = gamepad_gadget(options.serial(f"GAMEPAD{options.number:04d}"), options.speed(Speed.FULL, ("full", "high")))
    return Model(gadget, GamepadFirmware(moves_named(options.text("play")), Pace.from_options(options)))


KIND = Kind(
    name="gamepad",
    summary="a gamepad that plays by itself",
    make=_make,
    options={
        "play": "buttons 1 to 12, directions of the hat like up or downleft, circle, rightcircle; joined by +",
        **PACE_OPTIONS,
        "speed": "full (the default) or high",
        "serial": "serial number",
    },
    driver="usbhid",
)
