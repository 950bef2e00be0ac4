"""wslusb.device.faults.record: what was injected is written down, is the same for a seed, and can be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pytest

from emulator import device_provider
from tests.support.usb import PuppetDevice, bulk_in, bulk_out, control_urb, start
from wslusb.device.clock import VirtualClock
from wslusb.device.faults import (
    Corrupt,
    Delay,
    Fault,
    Faulty,
    Journal,
    Late,
    Plan,
    Reenumerate,
    Short,
    Stall,
    UnlinkRace,
    When,
    Where,
    load_plan,
    read_record,
)  # fmt: skip
from wslusb.device.faults.record import same_faults
from wslusb.errors import LocalError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

INFO = device_provider("loopback").devices()[0]
WILD = Plan(
    [
        Fault(Corrupt(), Where(endpoint=0x81), When(probability=0.3)),
        Fault(Delay(seconds=0, jitter=0.5), Where(transfer="bulk"), When(every=5)),
        Fault(Short(), Where(direction="in"), When(probability=0.1)),
        Fault(UnlinkRace(), Where(endpoint=0x01), When(nth=(30,))),
        Fault(Stall(), Where(endpoint=0), When(probability=0.2), "on zero"),
    ]
)


def run(path: Path, plan: Plan, seed: int | None = None) -> list[dict[str, Any]]:
    """Two endpoints and control at work for a while; the record."""
    journal, clock, puppet = Journal.append_to(path), VirtualClock(), PuppetDevice(INFO)
    journal.started(plan, seed or 0)
    device = Faulty(puppet, plan, seed=seed, journal=journal, clock=clock)
    for number in range(60):
        start(device, bulk_in(64, sequence=number))
        start(device, bulk_out(b"abc", sequence=number))
        start(device, control_urb(Setup(0xC0, 1, number, 0, 16)))
        clock.advance(0.3)
        for urb in list(puppet.waiting):
            puppet.complete(urb, data=b"" if not urb.is_in else b"x" * 10, actual=10 if urb.is_in else urb.length)
    journal.close()
    return read_record(path)


def test_an_event_says_all_there_is_to_say(tmp_path: Path) -> None:
    path, clock, puppet = tmp_path / "log.jsonl", VirtualClock(), PuppetDevice(INFO)
    journal = Journal.append_to(path)
    plan = Plan([Fault(Late(seconds=1), Where(endpoint=0), name="slow")], seed=9)
    journal.started(plan, 9)
    device = Faulty(puppet, plan, journal=journal, clock=clock)
    clock.advance(0.5)
    start(device, control_urb(Setup(0xC0, 1, 2, 3, 16), sequence=77))
    clock.advance(0.25)
    puppet.complete(next(iter(puppet.waiting)), Status.OK, b"xyz")
    # Not closed: what a crash leaves.
    started, injected, answered = (json.loads(line) for line in path.read_text().splitlines())
    assert (started["event"], started["schema"], started["seed"]) == ("started", "wslusb.faults/1", 9)
    assert injected == {
        "event": "injected", "id": 1, "time": 0.5, "seed": 9, "fault": "slow", "what": {"kind": "late", "seconds": 1},
        "device": "0525:a4a0", "serial": "LOOPBACK0001", "endpoint": 0, "nth": 1, "sequence": 77, "length": 16,
        "in": True, "setup": "c001020003001000",
    }  # fmt: skip
    assert answered == {"event": "answered", "id": 1, "time": 0.75, "status": "OK", "bytes": 3}
    journal.close()


def test_the_same_seed_gives_the_same_record(tmp_path: Path) -> None:
    one, two, other = (same_faults(run(tmp_path / str(number), WILD, seed)) for number, seed in enumerate((4, 4, 5)))
    assert len(one) > 20
    assert one == two != other


def test_a_record_is_a_plan_that_repeats_it(tmp_path: Path) -> None:
    events = same_faults(run(tmp_path / "log.jsonl", WILD, 4))
    again = same_faults(run(tmp_path / "again.jsonl", load_plan(tmp_path / "log.jsonl"), 123))
    keys = ("endpoint", "nth", "what", "length")
    assert sorted(repr([event[key] for key in keys]) for event in again) == sorted(
        repr([event[key] for key in keys]) for event in events
    )


def test_the_last_run_of_a_file_counts_and_a_broken_line_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    run(path, Plan([Fault(Stall(), when=When(nth=(1,)))]), 1)
    events = run(path, Plan([Fault(Delay(seconds=1), when=When(nth=(1,)))]), 2)
    assert events[0]["seed"] == 2
    with path.open("a") as file:
        file.write('{"event": "inj')
    assert read_record(path) == events


@pytest.mark.parametrize("spoil", [lambda stream: stream.close(), lambda _stream: None], ids=["closed", "full"])
def test_a_record_that_cannot_be_written_is_said_once_and_urbs_go_their_way(
    spoil: Callable[[TextIO], None], caplog: pytest.LogCaptureFixture
) -> None:
    stream = Path("/dev/full").open("w")  # noqa: SIM115 - the journal closes it
    spoil(stream)
    journal, puppet = Journal(stream), PuppetDevice(INFO)
    plan = Plan([Fault(Late(seconds=0))])
    journal.started(plan, 1)
    clock = VirtualClock()
    device = Faulty(puppet, plan, journal=journal, clock=clock)
    for _ in range(2):
        waiter = start(device, bulk_in())
        puppet.complete(next(iter(puppet.waiting)), Status.OK, b"xyz")
        clock.advance(0)
        assert (waiter.status, waiter.data) == (Status.OK, b"xyz")
    journal.close()
    assert caplog.text.count("the record of faults ends here") == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", "\n", '{"event": "started", "schema": "other"}'])
def test_what_is_no_record_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(LocalError, match="is no record of faults"):
        load_plan(path)


def test_an_event_that_was_tampered_with_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    run(path, Plan([Fault(Stall(), when=When(nth=(1,)))]), 1)
    path.write_text(path.read_text().replace('"kind": "stall"', '"kind": "boom"'))
    with pytest.raises(LocalError, match=r"event 1\.kind: 'boom' is none"):
        load_plan(path)


@pytest.mark.parametrize("seed", ["'x'", "-1", "1.5", "true"])
def test_a_seed_that_is_no_number_is_named(tmp_path: Path, seed: str) -> None:
    path = tmp_path / "x.jsonl"
    run(path, Plan([Fault(Stall(), when=When(nth=(1,)))]), 1)
    path.write_text(path.read_text().replace('"seed": 1', f'"seed": {seed}'.replace("'", '"'), 1))
    with pytest.raises(LocalError, match=r"x\.jsonl: seed: is a whole number from 0 on"):
        load_plan(path)


def test_a_line_that_is_no_event_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    run(path, Plan([Fault(Stall(), when=When(nth=(1,)))]), 1)
    path.write_text(path.read_text().replace('"event": "injected", ', "", 1))
    with pytest.raises(LocalError, match=r"x\.jsonl: line 2: event is missing"):
        load_plan(path)


def test_what_was_not_possible_is_written_down_as_such(tmp_path: Path) -> None:
    events = run(tmp_path / "log.jsonl", Plan([Fault(Reenumerate(become="x"), Where(endpoint=1), When(nth=(2,)))]), 1)
    assert [event.get("note", "").partition(":")[0] for event in events[1:]] == ["not possible"]
