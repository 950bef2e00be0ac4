"""What a network card has sent and received, as a file that Wireshark and tcpdump read (pcap, LINKTYPE_ETHERNET)."""

from __future__ import annotations

import struct
import time

from ...options import Options
from ...record import Record

__all__ = ["Capture"]

_FILE = struct.Struct("<IHHiIII")
_PACKET = struct.Struct("<IIII")
_MAGIC, _SNAPLEN, _ETHERNET = 0xA1B2C3D4, 65535, 1


class Capture:
    """Writes nothing if the option was not given."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def begin(self) -> None:
        """An empty capture, the first time: for ``attached``."""
        if self._record.begin():
            self._record.data(_FILE.pack(_MAGIC, 2, 4, 0, 0, _SNAPLEN, _ETHERNET))

    @classmethod
    def from_options(cls, options: Options) -> Capture:
        """``capture=FILE``. LocalError if it cannot be written."""
        return cls(Record.from_options(options, "capture"))

    def add(self, frame: bytes) -> None:
        """A frame has passed now."""
        microseconds = time.time_ns() // 1000
        head = _PACKET.pack(microseconds // 1_000_000, microseconds % 1_000_000, len(frame), len(frame))
        self._record.data(head + frame)
