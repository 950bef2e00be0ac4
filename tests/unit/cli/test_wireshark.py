"""wslusb wireshark: the plug-in goes where Wireshark of this user looks, and away again."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from wslusb.cli import wireshark

FOLDERS = """\
Temp:                	/tmp
Personal configuration:	/home/u/.config/wireshark
Personal Plugins:    	/home/u/.local/lib/wireshark/plugins/4.0
Global Plugins:      	/usr/lib/wireshark/plugins/4.0
Personal Lua Plugins:	/home/u/.local/lib/wireshark/plugins
Global Lua Plugins:  	/usr/lib/wireshark/plugins
"""


def tshark(folder: Path, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tshark that says ``said``."""
    program = folder / "tshark"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}END\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_install_and_uninstall(machine: Any, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "plugins"
    done = machine.run("wireshark", "--install", "--folder", str(folder))
    assert done.exit_code == 0
    assert str(folder / "wslusb.lua") in done.stderr
    assert (folder / "wslusb.lua").read_text(encoding="utf-8") == wireshark.dissector()
    assert machine.run("wireshark", "--install", "--folder", str(folder)).exit_code == 0, "again, as an update"
    assert machine.run("wireshark", "--uninstall", "--folder", str(folder)).exit_code == 0
    assert list(folder.iterdir()) == []
    assert "there is no" in machine.run("wireshark", "--uninstall", "--folder", str(folder)).stderr


def test_print(machine: Any) -> None:
    shown = machine.run("wireshark", "--print")
    assert shown.exit_code == 0
    assert shown.stdout == wireshark.dissector()


def test_nothing_asked_for_is_wrong_usage(machine: Any) -> None:
    assert machine.run("wireshark").exit_code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_tshark_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tshark(tmp_path, FOLDERS, monkeypatch)
    assert wireshark.plugin_folder() == Path("/home/u/.local/lib/wireshark/plugins")


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
@pytest.mark.parametrize("said", ["", "tshark: no such option\n", re.sub("Personal.*\n", "", FOLDERS)])
def test_without_an_answer_it_is_the_usual_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    tshark(tmp_path, said, monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert wireshark.plugin_folder() == tmp_path / ".local/lib/wireshark/plugins"


def test_without_tshark_it_is_the_usual_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert wireshark.plugin_folder() == tmp_path / ".local/lib/wireshark/plugins"


def test_windows_has_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path / "Roaming"))
    monkeypatch.setattr(sys, "platform", "win32")
    assert wireshark.plugin_folder() == tmp_path / "Roaming" / "Wireshark" / "plugins"
