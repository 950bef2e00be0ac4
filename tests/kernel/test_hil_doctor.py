"""``python -m hil doctor --switch`` on rigs that boot: real kernels, real uhubctl, and switches of which some lie."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hil.rig.reading import read_rig
from hil.vm.machine import PROJECT
from tests.kernel.support import tools

GADGETS = """\
[rig]
name = "liars"
[host]
kind = "uml"
[guest]
kind = "uml"

[device.good]                   # its port is switched off, and the kernel sees it
source = "source-sink --serial GOOD"
serial = "GOOD"
safety = "reversible"
power = { kind = "command", off = "echo 1 >@1/disable", on = "echo 0 >@1/disable" }

[device.bench]
source = "acm --serial BENCH"
serial = "BENCH"
safety = "reversible"
fingerprint = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
power = { kind = "bench" }

[device.liar]                   # nothing happens, with success
source = "acm --serial LIAR"
serial = "LIAR"
safety = "reversible"
power = { kind = "command", off = "true", on = "true" }

[device.wrong]                  # it is another device's port
source = "acm --serial WRONG"
serial = "WRONG"
safety = "reversible"
power = { kind = "command", off = "echo 1 >@1/disable", on = "echo 0 >@1/disable" }

[device.unheard]                # uhubctl past sysfs: the power goes, and nobody tells the kernel
source = "acm --serial UNHEARD"
serial = "UNHEARD"
safety = "reversible"
power = { kind = "command", off = "uhubctl -S -l 5 -p 1 -a off", on = "uhubctl -S -l 5 -p 1 -a on" }

[device.absent]
source = "acm --serial ABSENT"
serial = "SOMETHING ELSE"

[device.nohub]
source = "acm --serial NOHUB"
serial = "NOHUB"
safety = "reversible"
power = { kind = "uhubctl", location = "7-1", port = 1 }
"""
HUB = """\
[host]
kind = "qemu"
qemu_args = ["-device", "usb-hub,id=hub,bus=xhci.0,port=7,port-power=on"]
[guest]
kind = "uml"

[device.mouse]
source = "usb-mouse,port=7.2"
vid = 0x0627
pid = 0x0001
safety = "reversible"
power = { kind = "uhubctl", location = "1-7", port = 2 }
"""


def doctor(folder: Path, text: str) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and each check by its name."""
    rig = folder / "rig.toml"
    rig.write_text(text.replace("@1", "/sys/bus/usb/devices/1-0:1.0/usb1-port1"))
    assert read_rig(rig)
    ended = subprocess.run(
        [sys.executable, "-m", "hil", "doctor", "--rig", rig, "--switch", "--json"], capture_output=True, text=True,
        cwd=PROJECT, env={**os.environ, "WSLUSB_STATE_DIR": str(folder / "state")}, check=False,
    )  # fmt: skip
    assert ended.stdout, ended.stderr
    said: dict[str, Any] = json.loads(ended.stdout)
    return ended.returncode, {check["name"]: check for check in said["checks"]}


def test_what_lies_and_what_does_not(tmp_path: Path) -> None:
    tools("uhubctl")
    code, found = doctor(tmp_path, GADGETS)
    assert code == 1
    outcomes = {name: check["outcome"] for name, check in found.items()}
    for name in ("up", "libusb", "host_vsock", "vhci", "guest_vsock", "transport", "clock"):
        assert outcomes[name] == "pass", found[name]
    assert found["transport"]["text"].startswith("the agent is connected to wslusb")
    for name in ("good", "bench"):
        assert outcomes[f"power[{name}]"] == "pass", found[f"power[{name}]"]
        assert "gone in " in found[f"power[{name}]"]["text"]
        assert outcomes[f"node[{name}]"] == outcomes[f"free[{name}]"] == "pass"
    assert "not those of the rig file" in found["fingerprint[bench]"]["text"]
    assert "no device has serial 'SOMETHING ELSE'" in found["present[absent]"]["text"]
    assert outcomes["power[absent]"] == "skip"
    texts = {name: found[f"power[{name}]"]["text"] for name in ("liar", "wrong", "unheard", "nohub")}
    assert texts["liar"] == "command 'true' is off, but liar (3-1) is still there, and answers"
    assert "is still there; 1-1 (0525:a4a0" in texts["wrong"]
    assert texts["unheard"].endswith("it has no power, and the kernel was not told")
    assert texts["nohub"] == "uhubctl: there is no hub that can switch its ports at location 7-1"
    assert all(found[f"power[{name}]"]["outcome"] == "fail" and found[f"power[{name}]"]["fix"] for name in texts)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_uhubctl_switches_a_port_of_a_hub_of_qemus_under_a_stock_kernel(tmp_path: Path) -> None:
    tools("uhubctl")
    code, found = doctor(tmp_path, HUB)
    power = found["power[mouse]"]
    assert power["outcome"] == "pass", power
    assert power["text"].startswith("port 2 of hub 1-7 (uhubctl): gone in ")
    assert code == 0, [check for check in found.values() if check["outcome"] == "fail"]
