"""Directories: the environment first, then root's or the user's."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import platformdirs
import pytest

from wslusb.errors import LocalError, LocalReason
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


def test_no_warning_of_a_fallback_reaches_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(name: str, **_others: object) -> str:
        warnings.warn("falling back", RuntimeWarning, stacklevel=2)
        return f"/fallback/{name}"

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(platformdirs, "user_runtime_dir", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert paths.runtime_dir() == Path("/fallback/wslusb")


def test_a_fallback_of_another_user_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str, **_others: object) -> str:
        raise PermissionError("it is owned by another user")

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(platformdirs, "user_runtime_dir", refuse)
    with pytest.raises(LocalError, match="owned by another user") as caught:
        paths.runtime_dir()
    assert caught.value.reason is LocalReason.ACCESS_DENIED
    assert "WSLUSB_RUNTIME_DIR" in caught.value.hint
    assert "sudo" not in caught.value.hint
