"""wslusb.capture.pcapng: blocks as a reader that is not ours by construction takes them apart."""

from __future__ import annotations

import io
import struct

from hypothesis import given
from hypothesis import strategies as st

from wslusb.capture import pcapng
from wslusb.capture.pcapfile import packets


def test_a_file_of_two_interfaces() -> None:
    file = b"".join((
        pcapng.section("made by a test", application="wslusb"),
        pcapng.interface(pcapng.LINK_USB, "wslusb:1-1"),
        pcapng.interface(pcapng.LINK_VSOCK, "wslusb:1-1 protocol", "both directions"),
        pcapng.packet(0, 1_700_000_000_123_456_789, [b"abc", b"de"]),
        pcapng.packet(1, 1_700_000_000_123_456_790, [b""], original=100, comment="cut"),
        pcapng.statistics(0, 1_700_000_000_200_000_000, 2, 1),
    ))  # fmt: skip
    found = list(packets(io.BytesIO(file)))
    assert [(each.link_type, each.data) for each in found] == [(220, b"abcde"), (271, b"")]
    assert [each.time % 1000 for each in found] == [789, 790]


def test_times_are_nanoseconds() -> None:
    assert struct.pack("<HHB", 9, 1, 9) in pcapng.interface(pcapng.LINK_USB, "x")
    block = pcapng.packet(0, 0x1122334455667788, [b""])
    assert struct.unpack_from("<II", block, 12) == (0x11223344, 0x55667788)


@given(st.lists(st.binary(max_size=40), max_size=4), st.text(max_size=20), st.integers(0, 2**63 - 1))
def test_every_block_tells_its_length_twice_and_fills_words(parts: list[bytes], comment: str, when: int) -> None:
    for block in (
        pcapng.section(comment, system=comment), pcapng.interface(220, comment, comment),
        pcapng.packet(0, when, parts, comment=comment), pcapng.statistics(0, when, 1, 0),
    ):  # fmt: skip
        assert len(block) % 4 == 0
        assert struct.unpack_from("<I", block, 4)[0] == struct.unpack_from("<I", block, len(block) - 4)[0] == len(block)
    file = pcapng.section() + pcapng.interface(220, "x") + pcapng.packet(0, when, parts, comment=comment)
    assert [each.data for each in packets(io.BytesIO(file))] == [b"".join(parts)]
