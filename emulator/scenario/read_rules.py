"""The rules of a scenario file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

from .names import REQUESTS, request_type
from .read_answers import MOST, read_answer, read_send
from .script import (
    LAST,
    LOOP,
    Among,
    Answer,
    ControlRule,
    InRule,
    Masked,
    Nth,
    OutRule,
    Repeat,
    Script,
    Wanted,
)
from .tree import Fields, Node

__all__ = ["RULE_KEYS", "read_script"]

RULE_KEYS = ("control", "in", "out", "messages")
_COMMON = ("name", "state", "after", "nth", "answer", "repeat", "set_state", "send")
_SPOKEN = ("equals", "starts_with", "matches")
_SETUP = ("request_type", "request", "value", "index", "length")
_REPEATS: dict[str, Repeat | int] = {"loop": LOOP, "last": LAST, "once": 1}


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
    answers = tuple(read_answer(node) for node in node.one_or_more()) if (node := fields.get("answer")) else (Answer(),)
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
        "sends": tuple(read_send(each) for each in node.one_or_more()) if (node := fields.get("send")) else (),
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
        return Nth((node.integer(1, MOST),))
    if isinstance(node.value, list):
        return Nth(tuple(each.integer(1, MOST) for each in node.items()))
    match = re.fullmatch(r"([0-9]{1,8})-([0-9]{1,8})?", node.value) if isinstance(node.value, str) else None
    if not match or not int(match[1]):
        node.expected("a number, some numbers, or a range such as '2-4' or '3-', counted from 1")
    return Nth((), int(match[1]), int(match[2]) if match[2] else None)


def _repeat(node: Node) -> Repeat | int:
    if isinstance(node.value, str):
        return node.choice(_REPEATS)
    return node.integer(1, MOST)
