"""wslusb.device.faults.reading: plans as TOML, and errors that name the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from wslusb.device.faults import Delay, Fault, SetupMatch, Short, Stall, When, Where, load_plan, parse_plan
from wslusb.errors import LocalError

EVERYTHING = """
seed = 7

[[fault]]
name = "the third read"
where = { endpoint = 0x81, direction = "in", transfer = "bulk", device = "0525:a4a5" }
when = { nth = 3, after_urbs = 2, after_seconds = 1, at_most = 1 }
what = "stall"

[[fault]]
where = { setup = { request_type = 0x80, request = 6, value = 0x0100 } }
when = { nth = [1, 4] }
what = { kind = "short", bytes = 8 }

[[fault]]
when = { probability = 0.25 }
what = { kind = "delay", seconds = 0.5, jitter = 1 }
"""


def test_every_part_of_a_plan_is_read() -> None:
    plan = parse_plan(EVERYTHING)
    assert plan.seed == 7
    assert plan.faults == [
        Fault(
            Stall(),
            Where(endpoint=0x81, direction="in", transfer="bulk", device="0525:a4a5"),
            When(nth=(3,), after_urbs=2, after_seconds=1.0, at_most=1),
            "the third read",
        ),
        Fault(
            Short(bytes=8), Where(setup=SetupMatch(request_type=0x80, request=6, value=0x100)), When(nth=(1, 4)),
        ),
        Fault(Delay(seconds=0.5, jitter=1.0), when=When(probability=0.25)),
    ]  # fmt: skip
    assert plan.names() == ["the third read", "short 2", "delay 3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fault = 3", "plan: faults are written as [[fault]]"),
        ("seed = -1", "plan: seed: is a whole number from 0 on, not -1"),
        ("faults = []", "plan: there is no 'faults' here, only seed, fault"),
        ("[[fault]]", "plan: fault 1: what is missing"),
        ('[[fault]]\nwhat = "boom"', "plan: fault 1, what.kind: 'boom' is none; there are stall, short"),
        ("[[fault]]\nwhat = 3", "plan: fault 1, what.kind: 3 is none"),
        (
            '[[fault]]\nwhat = { kind = "stall", seconds = 1 }',
            "what: there is no 'seconds' here, only reaches",
        ),
        ('[[fault]]\nwhat = "delay"', "plan: fault 1, what.seconds: is missing"),
        ('[[fault]]\nwhat = { kind = "delay", seconds = -1 }', "what.seconds: is a number from 0 on, not -1"),
        ('[[fault]]\nwhat = { kind = "delay", seconds = inf }', "what.seconds: is a number from 0 on, not inf"),
        ('[[fault]]\nwhat = { kind = "stall", reaches = 1 }', "what.reaches: is true or false, not 1"),
        (
            '[[fault]]\nwhat = { kind = "bandwidth", bytes_per_second = 0 }',
            "bytes_per_second: must be more than 0",
        ),
        ('[[fault]]\nwhat = "iso-errors"', "plan: fault 1, what.packets: say which, or a share between 0 and 1"),
        ('[[fault]]\nwhat = { kind = "unlink-race", winner = "me" }', "what.winner: is completion, cancel, either"),
        ('[[fault]]\nwhat = { kind = "iso-errors", share = 1, error = "x" }', "what.error: is crc, bit-stuff"),
        ('[[fault]]\nwhat = { kind = "reenumerate", become = 1 }', "what.become: is a text, not 1"),
        ('[[fault]]\nwhat = "stall"\nwhere = { direction = "up" }', "fault 1, where.direction: is in or out, not 'up'"),
        ('[[fault]]\nwhat = "stall"\nwhere = { transfer = "x" }', "where.transfer: is control, isochronous, bulk"),
        ('[[fault]]\nwhat = "stall"\nwhere = { endpoint = 0x181 }', "where.endpoint: 0x181 is no endpoint address"),
        ('[[fault]]\nwhat = "stall"\nwhere = { setup = 6 }', "fault 1, where.setup: is a table, not 6"),
        ('[[fault]]\nwhat = "stall"\nwhen = { nth = 0 }', "fault 1, when.nth: is counted from 1"),
        (
            '[[fault]]\nwhat = "stall"\nwhen = { nth = 1, every = 2 }',
            "when.nth: only one of nth, every",
        ),
        ('[[fault]]\nwhat = "stall"\nwhen = { probability = 2 }', "when.probability: is between 0 and 1, not 2.0"),
        ('[[fault]]\nwhat = "stall"\nname = "a"\n[[fault]]\nwhat = "stall"\nname = "a"', "two faults are called 'a'"),
        ("x", "plan: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(LocalError) as caught:
        parse_plan(text)
    assert message in str(caught.value)


def test_a_plan_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[[fault]]\nwhat = "x"')
    with pytest.raises(LocalError, match=r"^bad.toml: fault 1, what.kind"):
        load_plan(path)
    with pytest.raises(LocalError, match="cannot read"):
        load_plan(tmp_path / "none.toml")
