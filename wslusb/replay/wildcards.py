"""Bytes that differ from run to run and mean nothing: tags and counters.

Those of Bulk-Only Transport are known (USB Mass Storage Class, Bulk-Only Transport 1.0, tables 5.1 and 5.2): the tag of
a command comes back in its status. Others are named by whoever replays: ``0x02:4-7`` is bytes 4 to 7 of what endpoint
0x02 carries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import LocalError, LocalReason
from ..usb.urb import Buffer

__all__ = ["CBW", "CBW_SIZE", "CSW", "CSW_SIZE", "Tags", "Wildcards"]

CBW, CBW_SIZE = b"USBC", 31
CSW, CSW_SIZE = b"USBS", 13
_TAG = slice(4, 8)
_RANGE = re.compile(r"(0x[0-9a-fA-F]{1,2}|\d{1,3}):(\d{1,7})(?:-(\d{1,7}))?", re.ASCII)


class Wildcards:
    """What is not compared. LocalError for a ``range`` that is not ENDPOINT:FIRST[-LAST]."""

    def __init__(self, ranges: Iterable[str] = ()) -> None:
        self._ranges: dict[int, list[slice]] = {}
        for text in ranges:
            match = _RANGE.fullmatch(text)
            if match is None:
                raise LocalError(LocalReason.BAD_ADDRESS, f"{text!r} is not ENDPOINT:FIRST-LAST, like 0x02:4-7")
            first, last = int(match[2]), int(match[3] or match[2])
            self._ranges.setdefault(int(match[1], 0), []).append(slice(first, last + 1))

    def difference(self, endpoint: int, one: Buffer, other: Buffer) -> int | None:
        """Where the first byte is that counts and differs; None if they agree."""
        if one == other:
            return None
        a, b = self._blank(endpoint, one), self._blank(endpoint, other)
        if a == b:
            return None
        pairs = zip(a, b, strict=False)
        return next((place for place, (x, y) in enumerate(pairs) if x != y), min(len(a), len(b)))

    def _blank(self, endpoint: int, data: Buffer) -> bytearray:
        blank = bytearray(data)
        ranges = list(self._ranges.get(endpoint, ()))
        if (len(blank), bytes(blank[:4])) in ((CBW_SIZE, CBW), (CSW_SIZE, CSW)):
            ranges.append(_TAG)
        for each in ranges:
            size = len(blank[each])
            blank[each] = bytes(size)
        return blank


class Tags:
    """The tags of commands now for those in the capture, so that a status carries the one that its host gave."""

    def __init__(self) -> None:
        self._now: dict[bytes, bytes] = {}

    def sent(self, captured: Buffer, now: Buffer) -> None:
        """A command was sent in place of the captured one."""
        if len(now) == CBW_SIZE and bytes(now[:4]) == CBW:
            self._now[bytes(captured[_TAG])] = bytes(now[_TAG])

    def answer(self, data: bytes) -> bytes:
        """What the capture answers, with the tag that is awaited."""
        if len(data) != CSW_SIZE or data[:4] != CSW:
            return data
        return data[:4] + self._now.get(data[_TAG], data[_TAG]) + data[8:]
