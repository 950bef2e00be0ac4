"""Messages of a card reader with one slot (CCID 1.1, section 6), at the level of short APDUs."""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass

from .card import Card

__all__ = ["CLOCK", "DATA_RATE", "HEADER_SIZE", "MAX_MESSAGE", "Presence", "Slot", "slot_change"]

_HEADER = struct.Struct("<BIBB3s")
HEADER_SIZE = _HEADER.size
MAX_MESSAGE = HEADER_SIZE + 261
"""Bytes of the longest message: the header and a short APDU with 255 bytes of data (dwMaxCCIDMessageLength, 5.1)."""
CLOCK, DATA_RATE = 4000, 10_752
"""In kHz and bit/s: the least that every card understands."""

_DATA_BLOCK, _SLOT_STATUS, _PARAMETERS, _RATE = 0x80, 0x81, 0x82, 0x84
_NOTIFY_SLOT_CHANGE = 0x50
_FAILED = 0x40
_PROTOCOL_T1 = 0x01
_DEFAULT_PARAMETERS = bytes((0x11, 0x10, 0x00, 0x45, 0x00, 0xFE, 0x00))
"""For T=1 (6.1.5): Fi and Di 1, LRC, no extra guard time, waiting times, clock never stops, IFSC 254, NAD 0."""


class Presence(enum.IntEnum):
    """bmICCStatus (table 6.2-3)."""

    ACTIVE = 0
    INACTIVE = 1
    ABSENT = 2


class _Error(enum.IntEnum):
    """bError (table 6.2-2); below 128 it is the offset of the field that is wrong."""

    UNSUPPORTED = 0
    BAD_LENGTH = 1
    BAD_SLOT = 5
    BAD_PARAMETER = 7
    BAD_LEVEL = 8
    ICC_MUTE = 0xFE
    ABORTED = 0xFF


class _Failure(Exception):  # noqa: N818 - an answer, not a mistake
    def __init__(self, error: _Error) -> None:
        super().__init__(error.name)
        self.error = error


@dataclass(slots=True, frozen=True)
class _Message:
    kind: int
    slot: int
    sequence: int
    own: bytes
    """The three bytes that each message uses as it likes."""
    data: bytes


_Reply = tuple[int, bytes]
"""The last byte of the header, and the data."""


def slot_change(*, present: bool) -> bytes:
    """RDR_to_PC_NotifySlotChange (6.3.1): the state of slot 0, and that it has changed."""
    return bytes((_NOTIFY_SLOT_CHANGE, 0x02 | present))


