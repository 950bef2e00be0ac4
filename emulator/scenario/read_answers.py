"""The answers in a scenario file, and where their bytes come from."""

from __future__ import annotations

from collections.abc import Callable

from emulator.files import contents

from .data import Data, Echo, Literal, Pattern, PatternKind
from .script import NOTHING, Answer, Outcome, Send
from .tree import Fields, Node

__all__ = ["ANSWER_KEYS", "MOST", "STATUSES", "read_answer", "read_send"]

_SOURCES = ("hex", "text", "file", "pattern", "echo")
ANSWER_KEYS = (*_SOURCES, "length", "seed", "status", "delay", "times", "zlp", "packet")
_SEND_KEYS = ("endpoint", *_SOURCES, "length", "seed", "status", "delay", "zlp")
STATUSES = {outcome.value: outcome for outcome in Outcome}
_SEND_STATUSES = {outcome.value: outcome for outcome in (Outcome.OK, Outcome.STALL)}
_PATTERNS = {kind.value: kind for kind in PatternKind}
_FILE_LIMIT = 64 << 20
MOST = 1 << 24
"""The most that anything is counted to."""


def read_answer(node: Node) -> Answer:
    """An answer of a rule. LocalError for what is wrong."""
    fields = node.fields(*ANSWER_KEYS)
    outcome = status.choice(STATUSES) if (status := fields.get("status")) else Outcome.OK
    packet = fields.integer("packet", 0, 1, 0xFFFF) or None
    return Answer(
        data=_data(fields), outcome=_sound(fields, outcome), delay=_delay(fields), packet=packet,
        times=fields.integer("times", 1, 1, MOST), zero_packet=fields.flag("zlp"),
    )  # fmt: skip


def read_send(node: Node) -> Send:
    """What a rule sends. LocalError for what is wrong."""
    fields = node.fields(*_SEND_KEYS)
    outcome = status.choice(_SEND_STATUSES) if (status := fields.get("status")) else Outcome.OK
    answer = Answer(
        data=_data(fields), outcome=_sound(fields, outcome), delay=_delay(fields), zero_packet=fields.flag("zlp")
    )
    return Send(fields.need("endpoint").integer(0x81, 0x8F), answer)


def _sound(fields: Fields, outcome: Outcome) -> Outcome:
    if outcome is not Outcome.OK and fields.present(*_SOURCES, "zlp"):
        fields.node.complain(f"an answer with status '{outcome.value}' has no data")
    return outcome


def _delay(fields: Fields) -> float:
    node = fields.get("delay")
    return 0.0 if node is None else node.seconds()


def _data(fields: Fields) -> Data:
    sources = fields.present(*_SOURCES)
    if len(sources) > 1:
        fields.node.complain(f"an answer has one of {', '.join(_SOURCES)}, not {' and '.join(sources)}")
    for key in ("length", "seed"):
        if fields.get(key) and sources != ["pattern"]:
            fields.node.complain(f"{key} is for a pattern")
    return _READERS[sources[0]](fields.need(sources[0]), fields) if sources else NOTHING


def _pattern(node: Node, fields: Fields) -> Data:
    kind = node.choice(_PATTERNS)
    if kind is not PatternKind.RANDOM and fields.get("seed"):
        fields.node.complain("seed is for the random pattern")
    length = fields.integer("length", 0, 0, MOST) if fields.get("length") else None
    return Pattern(kind=kind, length=length, seed=fields.integer("seed", 0, 0, 1 << 63))


def _echo(node: Node, _fields: Fields) -> Data:
    if isinstance(node.value, str) and node.value:
        return Echo(node.value)
    if node.value is not True:
        node.expected("true, or the name of a rule")
    return Echo()


def _file(node: Node, _fields: Fields) -> Data:
    """A file beside the scenario, or with a whole path."""
    try:
        return Literal(contents(node.source.path.parent / node.text(), _FILE_LIMIT))
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        node.complain(f"{getattr(error, 'strerror', None) or error}")


_READERS: dict[str, Callable[[Node, Fields], Data]] = {
    "hex": lambda node, _: Literal(node.hexadecimal()),
    "text": lambda node, _: Literal(node.text().encode("utf-8", "surrogatepass")),
    "file": _file,
    "pattern": _pattern,
    "echo": _echo,
}
