"""wslusb.cli.access: whether the user may open what was attached, and what helps."""

from __future__ import annotations

import grp
import os
from pathlib import Path

import pytest

from wslusb.cli import access

USER, GROUP = 12345, 23456


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that stands for a node, and a user behind sudo."""
    file = tmp_path / "ttyACM0"
    file.touch()
    monkeypatch.setattr(access, "_DEV", str(tmp_path))
    monkeypatch.setattr(access, "_who", lambda: ("ann", USER, [USER]))
    return file


def warn(node: Path, capsys: pytest.CaptureFixture[str], *, mode: int, gid: int = 0) -> str:
    node.chmod(mode)
    status = os.stat_result([node.stat().st_mode, 0, 0, 1, 0, gid, 0, 0, 0, 0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "stat", lambda _self: status)
        access.warn_about(str(node))
    return capsys.readouterr().err


def test_a_group_that_may(node: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group(["dialout", "x", gid, []]))
    message = warn(node, capsys, mode=0o660, gid=GROUP)
    assert message.splitlines() == [
        f"wslusb: warning: user ann may not open {node}.",
        "wslusb: hint: run 'sudo usermod -aG dialout ann' and log in again.",
    ]


def test_nobody_but_root_may(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "udev rule" in warn(node, capsys, mode=0o600)


@pytest.mark.parametrize(("mode", "gid"), [(0o666, 0), (0o660, USER)])
def test_those_who_may_hear_nothing(node: Path, capsys: pytest.CaptureFixture[str], mode: int, gid: int) -> None:
    assert warn(node, capsys, mode=mode, gid=gid) == ""


def test_what_is_no_node(node: Path, capsys: pytest.CaptureFixture[str]) -> None:
    access.warn_about("eth1")
    access.warn_about(f"{node}-is-gone")
    assert capsys.readouterr().err == ""


def test_root_may_everything(node: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_who", lambda: ("root", 0, [0]))
    assert warn(node, capsys, mode=0o600) == ""


def test_the_person_behind_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "65432")
    assert access._who()[1] == 65432
    monkeypatch.delenv("SUDO_UID")
    assert access._who()[:2] == ("root", 0)
