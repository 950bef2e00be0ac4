"""What a scripted device does, as data: rules that match what the host asks, and answers to give in turn.

Rules are tried in the order in which they are written; the first that matches and still has an answer is the one. A
TOML file says the same (docs/scenarios.md); ``reader.py`` builds these objects from it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .data import Data, Literal

__all__ = [
    "FIRST_STATE", "LAST", "LOOP", "NOTHING", "Answer", "Among", "ControlRule", "InRule", "Masked", "Nth", "OutRule",
    "Outcome", "Repeat", "Rule", "Script", "Send", "Spoken", "Wanted",
]  # fmt: skip

FIRST_STATE = "start"
"""The state of a device that was just plugged in."""


NOTHING: Final = Literal()
"""No data: a good status, or a zero-length packet."""


class Outcome(enum.Enum):
    """How an answer ends. The values are what a scenario file says."""

    OK = "ok"
    STALL = "stall"
    NAK = "nak"
    """Never, or on a bulk or interrupt endpoint until the script's state changes."""
    STANDARD = "standard"
    """Control: as USB 2.0 chapter 9 has it. A rule that answers so only watches."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Answer:
    """One answer. ``delay`` is in seconds, from when the host asks; ``times`` how often it is given in a row.

    ``zero_packet`` ends IN data with a zero-length packet where the last packet is full. ``packet`` cuts the data of
    an isochronous endpoint into packets of so many bytes (None: as many as the host asks for).
    """

    data: Data = NOTHING
    outcome: Outcome = Outcome.OK
    delay: float = 0.0
    times: int = 1
    zero_packet: bool = False
    packet: int | None = None


class Repeat(enum.Enum):
    """What comes after the last answer of a rule; a number n instead of it means: the whole, n times."""

    LOOP = "loop"
    LAST = "last"


LOOP: Final = Repeat.LOOP
"""The first answer again."""
LAST: Final = Repeat.LAST
"""The last answer for ever."""


@dataclass(slots=True, frozen=True)
class Masked:
    """A number of which only the bits of ``mask`` count."""

    value: int
    mask: int


@dataclass(slots=True, frozen=True)
class Among:
    """Any of some numbers."""

    values: tuple[int, ...]


Wanted = int | Masked | Among | None
"""What a field of a SETUP packet has to be; None: anything."""


@dataclass(slots=True, frozen=True)
class Nth:
    """Some of the times that a rule matches, counted from 1: any of ``numbers``, and all from ``first`` to ``last``."""

    numbers: tuple[int, ...] = ()
    first: int = 0
    last: int | None = 0

    def __contains__(self, count: int) -> bool:
        return count in self.numbers or (self.first <= count and (self.last is None or count <= self.last))


@dataclass(slots=True, frozen=True)
class Send:
    """What a rule has an IN endpoint send: behind what that endpoint has queued. STALL halts it after that."""

    endpoint: int
    answer: Answer


@dataclass(slots=True, frozen=True, kw_only=True)
class Rule:
    """What all rules have.

    A rule matches only in ``state`` (empty: in any), and only after the rule named ``after`` has matched once. Of the
    times that it matches, ``nth`` picks (None: all). When it has answered, the state is ``set_state`` (empty: as it
    was), and ``sends`` are on their way. ``answers`` are given in turn, ``repeat`` says how often.
    """

    name: str = ""
    state: str = ""
    after: str = ""
    nth: Nth | None = None
    answers: tuple[Answer, ...] = (Answer(),)
    repeat: Repeat | int = LOOP
    set_state: str = ""
    sends: tuple[Send, ...] = ()


@dataclass(slots=True, frozen=True, kw_only=True)
class Spoken(Rule):
    """A rule that also looks at what the host sends: the whole of it, its beginning, a regular expression in it."""

    equals: bytes | None = None
    starts_with: bytes = b""
    matches: re.Pattern[bytes] | None = None


@dataclass(slots=True, frozen=True, kw_only=True)
class ControlRule(Spoken):
    """A request on endpoint zero: class and vendor requests only, unless ``request_type`` says otherwise."""

    request_type: Wanted = None
    request: Wanted = None
    value: Wanted = None
    index: Wanted = None
    length: Wanted = None


@dataclass(slots=True, frozen=True, kw_only=True)
class OutRule(Spoken):
    """A write to an OUT endpoint. The answer's data mean nothing: an OUT endpoint answers with ``sends``."""

    endpoint: int


@dataclass(slots=True, frozen=True, kw_only=True)
class InRule(Rule):
    """A read of an IN endpoint that has nothing queued; each answer is one transfer."""

    endpoint: int


@dataclass(slots=True, frozen=True, kw_only=True)
class Script:
    """All rules of a device.

    ``messages`` has, by OUT endpoint, the bytes that end a message: what the host writes there is put together, and
    rules see whole messages with their ends. Other endpoints' rules see each write.
    """

    control: tuple[ControlRule, ...] = ()
    reads: tuple[InRule, ...] = ()
    writes: tuple[OutRule, ...] = ()
    messages: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All of them."""
        return (*self.control, *self.reads, *self.writes)
