"""MIDI over USB: a byte stream on one side, packets of four bytes on the other (USB MIDI Devices 1.0, section 4).

The first byte of a packet is a cable number and a code index number, which says how many of the other three count.
"""

from __future__ import annotations

from collections.abc import Iterator

from wslusb.usb.urb import Buffer

__all__ = ["EventParser", "event_bytes", "events"]

_SIZES = (0, 0, 2, 3, 3, 1, 2, 3, 3, 3, 3, 3, 2, 2, 3, 1)
"""Bytes that count, by code index number (table 4-1); 0 and 1 are reserved."""
_SYSEX, _SYSEX_END, _REAL_TIME = 0xF0, 0xF7, 0xF8
_SYSEX_GOES_ON, _SINGLE_BYTE = 0x4, 0xF
_ENDS_AFTER = (0, 0x5, 0x6, 0x7)
"""Code index numbers for the last 1, 2 and 3 bytes of a system exclusive message."""
_COMMON = {0xF1: (0x2, 1), 0xF2: (0x3, 2), 0xF3: (0x2, 1), 0xF6: (0x5, 0)}
"""System common messages: their code index number, and how many data bytes they have."""


def event_bytes(packet: Buffer) -> bytes:
    """The bytes of the MIDI stream in a packet."""
    return bytes(packet[1 : 1 + _SIZES[packet[0] & 0xF]])


def events(data: Buffer) -> Iterator[tuple[int, bytes]]:
    """Cable and bytes of each packet of a transfer; padding (all zeroes) and what is cut off count for nothing."""
    view = memoryview(data)
    for start in range(0, len(view) - 3, 4):
        packet = view[start : start + 4]
        if payload := event_bytes(packet):
            yield packet[0] >> 4, payload


class EventParser:
    """Cuts the byte stream of one cable into packets. Knows running status; drops data that no status precedes."""

    def __init__(self, cable: int = 0) -> None:
        self._cable = cable
        self._status = 0
        self._data = bytearray()

    def feed(self, stream: bytes) -> list[bytes]:
        """The packets that are complete now."""
        packets = []
        for byte in stream:
            if byte >= _REAL_TIME:  # may come between any two others
                packets.append(self._packet(_SINGLE_BYTE, bytes((byte,))))
            elif byte & 0x80:
                packets += self._start(byte)
            else:
                packets += self._more(byte)
        return packets

    def _start(self, status: int) -> list[bytes]:
        """A status byte; in the middle of another message, that one is given up."""
        if status == _SYSEX_END:
            ended = self._end_sysex() if self._status == _SYSEX else []
            self._status = 0
            self._data.clear()
            return ended
        self._status = status
        self._data[:] = bytes((status,)) if status == _SYSEX else b""
        if status in _COMMON and not _COMMON[status][1]:
            return self._complete(_COMMON[status][0])
        if status >= _SYSEX and status not in _COMMON and status != _SYSEX:  # undefined
            self._status = 0
        return []

    def _more(self, byte: int) -> list[bytes]:
        if not self._status:
            return []
        self._data.append(byte)
        if self._status == _SYSEX:
            # Three bytes wait for a fourth: the last ones are told by another number.
            return self._sysex_goes_on() if len(self._data) == 3 else []
        code, wanted = _COMMON.get(self._status) or (self._status >> 4, _SIZES[self._status >> 4] - 1)
        return self._complete(code) if len(self._data) == wanted else []

    def _sysex_goes_on(self) -> list[bytes]:
        packet = self._packet(_SYSEX_GOES_ON, bytes(self._data))
        self._data.clear()
        return [packet]

    def _end_sysex(self) -> list[bytes]:
        self._data.append(_SYSEX_END)
        return [self._packet(_ENDS_AFTER[len(self._data)], bytes(self._data))]

    def _complete(self, code: int) -> list[bytes]:
        packet = self._packet(code, bytes((self._status, *self._data)))
        self._data.clear()
        if self._status >= _SYSEX:  # only channel messages have a running status
            self._status = 0
        return [packet]

    def _packet(self, code: int, payload: bytes) -> bytes:
        return bytes((self._cable << 4 | code,)) + payload.ljust(3, b"\0")
