"""Reads that are taken back, of devices that answer them in their own way."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.probes import unlink

_DEVICE = """
[device]
vendor = 0x1209
product = 0x0001

[[configurations]]
[[configurations.interfaces]]
[[configurations.interfaces.endpoints]]
address = 0x81
transfer = "bulk"
max_packet_size = 512

[[in]]
endpoint = 0x81
answer = {{ status = "stall" }}
{more}
"""

_NOT_CLEARED = """
[[control]]
request_type = "standard endpoint out"
request = 1
answer = { status = "stall" }
"""


@pytest.mark.parametrize(("more", "refused"), [("", 0), (_NOT_CLEARED, 2)], ids=["obliging", "stubborn"])
def test_a_halt_that_a_device_does_not_clear_is_counted(tmp_path: Path, more: str, refused: int) -> None:
    path = tmp_path / "stubborn.toml"
    path.write_text(_DEVICE.format(more=more))
    (found,) = unlink.run(f"emulator:{path}", "9-1", rounds=2, seed=1)
    assert found["wrong"] == []
    assert found["statuses"].get("CLEAR_HALT refused", 0) == refused
    assert found["statuses"]["STALL"] > 0
