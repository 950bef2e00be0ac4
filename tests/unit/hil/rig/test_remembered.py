"""hil.rig.remembered: a fingerprint of before, and what it stood for."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil.cli.program import program
from hil.rig import fingerprint
from hil.rig.remembered import differences, recall, remember
from wslusb.device.registry import load_provider
from wslusb.usb.info import DeviceInfo


def sound_card() -> DeviceInfo:
    with contextlib.closing(load_provider("emulator:audio")) as provider:
        return next(iter(provider.devices()))


def test_what_is_remembered_has_the_same_fingerprint(tmp_path: Path) -> None:
    info = sound_card()
    remember(info, tmp_path)
    remember(info, tmp_path)
    was = recall(fingerprint.of(info), tmp_path)
    assert was is not None
    assert fingerprint.of(was) == fingerprint.of(info)
    assert differences(was, info) == []


def test_a_device_that_was_never_seen(tmp_path: Path) -> None:
    assert recall("sha256:" + "0" * 64, tmp_path) is None


def test_what_came_and_what_went() -> None:
    info = sound_card()
    less = replace(info, bos=b"", configurations=(info.configurations[0][:-7],))
    assert any(line.startswith("no more: ") for line in differences(info, less))
    assert any(line.startswith("new: ") for line in differences(less, info))


def test_a_suggested_rig_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path / "state"))
    words = ["suggest", "--provider", "emulator:audio", "-o", str(tmp_path / "rig.toml")]
    CliRunner().invoke(program, words, standalone_mode=False, catch_exceptions=False)
    assert recall(fingerprint.of(sound_card())) is not None
