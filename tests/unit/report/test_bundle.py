"""wslusb.report.bundle: a whole file or none, and none that has a secret in it."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from wslusb.errors import LocalError
from wslusb.report import readme
from wslusb.report.bundle import Bundle
from wslusb.report.redactor import Redactor

SECRET = b"A5XK3RJT"


@pytest.fixture
def redactor() -> Redactor:
    made = Redactor(ordinary=readme.words())
    made.learn_originals([SECRET, SECRET.decode().encode("utf-16-le")])
    return made


def members(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def test_what_one_text_tells_is_taken_out_of_all(redactor: Redactor, tmp_path: Path) -> None:
    path = tmp_path / "bug.zip"
    with Bundle(path, redactor, "2-4 A5XK3RJT") as bundle:
        bundle.add_text("log.txt", "a log", "B7OTHERS is here; A5XK3RJT too")
        bundle.add_json("state.json", "a state", {"serial": "B7OTHERS"})
        bundle.add_redacted("device.toml", "a device", 'name = "x"')
        bundle.missing["the capture"] = "A5XK3RJT is not attached"
        bundle.write()
    found = members(path)
    assert list(found) == ["device.toml", "log.txt", "state.json", "README.md"]
    assert not [name for name, text in found.items() if "A5XK3RJT" in text or "B7OTHERS" in text]
    assert "- the capture: " in found["README.md"]
    assert "| `log.txt` | a log |" in found["README.md"]
    assert "none was found" in found["README.md"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("form", [SECRET, SECRET.decode().encode("utf-16-le")])
def test_a_part_that_was_not_redacted_is_found_and_there_is_no_file(
    redactor: Redactor, tmp_path: Path, form: bytes
) -> None:
    with Bundle(tmp_path / "bug.zip", redactor) as bundle:
        part = bundle.folder / "capture.pcapng"
        part.write_bytes(bytes((1 << 20) - 5) + form + bytes(100))  # across what is read at a time
        bundle.add_redacted("capture.pcapng", "a capture", part)
        with pytest.raises(LocalError, match=r"found in capture\.pcapng: no bundle was written"):
            bundle.write()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_written_leaves_what_was_there_before(redactor: Redactor, tmp_path: Path) -> None:
    path = tmp_path / "bug.zip"
    path.write_bytes(b"an older one")
    with Bundle(path, redactor) as bundle:
        bundle.add_text("log.txt", "a log", "")
        (bundle.folder / "capture.pcapng").write_bytes(b"half of it")
    assert path.read_bytes() == b"an older one"
    assert list(tmp_path.iterdir()) == [path]


def test_raw_says_so_and_keeps_all(tmp_path: Path) -> None:
    path = tmp_path / "bug.zip"
    with Bundle(path, Redactor(raw=True)) as bundle:
        bundle.add_text("log.txt", "a log", "usb 1-4: SerialNumber: A5XK3RJT")
        bundle.write()
    found = members(path)
    assert "A5XK3RJT" in found["log.txt"]
    assert "Nothing was taken out" in found["README.md"]
    assert "What was taken out" not in found["README.md"]


def test_the_readme_names_the_commands_that_fit(redactor: Redactor, tmp_path: Path) -> None:
    path = tmp_path / "my bug.zip"
    with Bundle(path, redactor) as bundle:
        bundle.add_redacted("lsusb.txt", "descriptors", "")
        bundle.write()
    text = members(path)["README.md"]
    assert "python -m emulator run" in text
    assert "wslusb replay" not in text


def test_a_place_that_is_not_there_is_named_as_the_user_did(redactor: Redactor, tmp_path: Path) -> None:
    path = tmp_path / "nowhere/bug.zip"
    with pytest.raises(FileNotFoundError) as caught, Bundle(path, redactor):
        pytest.fail("it was entered")
    assert caught.value.filename == str(path)


def test_what_is_no_file_is_never_replaced(redactor: Redactor, tmp_path: Path) -> None:
    pipe, link, real = tmp_path / "pipe", tmp_path / "link.zip", tmp_path / "real.zip"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(LocalError, match="is no file"), Bundle(path, redactor):
            pytest.fail("it was entered")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    real.touch()
    link.symlink_to(real)
    with Bundle(link, redactor) as bundle:
        bundle.write()
    assert link.is_symlink()
    assert list(members(real)) == ["README.md"]


def test_what_a_terminal_would_obey_is_spelt_out(redactor: Redactor, tmp_path: Path) -> None:
    """A device chooses its own strings, and kernel messages, logs and JSON have them."""
    path, hostile = tmp_path / "bug.zip", "\x1b]0;owned\x07 \N{RIGHT-TO-LEFT OVERRIDE}evil \x9b31m"
    with Bundle(path, redactor, hostile) as bundle:
        bundle.add_text("kernel.txt", "messages", f"usb 1-4: Product: {hostile}\n\tnext")
        bundle.add_json("state.json", "a state", {"product": hostile})
        bundle.missing["the journal"] = hostile
        bundle.write()
    found = members(path)
    assert all(letter.isprintable() or letter in "\n\t" for text in found.values() for letter in text)
    assert json.loads(found["state.json"]) == {"product": hostile}
    assert found["kernel.txt"].endswith("\n\tnext")