class Slot:
    """Answers messages, each at once. ``card`` is None while there is none."""

    def __init__(self, card: Card | None) -> None:
        self.presence = Presence.INACTIVE if card else Presence.ABSENT
        self._card = card
        self._parameters = _DEFAULT_PARAMETERS
        self._aborting: int | None = None
        self._commands: dict[int, tuple[int, Callable[[_Message], _Reply]]] = {
            0x61: (_PARAMETERS, self._set_parameters),
            0x62: (_DATA_BLOCK, self._power_on),
            0x63: (_SLOT_STATUS, self._power_off),
            0x65: (_SLOT_STATUS, self._status),
            0x6C: (_PARAMETERS, self._get_parameters),
            0x6D: (_PARAMETERS, self._reset_parameters),
            0x6E: (_SLOT_STATUS, self._clock),
            0x6F: (_DATA_BLOCK, self._transfer),
            0x72: (_SLOT_STATUS, self._abort),
            0x73: (_RATE, self._rate),
        }

    def insert(self, card: Card | None) -> None:
        """Put a card in, or take it out (None)."""
        self._card = card
        self.presence = Presence.INACTIVE if card else Presence.ABSENT

    def restart(self) -> None:
        """The reader was configured: the card has no power, and nothing is under way."""
        self.insert(self._card)
        self._aborting = None

    def abort(self, sequence: int) -> None:
        """The ABORT request (5.3.1): until the message of the same number has come, nothing is done."""
        self._aborting = sequence

    def answer(self, raw: bytes) -> bytes:
        """The answer to a message of at least ``HEADER_SIZE`` bytes."""
        kind, length, slot, sequence, own = _HEADER.unpack_from(raw)
        message = _Message(kind, slot, sequence, own, raw[HEADER_SIZE:])
        answer, command = self._commands.get(kind, (_SLOT_STATUS, self._unsupported))
        try:
            self._check(message, length)
            last, data = command(message)
            status, error = int(self.presence), 0
        except _Failure as failure:
            last, data = 0, b""
            status, error = _FAILED | (self.presence if slot == 0 else Presence.ABSENT), failure.error
        return _HEADER.pack(answer, len(data), slot, sequence, bytes((status, error, last))) + data

    def _check(self, message: _Message, length: int) -> None:
        if length != len(message.data) or length > MAX_MESSAGE - HEADER_SIZE:
            raise _Failure(_Error.BAD_LENGTH)
        if message.slot:
            raise _Failure(_Error.BAD_SLOT)
        if self._aborting is not None and message.kind != 0x72:
            raise _Failure(_Error.ABORTED)

    def _unsupported(self, message: _Message) -> _Reply:  # noqa: ARG002
        raise _Failure(_Error.UNSUPPORTED)

    def _inserted(self) -> Card:
        if self._card is None:
            raise _Failure(_Error.ICC_MUTE)
        return self._card

    def _power_on(self, message: _Message) -> _Reply:
        """6.1.1: 0 is automatic, or 5, 3 and 1.8 V. The card resets, and says what it is."""
        if message.own[0] > 3:
            raise _Failure(_Error.BAD_PARAMETER)
        card = self._inserted()
        card.reset()
        self.presence = Presence.ACTIVE
        return 0, card.atr

    def _power_off(self, message: _Message) -> _Reply:  # noqa: ARG002
        if self._card is not None:
            self.presence = Presence.INACTIVE
        return self._clock_status, b""

    def _status(self, message: _Message) -> _Reply:  # noqa: ARG002
        return self._clock_status, b""

    @property
    def _clock_status(self) -> int:
        """The bClockStatus (6.2.2): runs, or stopped in an unknown state."""
        return 0 if self.presence is Presence.ACTIVE else 3

    def _transfer(self, message: _Message) -> _Reply:
        """6.1.4: an APDU; only extended ones come in several messages."""
        card = self._inserted()
        if self.presence is not Presence.ACTIVE:
            raise _Failure(_Error.ICC_MUTE)
        if message.own[1:] != b"\0\0":
            raise _Failure(_Error.BAD_LEVEL)
        return 0, card.answer(message.data)

    def _get_parameters(self, message: _Message) -> _Reply:  # noqa: ARG002
        self._inserted()
        return _PROTOCOL_T1, self._parameters

    def _reset_parameters(self, message: _Message) -> _Reply:
        self._parameters = _DEFAULT_PARAMETERS
        return self._get_parameters(message)

    def _set_parameters(self, message: _Message) -> _Reply:
        if message.own[0] != _PROTOCOL_T1:
            raise _Failure(_Error.BAD_PARAMETER)
        if len(message.data) != len(_DEFAULT_PARAMETERS):
            raise _Failure(_Error.BAD_LENGTH)
        self._parameters = message.data
        return self._get_parameters(message)

    def _clock(self, message: _Message) -> _Reply:
        """6.1.9: it need not stop."""
        if message.own[0] > 1:
            raise _Failure(_Error.BAD_PARAMETER)
        return self._clock_status, b""

    def _abort(self, message: _Message) -> _Reply:
        """6.1.13: both halves have come; what was under way has been answered already."""
        if self._aborting == message.sequence:
            self._aborting = None
        return self._clock_status, b""

    def _rate(self, message: _Message) -> _Reply:
        """6.1.14: there is no choice."""
        if len(message.data) != 8:
            raise _Failure(_Error.BAD_LENGTH)
        return 0, struct.pack("<II", CLOCK, DATA_RATE)
