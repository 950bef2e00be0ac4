"""Command APDUs, the requests to smart cards and to U2F keys (ISO 7816-4, 5.1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["CommandApdu", "Refusal", "Word"]


class Word(enum.IntEnum):
    """Status words, with which every answer ends (ISO 7816-4, 5.1.3)."""

    OK = 0x9000
    END_OF_FILE = 0x6282
    WRONG_LENGTH = 0x6700
    NOT_SATISFIED = 0x6985
    NO_FILE_SELECTED = 0x6986
    WRONG_DATA = 0x6A80
    NOT_FOUND = 0x6A82
    NO_SPACE = 0x6A84
    WRONG_P1P2 = 0x6B00
    UNKNOWN_INSTRUCTION = 0x6D00
    UNKNOWN_CLASS = 0x6E00
    NO_SUCH_DATA = 0x6A88

    def pack(self) -> bytes:
        """The two bytes."""
        return self.to_bytes(2, "big")


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """The answer is this status word and nothing else."""

    def __init__(self, word: Word) -> None:
        super().__init__(word.name)
        self.word = word


@dataclass(slots=True, frozen=True)
class CommandApdu:
    """A command. ``expected`` is the most bytes that may be answered (Le), 0 where none are asked for."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    expected: int = 0

    @classmethod
    def unpack(cls, raw: bytes) -> CommandApdu:
        """Short or extended lengths; :class:`Refusal` (WRONG_LENGTH) where they do not fit."""
        if len(raw) < 4:
            raise Refusal(Word.WRONG_LENGTH)
        cla, ins, p1, p2, *_ = raw
        data, tail, widest = _split_body(raw[4:])
        expected = (int.from_bytes(tail, "big") or widest) if tail else 0
        return cls(cla, ins, p1, p2, data, expected)

    @property
    def parameter(self) -> int:
        """P1 and P2 as one number."""
        return self.p1 << 8 | self.p2


def _split_body(body: bytes) -> tuple[bytes, bytes, int]:
    """Data, the bytes of Le, and what Le 0 stands for."""
    extended = len(body) >= 3 and body[0] == 0
    prefix, widest = (3, 1 << 16) if extended else (1, 1 << 8)
    if len(body) <= prefix:  # Le alone, or nothing at all
        return b"", body, widest
    size = int.from_bytes(body[:prefix], "big")
    data, tail = body[prefix : prefix + size], body[prefix + size :]
    if len(data) != size or len(tail) > (2 if extended else 1):
        raise Refusal(Word.WRONG_LENGTH)
    return data, tail, widest
