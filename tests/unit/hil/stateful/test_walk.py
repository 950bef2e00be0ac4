"""Walks on the emulator: healthy ones go well, and those over a broken wslusb do not, and are shrunk."""

from __future__ import annotations

import logging
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from hil.cli.program import program
from hil.stateful.bench import Bench
from hil.stateful.model import DEFAULT_PLAN, Violation
from hil.stateful.on_emulator import EmulatedBench, bench_for
from hil.stateful.shrinking import shrink, violation_of
from hil.stateful.steps import Step, Walk
from hil.stateful.walk import follow, rules
from wslusb.errors import LocalError
from wslusb.host.pump import Pump
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Completion

TRAITS = frozenset({"source-sink", "bulk-loopback"})
LONG = (
    Step("attach"), Step("describe", 9), Step("read", 600, 3), Step("memory", 80), Step("detach"), Step("attach"),
    Step("echo", 900, 5), Step("reset"), Step("cancel", 700, 4), Step("kill_service"), Step("attach"),
    Step("send", 4000, 2), Step("race", 512, 6), Step("kill_agent"), Step("attach"), Step("echo", 1000, 2),
)  # fmt: skip


def walk(*steps: Step, plan: str = "") -> Walk:
    return Walk(steps, TRAITS, plan, 3)


@pytest.mark.parametrize("plan", ["", DEFAULT_PLAN], ids=["healthy", "faults"])
def test_a_walk_through_everything_goes_well(plan: str) -> None:
    assert violation_of(walk(*LONG, plan=plan)) == ""


def test_what_is_logged_afterwards_is_told_again() -> None:
    before = logging.getLogger("wslusb").level
    violation_of(walk(Step("attach"), Step("detach")))
    assert logging.getLogger("wslusb").level == before


def test_faults_are_injected_and_told() -> None:
    plan = '[[fault]]\nwhere = { endpoint = 0x81 }\nwhen = { nth = 2 }\nwhat = "crc"\n'
    with bench_for(walk(plan=plan)) as bench:
        bench.attach()
        assert bench.play([Step("read", 1, 3)])[0].statuses == ["OK", "CRC", "OK"]
        assert bench.injected() == ["crc"]
        assert bench.injected() == []
        bench.detach()


def test_steps_that_do_not_fit_are_left_out() -> None:
    with bench_for(walk()) as bench:
        follow(
            [Step("detach"), Step("read", 1, 1), Step("attach"), Step("attach"), Step("replug"), Step("echo")], bench
        )


def test_hypothesis_walks_by_the_rules(tmp_path: Path) -> None:
    benches: list[EmulatedBench] = []
    walks: list[Walk] = []

    def opened() -> Bench:
        folder = tmp_path / str(len(benches))
        folder.mkdir()
        benches.append(EmulatedBench(folder, walk()))
        return benches[-1]

    def ended(done: Walk) -> None:
        benches[-1].close()
        walks.append(done)

    how = settings(
        max_examples=3, stateful_step_count=4, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(seed(1)(rules(opened, ended)), settings=how)
    names = {step.name for each in walks for step in each.steps}
    assert {"attach", "echo"} <= names
    assert not any(each.violation for each in walks)


def bulk(completion: Completion) -> bool:
    return completion.urb.transfer == TransferType.BULK


def loses_one(done: Callable[[Pump, Completion], None]) -> Callable[[Pump, Completion], None]:
    seen = [0]

    def broken(pump: Pump, completion: Completion) -> None:
        seen[0] += bulk(completion)
        if seen[0] != 7 or not bulk(completion):
            done(pump, completion)

    return broken


def keeps_a_byte(done: Callable[[Pump, Completion], None]) -> Callable[[Pump, Completion], None]:
    def broken(pump: Pump, completion: Completion) -> None:
        if bulk(completion) and len(completion.data) > 700:
            completion.actual_length, completion.data = len(completion.data) - 1, completion.data[:-1]
        done(pump, completion)

    return broken


def swaps_two(done: Callable[[Pump, Completion], None]) -> Callable[[Pump, Completion], None]:
    held: list[Completion] = []

    def broken(pump: Pump, completion: Completion) -> None:
        if bulk(completion) and completion.urb.is_in and not held:
            completion.data = bytes(completion.data)
            held.append(completion)
            return
        done(pump, completion)
        if bulk(completion) and held:
            done(pump, held.pop())

    return broken


@pytest.mark.parametrize(
    ("mistake", "says"),
    [(loses_one, "answered 0 times"), (keeps_a_byte, "are due"), (swaps_two, "overtook|answered 0 times|bytes where")],
)
def test_a_broken_wslusb_is_found(
    monkeypatch: pytest.MonkeyPatch, mistake: Callable[..., Callable[[Pump, Completion], None]], says: str
) -> None:
    monkeypatch.setattr(Pump, "_done", mistake(Pump._done))
    with bench_for(walk()) as bench, pytest.raises(Violation, match=says):
        follow(LONG, bench)


def test_a_walk_is_shrunk_to_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pump, "_done", keeps_a_byte(Pump._done))
    smallest = shrink(walk(*LONG, plan=DEFAULT_PLAN))
    assert smallest is not None
    assert smallest.steps in {(Step("attach"), Step("read", 513, 1)), (Step("attach"), Step("echo", 701, 1))}
    assert smallest.plan == ""


def test_the_verb_writes_a_test_that_fails_until_it_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "steps.json"
    file.write_text(walk(*LONG).to_json(), encoding="utf-8")
    with monkeypatch.context() as broken:
        broken.setattr(Pump, "_done", keeps_a_byte(Pump._done))
        ran = CliRunner().invoke(program, ["shrink", str(file)])
    assert ran.exit_code == 0, ran.output
    assert "2 of 16 steps are needed" in ran.output
    names = runpy.run_path(str(tmp_path / "test_walk.py"))
    names["test_the_walk_goes_well"]()
    monkeypatch.setattr(Pump, "_done", keeps_a_byte(Pump._done))
    with pytest.raises(AssertionError):
        names["test_the_walk_goes_well"]()


def test_a_walk_that_goes_well_is_not_shrunk(tmp_path: Path) -> None:
    file = tmp_path / "steps.json"
    file.write_text(walk(*LONG[:4]).to_json(), encoding="utf-8")
    ran = CliRunner().invoke(program, ["shrink", str(file)])
    assert ran.exit_code == 1
    assert "go well on the emulator" in ran.output


def test_a_walk_comes_back_from_its_file(tmp_path: Path) -> None:
    whole = Walk(LONG, TRAITS, DEFAULT_PLAN, 9, "it broke", {"rig": "bench"})
    (tmp_path / "steps.json").write_text(whole.to_json(), encoding="utf-8")
    assert Walk.read(tmp_path / "steps.json") == whole


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "wslusb.walk/2"}'])
def test_a_file_that_is_no_walk_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "steps.json").write_text(text, encoding="utf-8")
    with pytest.raises(LocalError, match="is no walk"):
        Walk.read(tmp_path / "steps.json")
