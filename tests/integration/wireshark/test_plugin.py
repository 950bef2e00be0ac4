"""The plug-in itself: the names in it, and where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from wslusb.cli.wireshark import dissector
from wslusb.errors import PeerReason
from wslusb.usb.ids import Speed, TransferType
from wslusb.usb.setup import Request
from wslusb.usb.urb import Status
from wslusb.wire.events import EventKind
from wslusb.wire.frame import MessageType
from wslusb.wire.listing import DeviceState
from wslusb.wire.messages import Purpose
from wslusb.wire.urbs import Function

pytestmark = pytest.mark.tools


@cache
def value_strings(plugin: Path) -> dict[str, dict[int, str]]:
    command = ["tshark", "-G", "values", "-X", f"lua_script:{plugin}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    names: dict[str, dict[int, str]] = {}
    for line in told.splitlines():
        if line.startswith("V\twslusb."):
            _, field, value, name = line.split("\t")
            names.setdefault(field.removeprefix("wslusb."), {})[int(value, 0)] = name
    return names


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("type", MessageType), ("status", Status), ("iso.status", Status), ("urb.function", Function),
        ("urb.transfer", TransferType), ("event.kind", EventKind), ("error.reason", PeerReason),
        ("device.speed", Speed), ("device.state", DeviceState), ("hello.purpose", Purpose),
    ],
)  # fmt: skip
def test_numbers_have_the_names_that_they_have_here(plugin: Path, field: str, values: Any) -> None:
    assert value_strings(plugin)[field] == {member.value: member.name for member in values}


def test_what_was_installed_is_found_and_what_was_uninstalled_is_not(tmp_path: Path) -> None:
    """In a home of its own, where tshark says the folder is."""
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def run(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)
        return done.stdout

    def known() -> bool:
        return "\twslusb.type\t" in run("tshark", "-G", "fields")

    verb = (sys.executable, "-m", "wslusb", "wireshark")
    assert not known()
    run(*verb, "--install")
    assert [path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("wslusb.lua")] == [".local"]
    assert known()
    run(*verb, "--uninstall")
    assert not known()


def test_standard_requests_have_the_names_that_they_have_here() -> None:
    text = dissector()
    for request in Request:
        assert f'[{request.value}] = "{request.name}"' in text
