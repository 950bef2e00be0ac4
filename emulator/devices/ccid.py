"""A smart card reader with a card in it (CCID 1.1). Linux leaves it to user space: libccid under pcscd.

``ccid:insert=2000,remove=5000`` puts the card in and takes it out, counted from when the host first talks to the
reader.
"""

from __future__ import annotations

import functools
import struct

from wslusb.device.clock import Timer
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import ClassCode, Speed, TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import Firmware, InHandler, OutHandler
from ..gadget import Gadget, Place
from ..model import Kind, Model
from ..options import Options, bad
from .ccid_parts.card import Card
from .ccid_parts.slot import CLOCK, DATA_RATE, HEADER_SIZE, MAX_MESSAGE, Slot, slot_change

__all__ = ["KIND", "CcidFirmware", "ccid_descriptor", "ccid_gadget"]

_OUT, _IN, _NOTIFY = 0x01, 0x82, 0x83
_ABORT, _GET_CLOCK_FREQUENCIES, _GET_DATA_RATES = 1, 2, 3
_BULK_SIZES = {Speed.FULL: 64, Speed.HIGH: 512}
_VOLTAGES, _T1, _IFSD = 0x07, 0x02, 254
_ALL_AUTOMATIC, _SHORT_APDU = 0x0000047E, 0x00020000
_ECHO_CLASS = 0xFF
_WAITS = {Speed.FULL: 16, Speed.HIGH: 8}  # bInterval for 16 ms (USB 2.0, table 9-13)


def ccid_descriptor() -> bytes:
    """The class descriptor (5.1): one slot, T=1, everything automatic, short APDUs."""
    return struct.pack(
        "<BBHBBIIIBIIBIIIIIBBHBB", 54, 0x21, 0x0110, 0, _VOLTAGES, _T1, CLOCK, CLOCK, 0, DATA_RATE, DATA_RATE, 0,
        _IFSD, 0, 0, _ALL_AUTOMATIC | _SHORT_APDU, MAX_MESSAGE, _ECHO_CLASS, _ECHO_CLASS, 0, 0, 1,
    )  # fmt: skip


def ccid_gadget(serial: str = "CCID0001", speed: Speed = Speed.FULL) -> Gadget:
    """The description."""
    size = _BULK_SIZES[speed]
    endpoints = [
        Endpoint(_OUT, TransferType.BULK, size),
        Endpoint(_IN, TransferType.BULK, size),
        Endpoint(_NOTIFY, TransferType.INTERRUPT, 8, _WAITS[speed]),
    ]
    interface = Interface(0, 0, ClassCode.SMART_CARD, extra=[ccid_descriptor()], endpoints=endpoints)
    return Gadget(
        device=DeviceDescriptor(0x1209, 0x0004, 0x0200, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, [interface]),),
        strings=("wslusb emulator", "Card reader", serial),
        speed=speed,
    )


class CcidFirmware(Firmware):
    """Behaviour. ``insert`` and ``remove`` are seconds; None: it is in from the beginning, it stays in."""

    def __init__(self, card: Card | None = None, insert: float | None = None, remove: float | None = None) -> None:
        self._card = card or Card()
        self._insert = insert
        self._remove = remove
        self._slot = Slot(None if insert is not None else self._card)
        self._answers = self._changes = InHandler()
        self._hands: list[Timer] | None = None

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        """Commands, answers, and the news about the slot."""
        if place.endpoint.address == _OUT:
            return _Commands(self)
        if place.endpoint.address == _IN:
            self._answers = InHandler()
            return self._answers
        self._changes = _Changes(self)
        return self._changes

    def configured(self, value: int) -> None:  # noqa: ARG002
        """The card has no power; hands rest until the host talks again."""
        self._slot.restart()
        for hand in self._hands or ():
            hand.cancel()
        self._hands = None

    def talked_to(self) -> None:
        """A program uses the reader: from the first time on, hands move the card."""
        if self._hands is None:
            moves = ((self._insert, self._card), (self._remove, None))
            self._hands = [
                self.after(seconds, functools.partial(self._change, card))
                for seconds, card in moves if seconds is not None
            ]  # fmt: skip

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:  # noqa: ARG002
        """The requests of the class (5.3)."""
        if setup.index:
            return None
        asked = setup.request_type, setup.request
        if asked == (0x21, _ABORT) and setup.value & 0xFF == 0:  # bSeq << 8 | bSlot
            self._slot.abort(setup.value >> 8)
            return b""
        answers = {(0xA1, _GET_CLOCK_FREQUENCIES): CLOCK, (0xA1, _GET_DATA_RATES): DATA_RATE}
        return struct.pack("<I", answers[asked]) if asked in answers and not setup.value else None

    def received(self, message: bytes) -> None:
        """A message from the host, whole."""
        self.talked_to()
        self._answers.pipe.send(self._slot.answer(message), end=True)

    def _change(self, card: Card | None) -> None:
        self._slot.insert(card)
        self._changes.pipe.send(slot_change(present=card is not None))


class _Changes(InHandler):
    def __init__(self, firmware: CcidFirmware) -> None:
        self._firmware = firmware

    def wanted(self, room: int) -> None:  # noqa: ARG002
        self._firmware.talked_to()


class _Commands(OutHandler):
    """Puts messages together: they are as long as they say, or as the transfer is."""

    def __init__(self, firmware: CcidFirmware) -> None:
        self._firmware = firmware
        self._buffer = b""

    def received(self, data: memoryview, end: bool) -> int | None:
        self._buffer += data
        if len(self._buffer) < HEADER_SIZE:
            if end:
                self._buffer = b""
            return len(data)
        announced = HEADER_SIZE + int.from_bytes(self._buffer[1:5], "little")
        if end or len(self._buffer) >= min(announced, MAX_MESSAGE):
            message, self._buffer = self._buffer, b""
            self._firmware.received(message)
        return len(data)


def _make(options: Options) -> Model:
    try:
        uid = bytes.fromhex(options.text("uid", "0477736c757362"))
    except ValueError as error:
        raise bad(f"uid is hexadecimal: {error}") from error
    text = options.text("text", "Hello from a virtual card").encode()
    if not uid or len(uid) > 32 or len(text) > 255:
        raise bad("a uid has 1 to 32 bytes, a text 255 at most")
    insert, remove = (options.integer(name, 0, 0, 3_600_000) / 1000 or None for name in ("insert", "remove"))
    gadget = ccid_gadget(options.serial(f"CCID{options.number:04d}"), options.speed(Speed.FULL, ("full", "high")))
    return Model(gadget, CcidFirmware(Card(uid, text), insert, remove))


KIND = Kind(
    name="ccid",
    summary="a smart card reader with a card",
    make=_make,
    options={
        "uid": "the card's number, hexadecimal",
        "text": "what is in the card's file 0001",
        "insert": "milliseconds until the card is put in; 0 (the default): it is in",
        "remove": "milliseconds until the card is taken out; 0 (the default): it stays",
        "speed": "full (the default) or high",
        "serial": "serial number",
    },
    driver="none in the kernel: libccid under pcscd",
)
