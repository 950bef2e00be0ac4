"""Cases against live programs: a whole conversation, and what is done to its messages on the way.

A case is bytes: one that chooses the conversation, then eight for each mutation (``<BBHI``: how, which message, where,
with what). Any bytes are a case, so cases can be cut, joined and kept as files. Mutations here know bytes; those of
:mod:`.layers` know fields.
"""

from __future__ import annotations

import functools
import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fuzz.layers import LAYERED, changed
from wslusb.wire.frame import MessageType

__all__ = ["Channel", "Mutation", "describe", "mutations", "random_case", "shorter"]

_MUTATION = struct.Struct("<BBHI")
_EXTREMES = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x10000,
    0x800000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
)
_MESSAGES = 24
_COPIES = 40
_FLOODS = (8, 64, 520, 1200)
"""The last two are beyond the credits of a device."""
_UNNUMBERED = frozenset({MessageType.URB_RESPONSE, MessageType.PONG, MessageType.EVENT, MessageType.ERROR})
_MOST = 4


@dataclass(slots=True, frozen=True)
class Mutation:
    """One thing that is done to message number ``at``."""

    how: int
    at: int
    offset: int
    value: int

    @property
    def name(self) -> str:
        """What is done, in a word."""
        return _NAMES[self.how % len(_NAMES)]


