"""A :class:`Scenario` as TOML: what was built in Python, or imported, becomes a file that anybody can change.

The description is written as bytes. Data of files are written in full.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Iterator

from wslusb.device.describe import Description
from wslusb.device.describe_text import device_part, quoted

from ..gadget import ENGLISH, Gadget
from .data import Data, Echo, Literal, Pattern
from .gadget import LANGUAGES, WrittenGadget, languages_descriptor
from .scenario import Scenario
from .script import (
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
    Rule,
    Wanted,
)

__all__ = ["write"]

_SETUP = ("request_type", "request", "value", "index", "length")


def write(scenario: Scenario) -> str:
    """The text of a file that :func:`emulator.scenario.reads` makes an equal scenario of."""
    script = scenario.script
    named = {"name": scenario.name, "summary": scenario.summary}
    head = "".join(f"{key} = {quoted(text)}\n" for key, text in named.items() if text)
    parts = [head + device_part(_description(scenario))]
    if script.messages:
        ends = "".join(f"{address:#04x} = {_hex_table(end)}\n" for address, end in script.messages.items())
        parts.append(f"[messages]\n{ends}")
    parts += [_table(_heading(rule), _rule(rule)) for rule in script.rules]
    return "\n".join(parts)


def _description(scenario: Scenario) -> Description:
    gadget = scenario.gadget
    texts = _texts(gadget)
    found = Description(
        gadget.info(""), gadget.device.pack(), tuple(each.pack() for each in gadget.configurations), gadget.bos,
        languages=texts.pop(LANGUAGES, None), strings=texts, hid_reports=dict(scenario.reports),
    )  # fmt: skip
    if isinstance(gadget, WrittenGadget):
        found.qualifier, found.other_speeds = gadget.device_qualifier, gadget.other_speeds
    return found


def _texts(gadget: Gadget) -> dict[tuple[int, int], bytes]:
    if isinstance(gadget, WrittenGadget):
        return dict(gadget.texts)
    found = {
        (ENGLISH, index): gadget.string_descriptor(index, ENGLISH) or b"" for index in range(1, len(gadget.strings) + 1)
    }
    return {LANGUAGES: languages_descriptor((ENGLISH,)), **found} if found else {}


def _heading(rule: Rule) -> str:
    if isinstance(rule, ControlRule):
        return "control"
    return "in" if isinstance(rule, InRule) else "out"


def _table(heading: str, pairs: Iterable[tuple[str, str]]) -> str:
    return f"[[{heading}]]\n" + "".join(f"{key} = {value}\n" for key, value in pairs)


def _rule(rule: Rule) -> Iterator[tuple[str, str]]:
    if isinstance(rule, (InRule, OutRule)):
        yield "endpoint", f"{rule.endpoint:#04x}"
    for key in ("name", "state", "after"):
        if text := getattr(rule, key):
            yield key, quoted(text)
    if isinstance(rule, ControlRule):
        yield from ((key, _wanted(wanted)) for key in _SETUP if (wanted := getattr(rule, key)) is not None)
    if isinstance(rule, (ControlRule, OutRule)):
        yield from _spoken(rule)
    if rule.nth is not None:
        yield "nth", _nth(rule.nth)
    if rule.answers != (Answer(),):
        yield "answer", _array(_inline(_answer(answer)) for answer in rule.answers)
    if rule.repeat is not LOOP:
        yield "repeat", f'"{rule.repeat.value}"' if isinstance(rule.repeat, Repeat) else str(rule.repeat)
    if rule.set_state:
        yield "set_state", quoted(rule.set_state)
    if rule.sends:
        sends = ([("endpoint", f"{send.endpoint:#04x}"), *_answer(send.answer)] for send in rule.sends)
        yield "send", _array(map(_inline, sends))


def _spoken(rule: ControlRule | OutRule) -> Iterator[tuple[str, str]]:
    if rule.equals is not None:
        yield "equals", _hex_table(rule.equals)
    if rule.starts_with:
        yield "starts_with", _hex_table(rule.starts_with)
    if rule.matches is not None:
        yield "matches", quoted(rule.matches.pattern.decode("utf-8"))


def _wanted(wanted: Wanted) -> str:
    if isinstance(wanted, Masked):
        return f"{{ value = {wanted.value:#x}, mask = {wanted.mask:#x} }}"
    if isinstance(wanted, Among):
        return f"[{', '.join(f'{number:#x}' for number in wanted.values)}]"
    return f"{wanted:#x}"


def _nth(nth: Nth) -> str:
    if nth.first:
        return f'"{nth.first}-{"" if nth.last is None else nth.last}"'
    return str(list(nth.numbers))


def _answer(answer: Answer) -> Iterator[tuple[str, str]]:
    if answer.data != NOTHING:
        yield from _data(answer.data)
    if answer.outcome is not Outcome.OK:
        yield "status", f'"{answer.outcome.value}"'
    if answer.delay:
        yield "delay", f'"{decimal.Decimal(repr(answer.delay)):f}s"'
    if answer.times != 1:
        yield "times", str(answer.times)
    if answer.zero_packet:
        yield "zlp", "true"
    if answer.packet is not None:
        yield "packet", str(answer.packet)


def _data(data: Data) -> Iterator[tuple[str, str]]:
    if isinstance(data, Literal):
        yield "hex", f'"{data.data.hex(" ")}"'
    elif isinstance(data, Echo):
        yield "echo", quoted(data.of) if data.of else "true"
    elif isinstance(data, Pattern):
        yield "pattern", f'"{data.kind.value}"'
        if data.length is not None:
            yield "length", str(data.length)
        if data.seed:
            yield "seed", str(data.seed)


def _hex_table(data: bytes) -> str:
    return f'{{ hex = "{data.hex(" ")}" }}'


def _inline(pairs: Iterable[tuple[str, str]]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in pairs) + " }"


def _array(items: Iterable[str]) -> str:
    return "[\n" + "".join(f"    {item},\n" for item in items) + "]"
