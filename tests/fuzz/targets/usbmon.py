"""The reader of usbmon's records, long and short, in both byte orders."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fuzz.samples import drawn
from tests.support import samples, strategies
from wslusb.capture import usbmon


def seeds() -> Iterator[bytes]:
    """The first byte says whether the header is the short one."""
    for packet in samples.packets()[:12]:
        yield b"\0" + packet.data
        yield b"\1" + packet.data[:48] + packet.data[64:]
    for urb in drawn(strategies.urbs(), 16):
        yield b"\0" + b"".join(usbmon.submitted(urb, (1, 2), 3_000_000))
        for completion in drawn(strategies.completions(urb), 1):
            yield b"\0" + b"".join(usbmon.completed(completion, (1, 2), 4_000_000))


def run(data: bytes) -> None:
    """It never raises, and shows nothing that is not in the record."""
    short, rest = data[:1] == b"\1", data[1:]
    record = usbmon.read(rest, short=short)
    if record is not None:
        assert record.kind in "SCE"
        assert len(record.data) <= len(rest)
        assert len(record.setup) in (0, 8)
        assert len(record.iso) * 16 <= len(rest)
