"""wslusb.capture.pcapfile: packed files, sections, and what is refused."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path

import pytest

from wslusb.capture import pcapfile, pcapng
from wslusb.errors import LocalError


def packets(data: bytes) -> list[pcapfile.Packet]:
    return list(pcapfile.packets(io.BytesIO(data)))


def section(*interfaces: tuple[int, list[bytes]]) -> bytes:
    blocks = [pcapng.section(), *(pcapng.interface(link, "") for link, _ in interfaces)]
    blocks += [pcapng.packet(number, 5, [each]) for number, (_, found) in enumerate(interfaces) for each in found]
    return b"".join(blocks)


WHOLE = section((220, [b"a", b"b"]), (249, [b"c"]))


def test_interfaces_are_counted_over_all_sections() -> None:
    found = packets(WHOLE + section((1, []), (189, [b"d"])))
    assert [(each.interface, each.link_type, each.data) for each in found] == [
        (0, 220, b"a"), (0, 220, b"b"), (1, 249, b"c"), (3, 189, b"d"),
    ]  # fmt: skip


def test_a_packed_file_is_unpacked_as_it_is_read() -> None:
    packed = gzip.compress(WHOLE)
    assert pcapfile.recognize(packed)
    assert packets(packed) == packets(WHOLE)


def test_a_packed_file_that_was_cut_off_ends_early() -> None:
    assert packets(gzip.compress(WHOLE)[:-9]) in (packets(WHOLE), packets(WHOLE)[:-1], [])


@pytest.mark.parametrize(
    "data", [gzip.compress(b"text"), gzip.compress(WHOLE)[:12] + b"\xff" * 40], ids=["else", "damaged"]
)
def test_a_packed_file_of_something_else_or_with_damage_is_refused(data: bytes) -> None:
    with pytest.raises(LocalError):
        packets(data)


def test_a_packed_file_is_read_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes may unpack to gigabytes."""
    monkeypatch.setattr(pcapfile, "_MAX_UNPACKED", 200)
    with pytest.raises(LocalError, match="too large"):
        packets(gzip.compress(section((220, [bytes(100), bytes(100)]))))


def test_a_packed_capture_is_read_from_where_its_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng.gz"
    path.write_bytes(b"before" + gzip.compress(WHOLE))
    with path.open("rb") as file:
        file.seek(6)
        assert len(list(pcapfile.packets(file))) == 3


def test_a_time_that_no_capture_can_have_is_the_last_that_can_be_told() -> None:
    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + size + body + size

    seconds = struct.pack("<HHI", 220, 0, 0) + struct.pack("<HHB3xHH", 9, 1, 0, 0, 0)
    data = pcapng.section() + block(1, seconds) + block(6, struct.pack("<IIIII", 0, 0xFFFFFFFF, 0, 0, 0))
    (packet,) = pcapfile.packets(io.BytesIO(data))
    assert packet.time == (1 << 64) - 1
    assert list(pcapfile.packets(io.BytesIO(data + pcapng.packet(0, packet.time, [b"x"]))))[1].data == b"x"


def test_the_file_is_asked_for_its_place_once_not_for_every_packet() -> None:
    """That is a system call, and large captures have a million blocks."""
    asked = []

    class File(io.BytesIO):
        def tell(self) -> int:
            asked.append(super().tell())
            return asked[-1]

    assert len(list(pcapfile.packets(File(section((220, [b"a"] * 100)))))) == 100
    assert len(asked) == 1
