"""Files that devices use: untouched until a device is opened, and looked at when it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.files import contents, why_not_readable, why_not_writable
from wslusb.errors import LocalError

WRITTEN = [
    "keyboard:record", "midi:record", "fido:record", "audio:record", "printer:file", "ncm:capture", "ethernet:capture",
    "serial:record", "serial:file", "ftdi:record", "ftdi:file", "storage:size=1K,file", "uas:size=1K,file",
    "docs/examples/modem.toml:record",
]  # fmt: skip


@pytest.mark.parametrize("device", WRITTEN)
def test_a_model_touches_no_file_before_it_is_opened(device: str, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("notes")
    for path in (old, new):
        (model,) = parse_models(f"{device}={path}")
        assert old.read_text() == "notes"
        assert not new.exists()
    VirtualDevice(model.gadget, model.firmware).close()
    assert new.exists()


@pytest.mark.parametrize("device", WRITTEN)
def test_a_file_that_cannot_be_is_told_with_its_option_when_the_device_is_asked_for(device: str) -> None:
    with pytest.raises(LocalError) as caught:
        parse_models(f"{device}=/nowhere/at/all")
    option = device.rpartition(":")[2].rpartition(",")[2]
    assert str(caught.value) == f"{option}: /nowhere/at/all: No such file or directory"


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("serial:send=/nowhere", "send: /nowhere: No such file or directory"),
        ("serial:pty=/nowhere/tty", "pty: /nowhere/tty: No such file or directory"),
        ("storage:file=/", "file: /: Is a directory"),
        ("dfu:image=/", "image: /: Is a directory"),
        ("storage:ro=yes,file=/nowhere", "file: /nowhere: No such file or directory"),
    ],
)
def test_the_option_is_named(device: str, said: str) -> None:
    with pytest.raises(LocalError) as caught:
        parse_models(device)
    assert str(caught.value) == said


def test_a_link_is_made_when_the_port_is_opened(tmp_path: Path) -> None:
    pytest.importorskip("tty")
    (model,) = parse_models(f"serial:pty={tmp_path / 'link'}")
    assert not (tmp_path / "link").is_symlink()
    VirtualDevice(model.gadget, model.firmware).close()
    assert (tmp_path / "link").is_symlink()


def test_a_record_goes_on_when_the_device_is_plugged_in_again(tmp_path: Path) -> None:
    record = tmp_path / "record"
    (model,) = parse_models(f"midi:record={record}")
    VirtualDevice(model.gadget, model.firmware).close()
    record.write_text("first\n")
    VirtualDevice(model.gadget, model.firmware).close()
    assert record.read_text() == "first\n"


def test_what_the_system_would_say(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert (why_not_writable(file), why_not_readable(file)) == ("", "No such file or directory")
    file.touch()
    assert (why_not_writable(file), why_not_readable(file)) == ("", "")
    assert why_not_writable(file / "below") == "Not a directory"
    assert (why_not_writable(tmp_path), why_not_readable(tmp_path)) == ("Is a directory",) * 2


def test_a_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"#" * 1024)
    assert contents(file, 1024) == b"#" * 1024
    file.write_bytes(b"#" * 1025)
    with pytest.raises(OSError, match="it is larger than 1 KiB"):
        contents(file, 1024)


def test_a_file_takes_the_memory_that_it_needs_and_not_what_it_may_have(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"x" * 3_000_000)
    assert contents(path, 1 << 45) == path.read_bytes()
