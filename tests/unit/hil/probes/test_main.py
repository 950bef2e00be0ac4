"""hil.probes: what a device does wrong is an answer, and no failure of the program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hil.probes.__main__ import main

_LIAR = """
from emulator.devices import storage
from emulator.firmware import PASS
from emulator.model import Kind, Model

class Short(storage.StorageFirmware):
    def override(self, setup, data):
        return b"\\x12\\x01" if setup.value == 0x0100 else PASS

def make(options):
    model = storage.KIND.make(options)
    model.firmware.__class__ = Short
    return model

KIND = Kind(name="short", summary="a byte of a device descriptor", make=make)
"""


def test_a_device_that_breaks_a_rule_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "short.py"
    path.write_text(_LIAR)
    assert main(["descriptors", json.dumps({"target": f"emulator:{path}", "busid": "9-1"})]) == 0
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["status"] == "BROKEN_RULE"
    assert error["message"] == "bytes of the device descriptor: 2 where 18 is due"
