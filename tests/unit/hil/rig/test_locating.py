"""hil.rig.locating: which rig file is taken if none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.rig.locating import VARIABLE, default_path


def test_the_variable_goes_before_the_folder_and_empty_says_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rig.toml").touch()
    monkeypatch.setenv(VARIABLE, "bench.toml")
    assert default_path() == Path("bench.toml")
    monkeypatch.setenv(VARIABLE, "")
    assert default_path() == Path("rig.toml")