def mutations(case: bytes) -> list[Mutation]:
    """Those of a case; what is left of the last one does nothing."""
    whole = case[1 : 1 + (len(case) - 1) // _MUTATION.size * _MUTATION.size]
    return [Mutation(how, at % _MESSAGES, offset, value) for how, at, offset, value in _MUTATION.iter_unpack(whole)]


def describe(case: bytes) -> str:
    """A case for a person."""
    told = [f"message {m.at}: {m.name} at {m.offset} with {m.value:#x}" for m in mutations(case)]
    return f"conversation {case[0] if case else 0}; " + ("; ".join(told) or "nothing is changed")


def shorter(case: bytes) -> list[bytes]:
    """The same case without one of its mutations, for each of them; then with smaller numbers in them."""
    starts = range(1, len(case) - _MUTATION.size + 1, _MUTATION.size)
    less = [case[:at] + case[at + _MUTATION.size :] for at in starts]
    for at in starts:
        how, message, offset, value = _MUTATION.unpack_from(case, at)
        smaller = {(offset, 0), (0, value), (offset % 64, value), (offset, value & 0xFF)} - {(offset, value)}
        packed = (_MUTATION.pack(how, message, *each) for each in sorted(smaller))
        less.extend(case[:at] + each + case[at + _MUTATION.size :] for each in packed)
    return less


def random_case(numbers: random.Random, corpus: list[bytes]) -> bytes:
    """A new one, or one that did something new with one more mutation."""
    fresh = [_draw(numbers) for _ in range(numbers.randint(1, 3))]
    if corpus and numbers.random() < 0.5:
        case = numbers.choice(corpus)
        if len(case) < 1 + _MOST * _MUTATION.size:
            return case + fresh[0]
    return bytes((numbers.randrange(256),)) + b"".join(fresh)


def _draw(numbers: random.Random) -> bytes:
    # Most fields are in the first bytes of a message.
    offset = numbers.randrange(64) if numbers.random() < 0.8 else numbers.randrange(1 << 16)
    return _MUTATION.pack(numbers.randrange(len(_NAMES)), numbers.randrange(_MESSAGES), offset, numbers.getrandbits(32))


class Channel:
    """What a message becomes: the pieces that are sent in its place, none where it is lost or kept back.

    ``big`` is for USB/IP. ``asks``: the messages have numbers of their own, in order. ``ended`` says that nothing is to
    be sent any more.
    """

    def __init__(self, case: bytes, *, big: bool = False, asks: bool = True) -> None:
        self.ended = False
        self._plan = mutations(case)
        self._big, self._asks = big, asks
        self._order = ">" if big else "<"
        self._count = 0
        self._kept = b""
        self._more = 0

    @property
    def changes(self) -> bool:
        """Whether anything is done to a message."""
        return bool(self._plan)

    def through(self, message: bytes) -> list[bytes]:
        """The next message of the conversation."""
        if self.ended:
            return []
        number, self._count = self._count, self._count + 1
        message = self._numbered(message, self._more)
        pieces, kept, self._kept = [message], self._kept, b""
        for each in self._plan:
            if each.at == number:
                pieces = _ACTIONS[each.name](self, each, b"".join(pieces))
        return [piece for piece in (*pieces, kept) if piece]

    def _numbered(self, message: bytes, more: int) -> bytes:
        """A message with a number that is larger by so much, if it has one of its own."""
        at = 4 if self._big else 8
        if not more or len(message) < at + 4 or (not self._big and message[0] in _UNNUMBERED):
            return message
        (number,) = struct.unpack_from(self._order + "I", message, at)
        return message[:at] + struct.pack(self._order + "I", number + more & 0xFFFFFFFF) + message[at + 4 :]

    def flip(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """Some bits of a byte."""
        data, at = bytearray(message), mutation.offset % max(len(message), 1)
        data[at : at + 1] = bytes(byte ^ (mutation.value & 0xFF or 1) for byte in data[at : at + 1])
        return [bytes(data)]

    def number(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """A field of 32 bits becomes an extreme."""
        at = mutation.offset % max(len(message), 1) & ~3
        extreme = struct.pack(self._order + "I", _EXTREMES[mutation.value % len(_EXTREMES)])
        return [message[:at] + extreme + message[at + 4 :]]

    def half(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """A field of 16 bits becomes an extreme."""
        at = mutation.offset % max(len(message), 1) & ~1
        extreme = struct.pack(self._order + "H", _EXTREMES[mutation.value % len(_EXTREMES)] & 0xFFFF)
        return [message[:at] + extreme + message[at + 2 :]]

    def resize(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """A payload of another length, which its header admits."""
        size = mutation.offset % 200
        payload = (message[16:] + bytes(size))[:size]
        return [message[:4] + struct.pack(self._order + "I", size) + message[8:16] + payload]

    def cut(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """The end is missing; what follows begins in the middle of it."""
        return [message[: mutation.offset % max(len(message), 1)]]

    def more(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """Something behind it that its header does not know."""
        return [message + mutation.value.to_bytes(4, "little") * (mutation.offset % 16 + 1)]

    def again(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """Twice, or many times."""
        return [message * (2 + mutation.value % _COPIES if mutation.offset & 1 else 2)]

    def lose(self, _mutation: Mutation, _message: bytes) -> list[bytes]:
        """It is not sent."""
        return []

    def late(self, _mutation: Mutation, message: bytes) -> list[bytes]:
        """The next one goes first."""
        self._kept = message
        return []

    def split(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """In two sends."""
        at = mutation.offset % max(len(message), 1)
        return [message[:at], message[at:]]

    def insert(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """A message of any type before it."""
        size = mutation.offset % 64
        head = struct.pack(self._order + "4I", mutation.value & 0xFF, size, mutation.value >> 8 & 0xFF, 0)
        return [head + bytes(size), message]

    def renumber(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """Another sequence number, near by."""
        at = 4 if self._order == ">" else 8
        if len(message) < at + 4:
            return [message]
        (before,) = struct.unpack_from(self._order + "I", message, at)
        after = before + mutation.value % 7 - 3 & 0xFFFFFFFF
        return [message[:at] + struct.pack(self._order + "I", after) + message[at + 4 :]]

    def flood(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """Many times, each with the next number; what comes after it goes on from there."""
        copies = _FLOODS[mutation.value % len(_FLOODS)]
        self._more += copies - 1 if self._asks else 0
        return [b"".join(self._numbered(message, each) for each in range(copies))]

    def layered(self, mutation: Mutation, message: bytes, name: str) -> list[bytes]:
        """One of :data:`tests.fuzz.layers.LAYERED`."""
        return [changed(name, message, mutation.offset, mutation.value, big=self._big)]

    def end(self, mutation: Mutation, message: bytes) -> list[bytes]:
        """The connection ends within it."""
        self.ended = True
        return [message[: mutation.offset % (len(message) + 1)]]


def _layered(name: str, channel: Channel, mutation: Mutation, message: bytes) -> list[bytes]:
    return channel.layered(mutation, message, name)


_ACTIONS: Mapping[str, Callable[[Channel, Mutation, bytes], list[bytes]]] = {
    action.__name__: action
    for action in (
        Channel.flip, Channel.number, Channel.half, Channel.resize, Channel.cut, Channel.more, Channel.again,
        Channel.lose, Channel.late, Channel.split, Channel.insert, Channel.renumber, Channel.end, Channel.flood,
    )
} | {name: functools.partial(_layered, name) for name in LAYERED}  # fmt: skip
_NAMES = tuple(_ACTIONS)
