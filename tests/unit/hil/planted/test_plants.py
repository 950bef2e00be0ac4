"""The bugs of hil/planted can still be planted; that they are caught, ``python -m hil.planted`` looks."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from hil.planted.__main__ import verdict
from hil.planted.mistake import ROOT, Mistake, made
from hil.planted.plants import PLANTS, Plant
from hil.rig.reading import read_rig


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.breaks)
def test_a_bug_can_be_planted_in_the_code_as_it_is(plant: Plant) -> None:
    text = (ROOT / plant.file).read_text()
    assert text.count(plant.old) == 1
    ast.parse(text.replace(plant.old, plant.new))


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.breaks)
def test_its_device_and_tests_are_there(plant: Plant) -> None:
    rig = read_rig(ROOT / "hil/rigs" / (plant.rig if "." in plant.rig else f"{plant.rig}.toml"))
    assert [rig.device(name).name for name in plant.dut.split()] == plant.dut.split()
    for test in plant.tests:
        module, _, function = test.partition("::")
        assert f"def {function}(" in (ROOT / "hil/suite" / module).read_text() or not function


def test_a_mistake_that_cannot_be_made_says_so(tmp_path: Any) -> None:
    (tmp_path / "a.py").write_text("twice\ntwice\n")
    with pytest.raises(ValueError, match="does not have this once: 'twice'"):
        made(Mistake("it", "a.py", "twice", "never"), tmp_path)


def _results(*outcomes: str) -> dict[str, Any]:
    return {
        "interrupted": False, "tests": [
            {"id": f"hil/suite/test_{n}.py::test", "outcome": outcome, "message": outcome.upper()}
            for n, outcome in enumerate(outcomes)
        ]
    }  # fmt: skip


def test_the_first_failed_test_has_caught_it() -> None:
    caught = verdict(_results("passed", "skipped", "failed", "failed"))
    assert (caught.by, caught.told, caught.failed) == ("test_2.py::test", "FAILED", True)


@pytest.mark.parametrize(
    "results",
    [
        None, _results(), _results("skipped"), _results("passed", "skipped"), _results("infrastructure"),
        {**_results("passed"), "interrupted": True},
    ],
)  # fmt: skip
def test_skips_and_trouble_of_the_rig_catch_nothing(results: dict[str, Any] | None) -> None:
    assert not verdict(results).failed
