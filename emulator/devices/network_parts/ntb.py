"""NCM transfer blocks of 16 bits: many frames in one bulk transfer, and where they are (NCM 1.0, chapter 3)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from wslusb.usb.urb import Buffer

__all__ = ["overhead", "pack", "unpack"]

_HEADER = struct.Struct("<4sHHHH")
_TABLE = struct.Struct("<4sHH")
_ENTRY = struct.Struct("<HH")
_SIGNATURE, _TABLE_SIGNATURE = b"NCMH", b"NCM0"
_ALIGNMENT = 4


def overhead(frames: int) -> int:
    """Bytes of a block with so many frames that are no frame, at most."""
    return _HEADER.size + _TABLE.size + _ENTRY.size * (frames + 1) + frames * (_ALIGNMENT - 1)


def pack(sequence: int, frames: Sequence[bytes]) -> bytes:
    """Header, table, frames, each aligned to four bytes."""
    body = bytearray()
    start = _HEADER.size + _TABLE.size + _ENTRY.size * (len(frames) + 1)
    entries = bytearray()
    for frame in frames:
        body += bytes(-(start + len(body)) % _ALIGNMENT)
        entries += _ENTRY.pack(start + len(body), len(frame))
        body += frame
    entries += _ENTRY.pack(0, 0)
    table = _TABLE.pack(_TABLE_SIGNATURE, _TABLE.size + len(entries), 0) + entries
    header = _HEADER.pack(_SIGNATURE, _HEADER.size, sequence & 0xFFFF, start + len(body), _HEADER.size)
    return header + table + bytes(body)


def unpack(data: Buffer) -> list[bytes]:
    """The frames of a block. ValueError for what the specification does not allow."""
    if len(data) < _HEADER.size:
        raise ValueError(f"a block has at least {_HEADER.size} bytes, not {len(data)}")
    signature, header_length, _, length, at = _HEADER.unpack_from(data)
    if signature != _SIGNATURE or header_length != _HEADER.size:
        raise ValueError(f"not a block: {signature!r}, header of {header_length}")
    if length > len(data):
        raise ValueError(f"the block has {length} bytes, and {len(data)} came")
    block = memoryview(data)[: length or len(data)]  # 0: as long as the transfer
    frames: list[bytes] = []
    seen: set[int] = set()
    while at:
        if at in seen:
            raise ValueError("the tables go round in circles")
        seen.add(at)
        at = _read_table(block, at, frames)
    return frames


def _read_table(block: memoryview, at: int, frames: list[bytes]) -> int:
    """Add a table's frames; where the next table is."""
    if at % _ALIGNMENT or at + _TABLE.size > len(block):
        raise ValueError(f"no table can be at {at}")
    signature, length, following = _TABLE.unpack_from(block, at)
    if signature != _TABLE_SIGNATURE or length < _TABLE.size + 2 * _ENTRY.size or at + length > len(block):
        raise ValueError(f"not a table: {signature!r}, {length} bytes")
    for start, size in _ENTRY.iter_unpack(block[at + _TABLE.size : at + length - length % _ENTRY.size]):
        if not start or not size:
            break
        if start + size > len(block):
            raise ValueError(f"a frame of {size} at {start} is not in the block")
        frames.append(bytes(block[start : start + size]))
    return int(following)
