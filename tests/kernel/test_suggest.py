"""``python -m hil suggest`` on a stock kernel with QEMU's hardware: a file that is a rig, and what it leaves out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hil.probes.devices import from_json
from hil.rig import fingerprint
from hil.rig.matching import find
from hil.rig.reading import read_rig
from hil.vm.qemu import QemuMachine
from tests.kernel.support import Passthrough


@pytest.mark.long
def test_what_qemu_has_plugged_in_makes_a_rig_without_the_keyboard(hardware: Passthrough[QemuMachine]) -> None:
    host = hardware.host
    text = host.python("-m", "hil", "suggest").stdout
    path = Path(hardware.rig.shared, "suggested.toml")
    path.write_text(text)
    listed = json.loads(hardware.python(host, "hil.probes.__main__", "devices", '{"target": "libusb"}').wait().stdout)
    infos = [from_json(each) for each in listed["result"]]

    found = {info.hardware_id: (entry, info) for entry in read_rig(path).devices for info in [find(entry, infos)]}
    traits = {hardware_id: entry.traits - {"any"} for hardware_id, (entry, _) in found.items()}
    assert traits == {
        "0403:6001": {"serial"},
        "46f4:0001": {"storage"},
        "46f4:0002": {"audio", "iso"},
        "46f4:0003": {"storage"},
    }
    assert all(entry.fingerprint == fingerprint.of(info) for entry, info in found.values())
    assert re.search(r"\(0627:0001, \w+ speed\)\n# is left out: it is a keyboard", text)
