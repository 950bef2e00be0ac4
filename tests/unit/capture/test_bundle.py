"""wslusb.capture.bundle: zips as they come from strangers. The worst that comes is one line."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support import samples
from wslusb.capture import bundle
from wslusb.capture.bundle import open_capture, read_member
from wslusb.cli.program import program
from wslusb.errors import LocalError

CAPTURE = samples.CAPTURE.read_bytes()


def zipped(path: Path, members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_the_capture_of_a_bundle_is_read_as_the_file_would_be(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "bug.zip", {"README.md": b"hello", "capture.pcapng": CAPTURE})
    for path in (packed, samples.CAPTURE):
        with open_capture(path) as file:
            assert file.read() == CAPTURE
            assert file.tell() == len(CAPTURE)
            file.seek(4)
            assert file.read(8) == CAPTURE[4:12]
    assert read_member(packed, "README.md", 100) == b"hello"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"README.md": b"hello"}, "has no capture in it"),
        ({"a.pcapng": CAPTURE, "b.pcap": CAPTURE}, "has 2 captures in it"),
        ({"capture.pcapng": b"hello"}, "neither a pcap nor a pcapng file"),
        ({f"{number}.txt": b"" for number in range(1001)}, "more than 1000 files"),
    ],
)
def test_what_is_no_bundle_of_one_capture_is_said_in_one_line(
    tmp_path: Path, members: dict[str, bytes], message: str
) -> None:
    path = zipped(tmp_path / "bug.zip", members)
    result = CliRunner().invoke(program, ["replay", str(path), "--as-host", "emulator:loopback"])
    lines = result.stderr.splitlines()
    assert result.exit_code == 1
    assert message in lines[0]
    assert len(lines) <= 2
    assert all(line.startswith(("wslusb: error: ", "wslusb: hint: ")) for line in lines)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MOST_CAPTURE", 1 << 20)
    path = zipped(tmp_path / "bomb.zip", {"capture.pcapng": bytes((1 << 20) + 1)})
    with pytest.raises(LocalError, match=r"'capture.pcapng' has more than 1 MiB"), open_capture(path):
        pytest.fail("it was opened")
    with pytest.raises(LocalError, match="has more than"):
        read_member(path, "capture.pcapng", 1 << 20)


def test_a_bomb_whose_directory_lies_gives_no_more_than_the_directory_says(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"capture.pcapng": bytes(8 << 20)})
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", data, data.index(mark) + at, 1000)
    path.write_bytes(data)
    with pytest.raises(LocalError, match="no bug bundle that can be read"), open_capture(path) as file:
        assert len(file.read()) <= 1000


def test_a_directory_that_places_a_file_before_the_first_byte_is_damage(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bug.zip", {"capture.pcapng": CAPTURE})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x05\x06") + 16
    struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + 1000)
    path.write_bytes(data)
    with pytest.raises(LocalError, match="no bug bundle that can be read"), open_capture(path):
        pytest.fail("it was opened")


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_of_packing_that_cannot_be_bounded_are_refused(tmp_path: Path, how: int) -> None:
    path = zipped(tmp_path / "bug.zip", {"capture.pcapng": CAPTURE}, how)
    with pytest.raises(LocalError, match="packed in an unusual way"), open_capture(path):
        pytest.fail("it was opened")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bug.zip", {"capture.pcapng": CAPTURE})
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(mark) + at] |= 1
    path.write_bytes(data)
    with pytest.raises(LocalError, match="encrypted"), open_capture(path):
        pytest.fail("it was opened")


def test_names_that_lead_elsewhere_lead_nowhere(tmp_path: Path) -> None:
    """Nothing is extracted: the name is only looked at."""
    inner = tmp_path / "a/b"
    inner.mkdir(parents=True)
    path = zipped(inner / "bug.zip", {"../../outside.pcapng": CAPTURE})
    before = sorted(tmp_path.rglob("*"))
    with open_capture(path) as file:
        assert file.read() == CAPTURE
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bundle_without_a_capture_is_imported_by_its_descriptors(tmp_path: Path) -> None:
    from emulator.importers import import_device

    text = (samples.SAMPLES / "acm/lsusb.txt").read_bytes()
    path = zipped(tmp_path / "bug.zip", {"lsusb.txt": text})
    gadget = import_device(path).model.gadget
    found = gadget.device.pack() + b"".join(each.pack() for each in gadget.configurations)
    assert found == samples.descriptors("acm")
    with_capture = zipped(tmp_path / "other.zip", {"capture.pcapng": CAPTURE})
    assert import_device(with_capture, samples.ADDRESSES["acm"]).model.gadget.device.pack() == found[:18]
