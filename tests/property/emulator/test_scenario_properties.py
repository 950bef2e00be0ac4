"""Scenario files: what is written is read back as it was, and no file does worse than a LocalError of one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.device import VirtualDevice
from emulator.scenario import Scenario, reads
from emulator.scenario.data import Echo, Literal, Pattern, PatternKind
from emulator.scenario.gadget import WrittenGadget, languages_descriptor, text_descriptor
from emulator.scenario.lines import lines
from emulator.scenario.script import (
    LAST,
    LOOP,
    Among,
    Answer,
    ControlRule,
    InRule,
    Masked,
    Nth,
    Outcome,
    OutRule,
    Script,
    Send,
)
from emulator.scenario.writer import write
from tests.support.strategies import u8, u16
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor
from wslusb.usb.ids import Speed
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Urb, UrbFlag

EXAMPLES = [path.read_text() for path in sorted((Path(__file__).parents[3] / "docs" / "examples").glob("*.toml"))]
CONFIGURATION = bytes.fromhex("09022700010100803209040000 03ff000000 07058102400000 07050102400000 0705820308000b")
NAMES = ("one", "two", 'th"ree\n')
words = st.sampled_from(["", "start", "armed", 'od"d\\\n\x7f'])
octets = st.binary(max_size=8)
lengths = st.none() | st.integers(0, 999)
data = (
    st.builds(Literal, octets)
    | st.builds(Pattern, kind=st.sampled_from([PatternKind.ZEROES, PatternKind.COUNTING]), length=lengths)
    | st.builds(Pattern, kind=st.just(PatternKind.RANDOM), length=lengths, seed=st.integers(0, 1 << 63))
    | st.builds(Echo, st.sampled_from(["", *NAMES]))
)
delays = st.just(0.0) | st.floats(1e-7, 10)
counts = st.integers(1, 9)
failures = st.builds(
    Answer, outcome=st.sampled_from([Outcome.STALL, Outcome.NAK]), delay=delays, times=counts
)  # fmt: skip
control_answers = (
    failures | st.builds(Answer, data=data, delay=delays, times=counts) | st.just(Answer(outcome=Outcome.STANDARD))
)
read_answers = failures | st.builds(Answer, data=data, delay=delays, times=counts, zero_packet=st.booleans())
write_answers = failures | st.builds(Answer, delay=delays, times=counts)
send_answers = st.builds(Answer, data=data, delay=delays) | st.builds(
    Answer, outcome=st.just(Outcome.STALL), delay=delays
)
nths = (
    st.none()
    | st.builds(Nth, st.lists(counts, min_size=1, max_size=3).map(tuple))
    | st.builds(Nth, st.just(()), counts, st.none() | counts)
)
expressions = st.none() | st.sampled_from(["^AT", r"\x00+", '"\\\\', "(a|b)*"]).map(
    lambda text: re.compile(text.encode(), re.DOTALL)
)


def wanted(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[object]:
    several = st.builds(Among, st.lists(numbers, min_size=1, max_size=3).map(tuple))
    return st.none() | numbers | st.builds(Masked, numbers, numbers) | several


def common(answers: st.SearchStrategy[Answer]) -> dict[str, st.SearchStrategy[object]]:
    return {
        "name": st.sampled_from(["", *NAMES]),
        "state": words,
        "after": st.sampled_from(["", *NAMES]),
        "nth": nths,
        "answers": st.lists(answers, min_size=1, max_size=3).map(tuple),
        "repeat": st.sampled_from([LOOP, LAST]) | counts,
        "set_state": words,
        "sends": st.lists(st.builds(Send, st.sampled_from([0x81, 0x82]), send_answers), max_size=2).map(tuple),
    }


SPOKEN = {"equals": st.none() | octets, "starts_with": octets, "matches": expressions}
controls = st.builds(
    ControlRule, request_type=wanted(u8), request=wanted(u8), value=wanted(u16), index=wanted(u16), length=wanted(u16),
    **SPOKEN, **common(control_answers),
)  # fmt: skip
reading = st.builds(InRule, endpoint=st.sampled_from([0x81, 0x82]), **common(read_answers))
writing = st.builds(OutRule, endpoint=st.just(1), **SPOKEN, **common(write_answers))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


places = st.tuples(st.sampled_from([0, 0x0407, 0x0409]), st.integers(1, 255))
strings = st.dictionaries(places, octets | texts.map(text_descriptor), max_size=4)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    gadget = WrittenGadget(
        device=draw(st.builds(DeviceDescriptor, u16, u16, u16, u8, u8, u8, u8, u16, u8, u8, u8, u8)),
        configurations=(Configuration.unpack(CONFIGURATION),),
        speed=draw(st.sampled_from([Speed.LOW, Speed.FULL, Speed.HIGH, Speed.SUPER, Speed.SUPER_PLUS])),
        bos=draw(octets),
        device_qualifier=draw(st.none() | octets),
        other_speeds=draw(st.none() | st.lists(octets, max_size=2).map(tuple)),
        texts={(0, 0): languages_descriptor((0x0409, 0x0407)), **draw(strings)},
    )  # fmt: skip
    names = [ControlRule(name=name) for name in NAMES]  # what others refer to
    script = Script(
        control=(*draw(st.lists(controls, max_size=3)), *names),
        reads=tuple(draw(st.lists(reading, max_size=3))),
        writes=tuple(draw(st.lists(writing, max_size=3))),
    )
    reports = draw(st.dictionaries(u8, st.binary(min_size=1, max_size=40), max_size=2))
    return Scenario(gadget=gadget, script=script, reports=reports, name=draw(texts), summary=draw(texts))


@given(scenarios())
def test_what_is_written_is_read_back_as_it_was(scenario: Scenario) -> None:
    scenario.check()
    assert reads(write(scenario)) == scenario


@given(scenarios(), st.lists(st.tuples(u8, u8, u16, u16, st.integers(0, 64)), max_size=6))
def test_a_scripted_device_answers_whatever_is_asked(
    scenario: Scenario, asked: list[tuple[int, int, int, int, int]]
) -> None:
    """Each URB is given back once, at the latest when the device is closed; nothing is logged as a bug."""
    scenario.gadget.configurations[0].value = 1
    model, clock = scenario.model(), VirtualClock()
    device = VirtualDevice(model.gadget, model.firmware, clock=clock)
    done: list[Completion] = []
    urbs = [
        Urb(0, 0, 0, setup[4], UrbFlag.SHORT_OK, b"" if setup[0] & 0x80 else bytes(setup[4]), Setup(*setup))
        for setup in asked
    ]
    urbs += [Urb(1, 0x81, 2, 64, UrbFlag.SHORT_OK), Urb(2, 0x82, 3, 8, UrbFlag.SHORT_OK), Urb(3, 1, 2, 3, 0, b"ATZ")]
    for urb in urbs:
        device.submit(urb, done.append)
        clock.advance(1)
    device.close()
    assert {completion.urb for completion in done} == set(urbs)
    assert len(done) == len(urbs)


def attempt(text: str) -> None:
    try:
        reads(text).model()
    except LocalError as caught:
        line = str(caught)
    else:
        return
    assert line.startswith("scenario.toml")
    assert "\n" not in line


@given(st.text())
@example("a = " + "[" * 5000)
@example("a = " + "9" * 5000)
@example("device = 99999-99-99")
@example("a.b.c = 1\na.b.c.d = 2")
def test_junk_is_a_local_error(text: str) -> None:
    attempt(text)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """An example with a few characters changed, or a value replaced by one of another kind."""
    text = draw(st.sampled_from(EXAMPLES))
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            at, gone = draw(st.integers(0, len(text))), draw(st.integers(0, 6))
            text = text[:at] + draw(st.text("0=\"'[]{}x\n,.#-", max_size=4)) + text[at + gone :]
        else:
            values = list(re.finditer(r"(?<= = )(0x\w+|\d+|\"[^\"\n]*\")", text))
            chosen = draw(st.sampled_from(values)) if values else None
            new = draw(
                st.sampled_from(
                    [
                        "-1",
                        "1e99",
                        "true",
                        '""',
                        '"x"',
                        "[]",
                        "{}",
                        "[[]]",
                        "2026-01-01",
                        "9" * 30,
                        '"../../../dev/zero"',
                    ]
                )
            )
            text = text[: chosen.start()] + new + text[chosen.end() :] if chosen else text
    return text


@given(spoilt())
def test_a_spoilt_example_is_a_local_error_or_a_device(text: str) -> None:
    attempt(text)


KEYS = sorted(
    set(re.findall(r"^\s*(\w+) = ", "\n".join(EXAMPLES), re.MULTILINE)) | {"pattern", "file", "echo", "nth", "seed"}
)
values = st.recursive(
    st.booleans()
    | st.integers(-1, 70000)
    | st.sampled_from(['"loop"', '"1-"', '"00"', '"high"', '"ok"', "1.5", "inf"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


def shown(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {shown(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "control",
                "in",
                "out",
                "strings",
                "messages",
                "hid_reports",
                "speed",
                "bos",
                "qualifier",
                "languages",
                "configurations",
                "device",
            ]
        ),
        values,
    )
)
def test_values_of_other_kinds_are_a_local_error(fields: dict[str, object]) -> None:
    sound = {"device": '"120100020000004034127856000100000001"', "configurations": '["090209000101008032"]'}
    attempt("".join(f"{key} = {shown(value)}\n" for key, value in {**sound, **fields}.items()))


@given(st.text("ab.[]={}\"'#\n\\ 1", max_size=80))
def test_lines_are_looked_for_in_any_text(text: str) -> None:
    assert all(1 <= number <= text.count("\n") + 1 for number in lines(text).values())


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_written_again_are_the_same(text: str) -> None:
    scenario = reads(text)
    assert write(reads(write(scenario))) == write(scenario)
