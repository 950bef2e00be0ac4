"""The rules of a scenario file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

from .data import Data, Echo, Literal, Pattern, PatternKind
from .names import REQUESTS, request_type
from .script import (
    LAST,
    LOOP,
    NOTHING,
    Among,
    Answer,
    ControlRule,
    InRule,
    Masked,
    Nth,
    Outcome,
    OutRule,
    Repeat,
    Script,
    Send,
    Wanted,
)
from .tree import Fields, Node

__all__ = ["RULE_KEYS", "read_script"]

RULE_KEYS = ("control", "in", "out", "messages")
_COMMON = ("name", "state", "after", "nth", "answer", "repeat", "set_state", "send")
_SPOKEN = ("equals", "starts_with", "matches")
_SETUP = ("request_type", "request", "value", "index", "length")
_SOURCES = ("hex", "text", "file", "pattern", "echo")
_ANSWER = (*_SOURCES, "length", "seed", "status", "delay", "times", "zlp", "packet")
_SEND = ("endpoint", *_SOURCES, "length", "seed", "status", "delay", "zlp")
_STATUSES = {outcome.value: outcome for outcome in Outcome}
_SEND_STATUSES = {outcome.value: outcome for outcome in (Outcome.OK, Outcome.STALL)}
_PATTERNS = {kind.value: kind for kind in PatternKind}
_REPEATS: dict[str, Repeat | int] = {"loop": LOOP, "last": LAST, "once": 1}
_MOST = 1 << 24
_FILE_LIMIT = 64 << 20


def read_script(fields: Fields) -> tuple[Script, list[Node]]:
    """The script, and the node of each of its rules. LocalError for what is wrong."""
    nodes = [fields.items(key) for key in ("control", "in", "out")]
    script = Script(
        control=tuple(_control(node) for node in nodes[0]),
        reads=tuple(_read(node) for node in nodes[1]),
        writes=tuple(_write(node) for node in nodes[2]),
        messages=_messages(fields),
    )
    return script, [node for group in nodes for node in group]


def _control(node: Node) -> ControlRule:
    fields = node.fields(*_COMMON, *_SPOKEN, *_SETUP)
    return ControlRule(
        request_type=_wanted(fields, "request_type", 0xFF, _request_type),
        request=_wanted(fields, "request", 0xFF, _request),
        value=_wanted(fields, "value", 0xFFFF),
        index=_wanted(fields, "index", 0xFFFF),
        length=_wanted(fields, "length", 0xFFFF),
        **_spoken(fields),
        **_common(fields),
    )


def _read(node: Node) -> InRule:
    fields = node.fields("endpoint", *_COMMON)
    return InRule(endpoint=fields.need("endpoint").integer(0x81, 0x8F), **_common(fields))


def _write(node: Node) -> OutRule:
    fields = node.fields("endpoint", *_COMMON, *_SPOKEN)
    return OutRule(endpoint=fields.need("endpoint").integer(1, 15), **_spoken(fields), **_common(fields))


def _messages(fields: Fields) -> dict[int, bytes]:
    node = fields.get("messages")
    found = {}
    for key, value in node.entries() if node else ():
        if not re.fullmatch(r"0x[0-9a-fA-F]{1,2}|[0-9]{1,2}", key) or not 1 <= int(key, 0 if "x" in key else 10) <= 15:
            value.complain("the key of a message's end is the address of an OUT endpoint, 1 to 15")
        end = found[int(key, 0 if "x" in key else 10)] = _octets(value)
        if not end:
            value.expected("at least one byte")
    return found


# -- conditions


def _common(fields: Fields) -> dict[str, Any]:
    answers = tuple(_answer(node) for node in node.one_or_more()) if (node := fields.get("answer")) else (Answer(),)
    if not answers:
        fields.need("answer").expected("at least one answer")
    return {
        "name": fields.text("name"),
        "state": fields.text("state"),
        "after": fields.text("after"),
        "nth": _nth(node) if (node := fields.get("nth")) else None,
        "answers": answers,
        "repeat": _repeat(node) if (node := fields.get("repeat")) else LOOP,
        "set_state": fields.text("set_state"),
        "sends": tuple(_send(each) for each in node.one_or_more()) if (node := fields.get("send")) else (),
    }


def _spoken(fields: Fields) -> dict[str, Any]:
    return {
        "equals": _octets(node) if (node := fields.get("equals")) else None,
        "starts_with": _octets(node) if (node := fields.get("starts_with")) else b"",
        "matches": _expression(node) if (node := fields.get("matches")) else None,
    }


def _octets(node: Node) -> bytes:
    """A text, or ``{ hex = "..." }``."""
    if isinstance(node.value, dict):
        return node.fields("hex").need("hex").hexadecimal()
    return node.text().encode("utf-8", "surrogatepass")


def _expression(node: Node) -> re.Pattern[bytes]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what may mean something else in a later Python means this in ours
            return re.compile(node.text().encode("utf-8", "surrogatepass"), re.DOTALL)
    except (re.error, RecursionError, OverflowError) as error:
        node.complain(f"not a regular expression: {error}")


def _wanted(fields: Fields, key: str, high: int, word: Callable[[Node], int] | None = None) -> Wanted:
    node = fields.get(key)
    if node is None:
        return None
    if isinstance(node.value, dict):
        mask = node.fields("value", "mask")
        return Masked(mask.need("value").integer(0, high), mask.need("mask").integer(0, high))
    if isinstance(node.value, list):
        if not node.value:
            node.expected("at least one number")
        return Among(tuple(_number(each, high, word) for each in node.items()))
    return _number(node, high, word)


def _number(node: Node, high: int, word: Callable[[Node], int] | None) -> int:
    return word(node) if word and isinstance(node.value, str) else node.integer(0, high)


def _request_type(node: Node) -> int:
    number = request_type(node.text())
    if number is None:
        node.expected("a number, or three words such as 'vendor device in', 'class interface out'")
    return number


def _request(node: Node) -> int:
    return node.choice(REQUESTS)


def _nth(node: Node) -> Nth:
    if isinstance(node.value, int):
        return Nth((node.integer(1, _MOST),))
    if isinstance(node.value, list):
        return Nth(tuple(each.integer(1, _MOST) for each in node.items()))
    match = re.fullmatch(r"([0-9]{1,8})-([0-9]{1,8})?", node.value) if isinstance(node.value, str) else None
    if not match or not int(match[1]):
        node.expected("a number, some numbers, or a range such as '2-4' or '3-', counted from 1")
    return Nth((), int(match[1]), int(match[2]) if match[2] else None)


def _repeat(node: Node) -> Repeat | int:
    if isinstance(node.value, str):
        return node.choice(_REPEATS)
    return node.integer(1, _MOST)


# -- answers


def _answer(node: Node) -> Answer:
    fields = node.fields(*_ANSWER)
    outcome = status.choice(_STATUSES) if (status := fields.get("status")) else Outcome.OK
    packet = fields.integer("packet", 0, 1, 0xFFFF) or None
    return Answer(
        data=_data(fields), outcome=_sound(fields, outcome), delay=_delay(fields), packet=packet,
        times=fields.integer("times", 1, 1, _MOST), zero_packet=fields.flag("zlp"),
    )  # fmt: skip


def _send(node: Node) -> Send:
    fields = node.fields(*_SEND)
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
    length = fields.integer("length", 0, 0, _MOST) if fields.get("length") else None
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
        path = node.source.path.parent / node.text()
        if path.exists() and not path.is_file():  # a named pipe would be waited for
            node.complain("this is not a file")
        with path.open("rb") as file:
            data = file.read(_FILE_LIMIT + 1)
    except (OSError, ValueError) as error:
        node.complain(f"{getattr(error, 'strerror', None) or error}")
    if len(data) > _FILE_LIMIT:
        node.complain(f"the file is larger than {_FILE_LIMIT >> 20} MiB")
    return Literal(data)


_READERS: dict[str, Callable[[Node, Fields], Data]] = {
    "hex": lambda node, _: Literal(node.hexadecimal()),
    "text": lambda node, _: Literal(node.text().encode("utf-8", "surrogatepass")),
    "file": _file,
    "pattern": _pattern,
    "echo": _echo,
}
