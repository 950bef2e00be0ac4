"""Captures in place of devices."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from hil.harness.captures import entries_of
from hil.rig import safety
from tests.support.recording import recorded
from wslusb.replay import provider


def _capture(path: Path, device: str) -> Path:
    recorded(path, f"emulator:{device}").close()
    return path


def test_each_capture_has_a_name_of_its_own_that_goes_into_test_ids(tmp_path: Path) -> None:
    first = _capture(tmp_path / "of [my] board.pcapng", "serial")
    (tmp_path / "again").mkdir()
    second = Path(shutil.copy(first, tmp_path / "again"))
    entries = entries_of([str(first), f"{second},device=1.4"])
    assert [entry.name for entry in entries] == ["of__my__board", "of__my__board-2"]
    assert [entry.match.port for entry in entries] == ["8-1", "8-2"]
    assert "serial" in entries[0].traits


def test_a_replayed_keyboard_is_nobody_s(tmp_path: Path) -> None:
    (entry,) = entries_of([str(_capture(tmp_path / "keys.pcapng", "keyboard"))])
    assert "keyboard" in entry.traits
    with contextlib.closing(provider.device_provider(entry.source)) as replayed:
        (info,) = replayed.devices()
    assert safety.refusal(info, safety.Facts(), entry.allow, virtual=True) is None
