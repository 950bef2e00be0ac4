"""A U2F security key (FIDO U2F 1.2 over CTAPHID): browsers, OpenSSH and libfido2 take it for one.

Its keys follow from ``seed=`` and protect nothing. CTAP2 is not spoken; clients fall back to U2F.
"""

from __future__ import annotations

from wslusb.device.clock import Timer
from wslusb.usb.ids import Speed

from ..gadget import Gadget
from ..model import Kind, Model
from ..options import Options, bad
from ..record import Record
from .fido_parts.ctaphid import REPORT_SIZE, Transport
from .fido_parts.u2f import Authenticator
from .hid_parts.function import HidFirmware, hid_gadget
from .hid_parts.items import DATA_ABSOLUTE, Collection, Item, report_descriptor

__all__ = ["FIDO_REPORT", "KIND", "FidoFirmware", "fido_gadget"]

_FIDO_ALLIANCE, _AUTHENTICATOR, _TO_HOST, _FROM_HOST = 0xF1D0, 0x01, 0x20, 0x21
_MESSAGE_SECONDS = 0.5
_TOUCH_SECONDS = 10.0
"""How long a touch counts that no request has used up."""

FIDO_REPORT = report_descriptor([
    (Item.USAGE_PAGE, _FIDO_ALLIANCE), (Item.USAGE, _AUTHENTICATOR), (Item.COLLECTION, Collection.APPLICATION),
    (Item.LOGICAL_MINIMUM, 0), (Item.LOGICAL_MAXIMUM, 255), (Item.REPORT_SIZE, 8), (Item.REPORT_COUNT, REPORT_SIZE),
    (Item.USAGE, _TO_HOST), (Item.INPUT, DATA_ABSOLUTE),
    (Item.USAGE, _FROM_HOST), (Item.OUTPUT, DATA_ABSOLUTE),
    (Item.END_COLLECTION, 0),
])  # fmt: skip
"""CTAP 2.1, 11.2.8.2: raw reports, found by their usage page."""


def fido_gadget(serial: str = "FIDO0001", speed: Speed = Speed.FULL) -> Gadget:
    """The description: an interrupt endpoint each way, every 5 ms (CTAP 2.1, 11.2.8.1)."""
    strings = ("wslusb emulator", "Security key", serial)
    return hid_gadget(0x0003, strings, FIDO_REPORT, [0x81, 0x01], speed=speed, packet=REPORT_SIZE, interval=5)


class FidoFirmware(HidFirmware):
    """Behaviour. ``touch`` is the seconds after a request in which it is touched; None: never."""

    def __init__(self, seed: str = "FIDO0001", touch: float | None = 0.0, record: Record | None = None) -> None:
        super().__init__(FIDO_REPORT)
        self._record = record or Record()
        told = self._record.line
        self._touch = touch
        self._is_touched = False
        self._finger: Timer | None = None
        self._patience: Timer | None = None
        authenticator = Authenticator(seed.encode(), self._touched, told)
        self._transport = Transport(self.send, authenticator.answer, lambda: told("wink"))

    def attached(self) -> None:
        """A record begins."""
        self._record.begin()

    def input_report(self) -> bytes:
        """Reports are told once, when there is something to say: this one says nothing."""
        return bytes(REPORT_SIZE)

    def output_report(self, data: bytes) -> bool:
        """A packet of CTAPHID; the next one of a message must come within half a second."""
        self._transport.received(data)
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self.after(_MESSAGE_SECONDS, self._transport.expired) if self._transport.waiting else None
        return len(data) == REPORT_SIZE

    def configured(self, value: int) -> None:
        """Channels are gone; so is a touch."""
        super().configured(value)
        self._transport.reset()
        self._set_touched(False)

    def _touched(self) -> bool:
        """Whether the user has touched it since the last answer. A request that needs it makes the user do so."""
        if self._touch == 0 or self._is_touched:
            self._is_touched = False
            return True
        if self._touch is not None and self._finger is None:
            self._finger = self.after(self._touch, lambda: self._set_touched(True))
        return False

    def _set_touched(self, touched: bool) -> None:
        if self._finger is not None:
            self._finger.cancel()
        self._is_touched = touched
        self._finger = self.after(_TOUCH_SECONDS, lambda: self._set_touched(False)) if touched else None


def _make(options: Options) -> Model:
    serial = options.serial(f"FIDO{options.number:04d}")
    touch = options.text("touch", "0")
    if touch != "never" and not (touch.isascii() and touch.isdigit()):
        raise bad(f"touch is a number of milliseconds or never, not {touch!r}")
    firmware = FidoFirmware(
        options.text("seed", serial), None if touch == "never" else int(touch) / 1000, Record.from_options(options)
    )
    return Model(fido_gadget(serial, options.speed(Speed.FULL, ("full", "high"))), firmware)


KIND = Kind(
    name="fido",
    summary="a U2F security key",
    make=_make,
    options={
        "seed": "what its keys follow from (default: the serial number)",
        "touch": "milliseconds until it is touched when that is asked for (default 0), or never",
        "record": "a file for what it does: lines like 'wink', 'register HASH', 'authenticate HASH COUNTER'",
        "speed": "full (the default) or high",
        "serial": "serial number",
    },
    driver="usbhid",
)
