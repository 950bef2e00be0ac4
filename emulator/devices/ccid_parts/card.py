"""A smart card: a few files in memory behind the interindustry commands (ISO 7816-4; ISO 7816-3 for the ATR)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from operator import xor

from .apdu import CommandApdu, Refusal, Word

__all__ = ["AID", "Card", "FILE", "answer_to_reset"]

AID = b"\xf0wslusb"
"""The card's one application; F0 begins the identifiers that nobody registers (ISO 7816-4, 8.2.1.2)."""
MASTER, DIRECTORY, SERIAL, FILE = 0x3F00, 0x2F00, 0x2F02, 0x0001
_DIRECT, _T1_FOLLOWS = 0x3B, 0x80
_PSEUDO_CLASS = 0xFF  # PC/SC part 3: what a reader answers in the card's place
_GET_UID = 0x0000
_BY_IDENTIFIER, _BY_NAME = 0x00, 0x04
_NO_ANSWER = 0x0C
_SHORT_IDENTIFIER = 0x8000
_TAG_AID = 0x004F


def answer_to_reset(historical: bytes) -> bytes:
    """The ATR of a card that speaks T=1 alone; up to 15 historical bytes (ISO 7816-3, 8.2)."""
    body = bytes((_T1_FOLLOWS | len(historical), 0x01)) + historical
    return bytes((_DIRECT,)) + body + bytes((functools.reduce(xor, body),))


def _tlv(tag: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    return bytes((tag, len(value))) + value


class Card:
    """A card with elementary files: EF.DIR, a serial number, and one to read and write (0001, of the application).

    ``uid`` is what a contactless card has as its number.
    """

    def __init__(self, uid: bytes = b"\x04wslusb", text: bytes = b"Hello from a virtual card\n") -> None:
        self.atr = answer_to_reset(b"wslusb card")
        self.files: dict[int, bytearray] = {
            DIRECTORY: bytearray(_tlv(0x61, _tlv(0x4F, AID), _tlv(0x50, b"wslusb"))),
            SERIAL: bytearray(_tlv(0x5A, uid)),
            FILE: bytearray(text),
        }
        self._uid = uid
        self._selected = MASTER
        self._instructions = {
            0xA4: self._select, 0xB0: self._read_binary, 0xD6: self._update_binary, 0xCA: self._get_data,
        }  # fmt: skip

    @property
    def contents(self) -> Mapping[int, bytes]:
        """The files, by identifier."""
        return {identifier: bytes(data) for identifier, data in self.files.items()}

    def reset(self) -> None:
        """Cold or warm: the master file is selected again."""
        self._selected = MASTER

    def answer(self, raw: bytes) -> bytes:
        """The response APDU: data, then a status word."""
        try:
            command = CommandApdu.unpack(raw)
            if command.cla == _PSEUDO_CLASS:
                return self._pseudo(command)
            if command.cla:
                raise Refusal(Word.UNKNOWN_CLASS)
            instruction = self._instructions.get(command.ins)
            if instruction is None:
                raise Refusal(Word.UNKNOWN_INSTRUCTION)
            return instruction(command)
        except Refusal as refusal:
            return refusal.word.pack()

    def _pseudo(self, command: CommandApdu) -> bytes:
        """GET DATA of the UID (PC/SC part 3, 3.2.2.1.3)."""
        if (command.ins, command.parameter) != (0xCA, _GET_UID):
            raise Refusal(Word.UNKNOWN_INSTRUCTION)
        return self._uid[: command.expected] + Word.OK.pack()

    def _select(self, command: CommandApdu) -> bytes:
        """7.1.1: by identifier (none is the master file), or by name, of which a beginning is enough."""
        if command.p1 == _BY_NAME:
            if not command.data or not AID.startswith(command.data):
                raise Refusal(Word.NOT_FOUND)
            self._selected = MASTER
            template = _tlv(0x6F, _tlv(0x84, AID))
        elif command.p1 == _BY_IDENTIFIER:
            template = self._select_file(command.data or MASTER.to_bytes(2, "big"))
        else:
            raise Refusal(Word.WRONG_P1P2)
        wanted = command.expected and command.p2 & _NO_ANSWER != _NO_ANSWER
        return (template[: command.expected] if wanted else b"") + Word.OK.pack()

    def _select_file(self, name: bytes) -> bytes:
        identifier = int.from_bytes(name, "big")
        if len(name) != 2 or identifier not in (MASTER, *self.files):
            raise Refusal(Word.NOT_FOUND)
        self._selected = identifier
        if identifier == MASTER:
            return _tlv(0x62, _tlv(0x82, b"\x38"), _tlv(0x83, name))
        size = len(self.files[identifier]).to_bytes(2, "big")
        return _tlv(0x62, _tlv(0x80, size), _tlv(0x82, b"\x01"), _tlv(0x83, name))

    def _current(self, command: CommandApdu) -> bytearray:
        if self._selected not in self.files:
            raise Refusal(Word.NO_FILE_SELECTED)
        if command.parameter & _SHORT_IDENTIFIER:
            raise Refusal(Word.WRONG_P1P2)
        file = self.files[self._selected]
        if command.parameter > len(file):
            raise Refusal(Word.WRONG_P1P2)
        return file

    def _read_binary(self, command: CommandApdu) -> bytes:
        """7.2.3. Le 0 is "as much as there is", which cannot be too much."""
        file, offset = self._current(command), command.parameter
        data = bytes(file[offset : offset + command.expected])
        everything = command.expected in (1 << 8, 1 << 16)
        return data + (Word.OK if everything or len(data) == command.expected else Word.END_OF_FILE).pack()

    def _update_binary(self, command: CommandApdu) -> bytes:
        """7.2.5. A file does not grow."""
        file, offset = self._current(command), command.parameter
        if not command.data:
            raise Refusal(Word.WRONG_LENGTH)
        if offset + len(command.data) > len(file):
            raise Refusal(Word.NO_SPACE)
        file[offset : offset + len(command.data)] = command.data
        return Word.OK.pack()

    def _get_data(self, command: CommandApdu) -> bytes:
        """7.4.2: the identifier of the application is all there is."""
        if command.parameter != _TAG_AID:
            raise Refusal(Word.NO_SUCH_DATA)
        return _tlv(0x4F, AID)[: command.expected] + Word.OK.pack()
