"""The story of docs/wireshark-example.md: its plan, its stick, its capture, and what Wireshark finds in that."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hil.requirements import WIRESHARK, require
from hil.vm.machine import PROJECT
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from tests.kernel.support import ENVIRONMENT, terminate, tools
from wslusb.cli.wireshark import dissector

PAGE = PROJECT / "docs" / "wireshark-example.md"
TRIES = 6
"""The first, and SD_MAX_RETRIES (drivers/scsi/sd.h)."""
SHORT = 4
"""Answers to MODE SENSE with less data than usb-storage asks for, which the stick ends with a stall as well."""


def block(page: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found
    return found[1]


def capture(lab: Lab, path: Path, busid: str) -> str:
    """Attach the stick and mount it while it is captured; what the guest's kernel said."""
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "wslusb", "capture", "--all", "-o", str(path)]
    running = lab.host.start(command, env=ENVIRONMENT)
    lab.host.wait_until(f"[ -s {shlex.quote(str(path))} ]", 30)
    lab.mark()
    assert lab.guest.run(f"mount {lab.disk(busid)} /mnt", check=False, timeout=60).returncode == 32
    ended = terminate(running)
    assert not ended.returncode, ended.output
    return lab.kernel_said(lab.guest)


def tshark(path: Path, *arguments: str) -> str:
    plugin = path.with_name("wslusb.lua")
    plugin.write_text(dissector(), encoding="utf-8")
    command = ["tshark", "-X", f"lua_script:{plugin}", "-r", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def experts(path: Path) -> dict[str, int]:
    """Wireshark's expert information: how often each summary is there."""
    found = re.findall(r"^\s+(\d+)\s+\w+\s+\w+\s+(.+?)\s*$", tshark(path, "-q", "-z", "expert"), re.MULTILINE)
    return {summary: int(count) for count, summary in found}


@pytest.mark.long
def test_the_stick_of_the_page_fails_as_the_page_says(lab: Lab, kernel: UmlMachine) -> None:
    require(WIRESHARK)
    tools("mkfs.ext2")
    page = PAGE.read_text(encoding="utf-8")
    plan, stick, path = (lab.rig.shared / name for name in ("example.toml", "example.img", "example.pcapng"))
    plan.write_text(block(page, "toml"), encoding="utf-8")
    stick.write_bytes(bytes(16 << 20))
    subprocess.run(["mkfs.ext2", "-q", "-b", "1024", str(stick)], check=True)
    with lab.plug(f"storage:file={stick}", "--faults", str(plan), attach=False) as plugged:
        said = capture(lab, path, *plugged.busids)
    for line in block(page, "console").splitlines():
        if line.startswith(("I/O error", "EXT2-fs")):
            assert line in said
    found = experts(path)
    assert found["STALL"] == SHORT + TRIES
    assert found["OVERRUN"] == found["the port was reset before this"] == TRIES
    failed = tshark(path, "-Y", block(page, "text").strip())
    assert failed.count("LBA: 0x00000002, Len: 2") == TRIES
    assert "LBA: 0x00000000, Len: 8" in failed
    again = path.with_name("again.pcapng")
    with lab.provide(f"replay:{path},mode=keyed", attach=False) as plugged:
        said = capture(lab, again, *plugged.busids)
    assert "unable to read superblock" in said
    assert experts(again)["OVERRUN"] == TRIES
