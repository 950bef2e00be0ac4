"""Quarantine: devices that keep failing are left out, and nothing on the disk can stop a run."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from hil.errors import RigError
from hil.rig.quarantine import LIMIT, Quarantine

KEY = "0951:1666:60A4"


@pytest.fixture
def quarantine(tmp_path: Path) -> Quarantine:
    return Quarantine(tmp_path / "state" / "quarantine.json")


def fail(quarantine: Quarantine, times: int, key: str = KEY, name: str = "stick") -> None:
    for _ in range(times):
        quarantine.record(key, name, failed=True, reason="it is\nstuck")


def test_a_device_is_held_after_as_many_failing_runs_as_the_limit(quarantine: Quarantine) -> None:
    fail(quarantine, LIMIT - 1)
    assert quarantine.held(KEY) is None
    held = quarantine.record(KEY, "stick", failed=True, reason="it is\nstuck")
    assert held is not None
    assert held.since <= held.last
    when = f"the first at {held.since}, the last at {held.last}"
    assert str(held) == f"stick ({KEY}) failed in 3 runs in a row, {when}: it is stuck"
    assert Quarantine(quarantine.path).held(KEY) == held


def test_a_good_run_between_makes_the_count_start_anew(quarantine: Quarantine) -> None:
    fail(quarantine, LIMIT - 1)
    quarantine.record(KEY, "stick", failed=False)
    assert quarantine.trouble() == {}
    fail(quarantine, LIMIT - 1)
    assert quarantine.held(KEY) is None


def test_a_good_run_does_not_lift_a_quarantine(quarantine: Quarantine) -> None:
    fail(quarantine, LIMIT)
    assert quarantine.record(KEY, "stick", failed=False) is not None


@pytest.mark.parametrize("name", ["stick", KEY])
def test_a_release_forgets_the_failures(quarantine: Quarantine, name: str) -> None:
    fail(quarantine, LIMIT)
    fail(quarantine, LIMIT, "1:2:3", "other")
    assert [each.key for each in quarantine.release(name)] == [KEY]
    assert (quarantine.held(KEY), list(quarantine.trouble())) == (None, ["1:2:3"])


def test_what_is_not_known_cannot_be_released_and_what_is_known_is_listed(quarantine: Quarantine) -> None:
    with pytest.raises(RigError, match="nothing is known of failures of 'stikc'") as caught:
        quarantine.release("stikc")
    assert caught.value.hint == "no device failed in its last run"
    fail(quarantine, 1)
    with pytest.raises(RigError) as caught:
        quarantine.release("stikc")
    assert caught.value.hint == "in trouble: stick"


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", '{"schema": "hil.quarantine/9"}', "[" * 100000])
def test_a_damaged_file_counts_as_empty_and_is_kept_beside(
    quarantine: Quarantine, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    quarantine.path.parent.mkdir()
    quarantine.path.write_text(text)
    assert quarantine.held(KEY) is None
    assert "is damaged" in caplog.text
    fail(quarantine, LIMIT)
    assert quarantine.held(KEY) is not None
    (aside,) = quarantine.path.parent.glob("*.damaged.*")
    assert aside.read_text() == text


@pytest.mark.parametrize("devices", [7, {KEY: 7}, {KEY: {"name": "x"}}, {KEY: {"name": 1, "failing": 9}}])
def test_entries_that_are_none_are_left_out(quarantine: Quarantine, devices: object) -> None:
    quarantine.path.parent.mkdir()
    quarantine.path.write_text(json.dumps({"schema": "hil.quarantine/1", "devices": devices}))
    assert quarantine.trouble() == {}


def test_runs_that_end_at_the_same_time_are_all_counted(quarantine: Quarantine) -> None:
    threads = [threading.Thread(target=fail, args=(Quarantine(quarantine.path), 1)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert quarantine.trouble()[KEY].failing == 8


def test_a_folder_that_cannot_be_made_is_an_error_of_the_rig(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RigError, match="cannot write"):
        fail(Quarantine(tmp_path / "file" / "quarantine.json"), 1)


def test_the_default_place_is_the_state_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path))
    fail(Quarantine(), 1)
    assert (tmp_path / "quarantine.json").exists()
