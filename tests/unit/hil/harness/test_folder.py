"""What an earlier run has left in the folder of results, and another one that is still there."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.errors import LockedError
from hil.harness.folder import clear, ours
from tests.support.rig_results import a_night


def _left(folder: Path, word: str, *, tests: bool = True) -> None:
    """A run with a failure, told apart from others by a word."""
    (folder / "failures" / word).mkdir(parents=True)
    night = a_night(name=word)
    if not tests:
        night.tests = []
    night.write(folder / "results.json")
    (folder / "report.html").write_text(word)


def _there(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_one_earlier_run_is_kept_apart_and_none_before_it(tmp_path: Path) -> None:
    for word in ("first", "second", "third"):
        clear(tmp_path)
        _left(tmp_path, word)
    assert _there(tmp_path) == [
        "failures", "failures/third", "previous", "previous/failures", "previous/failures/second",
        "previous/report.html", "previous/results.json", "report.html", "results.json",
    ]  # fmt: skip
    assert (tmp_path / "previous/report.html").read_text() == "second"


def test_a_run_that_came_to_no_result_does_not_drive_out_one_that_did(tmp_path: Path) -> None:
    for word in ("first", "interrupted"):
        clear(tmp_path)
        _left(tmp_path, word, tests=word == "first")
    clear(tmp_path)
    assert _there(tmp_path) == [
        "previous", "previous/failures", "previous/failures/first", "previous/report.html", "previous/results.json",
    ]  # fmt: skip


@pytest.mark.parametrize("results", [None, "{}", '{"schema": 1, "name": "of another program"}'])
def test_what_is_not_ours_is_left_alone(tmp_path: Path, results: str | None) -> None:
    (tmp_path / "failures").mkdir()
    if results is not None:
        (tmp_path / "results.json").write_text(results)
    before = _there(tmp_path)
    clear(tmp_path)
    assert _there(tmp_path) == before


def test_a_second_run_does_not_write_into_the_same_folder(tmp_path: Path) -> None:
    with ours(tmp_path), pytest.raises(LockedError, match=f"{tmp_path} is in use by process"), ours(tmp_path):
        pass
    with ours(tmp_path):
        pass
