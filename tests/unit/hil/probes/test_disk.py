from __future__ import annotations

from pathlib import Path

from hil.probes import files
from hil.probes.disk import PIECE, content, pieces, scattered

BLOCK, LENGTH = 512, 1 << 20


def test_scattered_writes_are_whole_blocks_inside_of_their_range_and_the_same_again() -> None:
    found = list(scattered(7, LENGTH, BLOCK, 50))
    assert all(at % BLOCK == len(data) % BLOCK == 0 < len(data) and at + len(data) <= LENGTH for at, data in found)
    assert found == list(scattered(7, LENGTH, BLOCK, 50))
    assert found != list(scattered(8, LENGTH, BLOCK, 50))


def test_a_changed_byte_changes_the_checksum_of_its_piece_alone() -> None:
    data = bytearray(content(1, 3 * PIECE + 5))
    before = pieces(data)
    data[PIECE] ^= 1
    assert [number for number, pair in enumerate(zip(before, pieces(data), strict=True)) if pair[0] != pair[1]] == [1]
    assert len(before) == 4


def test_files_are_read_as_they_were_written_and_missed_if_they_are_gone(tmp_path: Path) -> None:
    sizes = [0, 1, 1000]
    assert files.run(str(tmp_path), 3, sizes, write=True) == files.checksums(3, sizes)
    (tmp_path / "part1" / "file 1").unlink()
    (tmp_path / "part2" / "file 2").write_bytes(b"else")
    first, second, third = files.run(str(tmp_path), 3, sizes)
    assert (first, second) == (files.checksums(3, sizes)[0], "missing")
    assert third != files.checksums(3, sizes)[2]
