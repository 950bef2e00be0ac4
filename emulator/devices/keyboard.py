r"""A keyboard that types a text: boot protocol, five LEDs, remote wakeup (HID 1.11, appendix B.1).

``keyboard:text=hello\n`` types once, a second after the host began to listen; ``every=`` types again and again.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from wslusb.usb.ids import Speed

from ..gadget import Gadget
from ..model import Kind, Model
from ..options import Options, bad
from ..record import Record
from .hid_parts.function import Boot, hid_gadget
from .hid_parts.items import CONSTANT, DATA_ABSOLUTE, DATA_ARRAY, Collection, Item, report_descriptor
from .hid_parts.keymap import LAYOUTS, Modifier, Stroke, strokes
from .hid_parts.playback import PACE_OPTIONS, Pace, PlayedFirmware

__all__ = ["KEYBOARD_REPORT", "KIND", "KeyboardFirmware", "keyboard_gadget"]

_DESKTOP, _KEYS, _LEDS = 0x01, 0x07, 0x08  # usage pages
_LED_NAMES = ("num", "caps", "scroll", "compose", "kana")
_KEYS_AT_ONCE = 6

KEYBOARD_REPORT = report_descriptor([
    (Item.USAGE_PAGE, _DESKTOP), (Item.USAGE, 0x06), (Item.COLLECTION, Collection.APPLICATION),
    (Item.USAGE_PAGE, _KEYS), (Item.USAGE_MINIMUM, 0xE0), (Item.USAGE_MAXIMUM, 0xE7),
    (Item.LOGICAL_MINIMUM, 0), (Item.LOGICAL_MAXIMUM, 1), (Item.REPORT_SIZE, 1), (Item.REPORT_COUNT, 8),
    (Item.INPUT, DATA_ABSOLUTE),  # modifiers
    (Item.REPORT_SIZE, 8), (Item.REPORT_COUNT, 1), (Item.INPUT, CONSTANT),
    (Item.USAGE_PAGE, _LEDS), (Item.USAGE_MINIMUM, 1), (Item.USAGE_MAXIMUM, len(_LED_NAMES)),
    (Item.REPORT_SIZE, 1), (Item.REPORT_COUNT, len(_LED_NAMES)), (Item.OUTPUT, DATA_ABSOLUTE),
    (Item.REPORT_SIZE, 8 - len(_LED_NAMES)), (Item.REPORT_COUNT, 1), (Item.OUTPUT, CONSTANT),
    (Item.USAGE_PAGE, _KEYS), (Item.USAGE_MINIMUM, 0), (Item.USAGE_MAXIMUM, 0x65), (Item.LOGICAL_MAXIMUM, 0x65),
    (Item.REPORT_SIZE, 8), (Item.REPORT_COUNT, _KEYS_AT_ONCE), (Item.INPUT, DATA_ARRAY),  # keys that are down
    (Item.END_COLLECTION, 0),
])  # fmt: skip
"""The boot keyboard's report, described: its two layouts are the same, so boot protocol changes nothing."""


def keyboard_gadget(serial: str = "KEYBOARD0001", speed: Speed = Speed.FULL) -> Gadget:
    """The description; 10 ms between polls, the least that low speed has."""
    strings = ("wslusb emulator", "Keyboard", serial)
    return hid_gadget(0x0001, strings, KEYBOARD_REPORT, [0x81], boot=Boot.KEYBOARD, speed=speed)


class KeyboardFirmware(PlayedFirmware):
    """Behaviour. ``leds`` has bit 0 for Num Lock, as the output report; ``record`` gets a line for each of those."""

    def __init__(self, typed: list[Stroke], pace: Pace | None = None, record: Record | None = None) -> None:
        super().__init__(KEYBOARD_REPORT, Boot.KEYBOARD, pace)
        self.leds = 0
        self._typed = typed
        self._record = record or Record()
        self._modifiers = Modifier(0)
        self._keys: list[int] = []

    def attached(self) -> None:
        """A record begins."""
        self._record.begin()

    def input_report(self) -> bytes:
        """Modifiers, a reserved byte, and up to six keys that are down."""
        return bytes((self._modifiers, 0, *self._keys)).ljust(2 + _KEYS_AT_ONCE, b"\0")

    def output_report(self, data: bytes) -> bool:
        """The LEDs."""
        if len(data) != 1:
            return False
        self.leds = data[0] & (1 << len(_LED_NAMES)) - 1
        lit = [name for bit, name in enumerate(_LED_NAMES) if self.leds >> bit & 1]
        self._record.line(" ".join(["leds", *lit]))
        return True

    def configured(self, value: int) -> None:
        """No key is down, no LED is lit."""
        super().configured(value)
        self.leds, self._modifiers, self._keys = 0, Modifier(0), []

    def steps(self) -> Iterator[None]:
        """The way a hand does it: modifier down, key down, key up, modifier up."""
        for modifiers, key in self._typed:
            if modifiers:
                self._modifiers = modifiers
                yield
            self._keys = [key]
            yield
            self._keys = []
            yield
            if modifiers:
                self._modifiers = Modifier(0)
                yield


def _unescape(text: str) -> str:
    r"""What was written with ``\n``, ``\t``, ``\x2c`` (a comma would end the option) and the like."""
    try:
        return codecs.decode(text.encode("ascii", "backslashreplace"), "unicode_escape")
    except UnicodeDecodeError as error:
        raise bad(f"text: {error.reason}") from error


def _make(options: Options) -> Model:
    speed = options.speed(Speed.FULL, ("low", "full", "high"))
    gadget = keyboard_gadget(options.serial(f"KEYBOARD{options.number:04d}"), speed)
    layout = options.choice("layout", tuple(LAYOUTS), "us")
    typed = strokes(_unescape(options.text("text")), layout)
    return Model(gadget, KeyboardFirmware(typed, Pace.from_options(options), Record.from_options(options)))


KIND = Kind(
    name="keyboard",
    summary="a keyboard that types a text",
    make=_make,
    options={
        "text": r"what to type; \n, \t, \x2c (a comma) and the like are understood",
        "layout": f"{' or '.join(LAYOUTS)} (default us)",
        **PACE_OPTIONS,
        "record": "a file for the states of the LEDs: a line like 'leds num caps' each",
        "speed": "low, full (the default) or high",
        "serial": "serial number",
    },
    driver="usbhid",
)
