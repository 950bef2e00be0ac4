"""The reader of pcap and pcapng files."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support import samples
from wslusb.capture import pcapfile, pcapng
from wslusb.errors import LocalError


def seeds() -> Iterator[bytes]:
    """A few packets in each of the formats and byte orders, and a file that we wrote."""
    data = [packet.data for packet in samples.packets()[:4]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "capture"
        for order in "<>":
            for write in (samples.write_pcap, samples.write_pcapng):
                yield write(path, 220, data, order).read_bytes()
    yield b"".join((
        pcapng.section("a comment", system="Linux"), pcapng.interface(pcapng.LINK_USB, "usb", "all of it"),
        pcapng.packet(0, 1_700_000_000_000_000_001, data[:1], comment="first"),
        pcapng.packet(0, 1_700_000_000_000_000_002, data[1:2], original=9999), pcapng.statistics(0, 1, 2, 3),
    ))  # fmt: skip


def run(data: bytes) -> None:
    """Nothing but LocalError; no more bytes come out than went in."""
    total = 0
    with contextlib.suppress(LocalError):
        for packet in pcapfile.packets(io.BytesIO(data)):
            assert packet.time >= 0
            total += len(packet.data)
    assert total <= len(data)
    assert pcapfile.recognize(data) or not total
