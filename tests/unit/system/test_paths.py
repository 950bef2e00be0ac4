"""Directories: the environment first, then root's or the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wslusb.system import paths


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WSLUSB_STATE_DIR", raising=False)
    monkeypatch.delenv("WSLUSB_RUNTIME_DIR", raising=False)


def test_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSLUSB_STATE_DIR", "/x/state")
    monkeypatch.setenv("WSLUSB_RUNTIME_DIR", "/x/run")
    assert (paths.state_dir(), paths.runtime_dir()) == (Path("/x/state"), Path("/x/run"))


def test_root_has_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert (paths.state_dir(), paths.runtime_dir()) == (Path("/var/lib/wslusb"), Path("/run/wslusb"))


def test_user_has_her_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert (paths.state_dir(), paths.runtime_dir()) == (tmp_path / "state/wslusb", tmp_path / "run/wslusb")
