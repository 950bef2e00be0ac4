"""Captures of all tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.hil.harness.invented import run

_TESTS = "def test_a(dut): ...\ndef test_b(dut): assert dut.name == 'uart'\n"


def _captures(folder: Path, *options: str) -> dict[str, Any]:
    run(folder, _TESTS, "--dut", "stick", *options)
    found = json.loads((folder / "results/results.json").read_text())
    return {test["id"].rpartition("::")[2]: test["capture"] for test in found["tests"]}


def test_each_test_s_capture_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    assert _captures(tmp_path, "--captures") == {
        "test_a[stick]": "captures/test_it.py_test_a_stick_.pcapng",
        "test_b[stick]": "captures/test_it.py_test_b_stick_.pcapng",
    }
    assert (tmp_path / "results/captures/test_it.py_test_a_stick_.pcapng").read_bytes() == b"of 9-1"
    assert (tmp_path / "notes").read_text().split().count("dropped") >= 2


def test_none_is_kept_otherwise(tmp_path: Path) -> None:
    assert set(_captures(tmp_path).values()) == {None}
    assert not (tmp_path / "results/captures").exists()


def test_those_of_the_run_before_are_moved_with_its_results(tmp_path: Path) -> None:
    _captures(tmp_path, "--captures")
    _captures(tmp_path)
    assert not (tmp_path / "results/captures").exists()
    assert len(list((tmp_path / "results/previous/captures").iterdir())) == 2
