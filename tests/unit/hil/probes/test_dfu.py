from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from hil.probes import dfu

IMAGE = bytes(range(256)) * 10
WHOLE = {"size": len(IMAGE), "sha256": hashlib.sha256(IMAGE).hexdigest(), "state": 2}


@pytest.fixture
def target(tmp_path: Path) -> str:
    (tmp_path / "flash").write_bytes(IMAGE)
    return f"emulator:dfu:image={tmp_path / 'flash'}"


@pytest.mark.parametrize("options", ["", ",detach=no"])
def test_into_dfu_mode_read_out_and_back(target: str, options: str) -> None:
    steps: list[list[Any]] = [["state"], ["detach"], ["state"], ["upload", None], ["upload", 7], ["leave"], ["state"]]
    before, _, there, whole, part, _, after = dfu.run(target + options, "9-1", steps)
    assert (before["mode"], there["mode"]) == ("runtime", "dfu")
    assert whole == WHOLE
    assert part == {"size": 7, "sha256": hashlib.sha256(IMAGE[:7]).hexdigest(), "state": 2}
    assert after == before


def test_detach_of_a_device_in_dfu_mode_changes_nothing(target: str) -> None:
    *_, found = dfu.run(target, "9-1", [["detach"], ["detach"], ["upload", None]])
    assert found == WHOLE
