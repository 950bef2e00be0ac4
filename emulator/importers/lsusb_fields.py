"""A field as ``lsusb -v`` prints it, back to the bytes that it had in its descriptor.

The prefix of a name says how large a field is, as in the specifications: ``b`` one byte, ``w`` two, ``dw`` four. Where
lsusb prints hexadecimal digits it prints all of them, which says it for bit maps. What is otherwise is in a table here.
"""

from __future__ import annotations

import re
import uuid

__all__ = ["FIELD", "Fields", "encode", "integer"]

Fields = list[tuple[str, str]]
"""Names (without their index in brackets) and what stands behind them, in the order of the text."""

FIELD = re.compile(r"\s+([A-Za-z]\w*\.?)(?:[(\[]\s*\d+\s*[)\]])?\s+(\S.*?)\s*", re.ASCII)

_SIZES = {
    "bU2DevExitLat": 2, "MaxPower": 1, "nMaxSlotIndex": 1, "bmEthernetStatistics": 4, "bmHint": 2,
    "wTerminalType": 2, "tLowerSamFreq": 3, "tUpperSamFreq": 3, "tSamFreq": 3,
}  # fmt: skip
_PREFIXES = (
    ("bcd", 2), ("dw", 4), ("bm", 1), ("ba", 1), ("Ba", 1), ("id", 2), ("b", 1), ("w", 2), ("i", 1),
)  # fmt: skip
_GUIDS = ("ContainerID", "PlatformCapabilityUUID", "bGUID")
_BARE_HEX = ("dwSyncProtocols", "dwMechanical", "dwFeatures")
_ECHO = ("bClassGetResponse", "bClassEnvelope")
_NUMBER = re.compile(r"0x ?([0-9a-fA-F]{1,16})|(\d{1,20})(?![.\w])|(\d{1,20})(?=mA)", re.ASCII)
_BCD = re.compile(r"([0-9a-fA-F]{1,2})\.([0-9a-fA-F]{2})", re.ASCII)
_MEGAHERTZ = re.compile(r"(\d{1,5})\.(\d{6})MHz", re.ASCII)


def integer(text: str) -> int | None:
    """The number at the start of a value, None if there is none."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    return int(match[1], 16) if match[1] else int(match[2] or match[3])


def encode(name: str, text: str, control_size: int | None = None, *, plain_guids: bool = False) -> bytes | None:
    """The bytes of one field; None where the text does not hold them; empty for a line that is no field.

    ``control_size`` is the bControlSize that came before, for the bit maps of video whose digits do not tell.
    ``plain_guids``: GUIDs stand there byte by byte, as usbutils printed them before version 9.
    """
    if name in _ECHO:
        return b"\xff" if text == "echo" else _number(text.split()[0], 1, 16)
    if name in _BARE_HEX:
        return _number(text.split()[0], 4, 16)
    if name == "wlcdLayout":
        return b"\0\0" if text == "none" else _layout(text)
    if name.startswith("guid") or name in _GUIDS:
        return _guid(text, plain=plain_guids)
    if name.startswith("bcd") and (digits := _BCD.match(text)):
        return bytes((int(digits[2], 16), int(digits[1], 16)))
    if megahertz := _MEGAHERTZ.match(text):
        return _number(megahertz[1] + megahertz[2], 4)
    if name in ("bmControls", "bmControlsRuntime") and control_size is not None:
        return _sized(integer(text), control_size) if control_size <= 3 else None
    return _plain(name, text)


def _plain(name: str, text: str) -> bytes | None:
    size = _SIZES.get(name)
    if size is None:
        size = next((size for prefix, size in _PREFIXES if name.startswith(prefix) and name != prefix), -1)
    if name == "CapabilityData":
        size = 1
    if size < 0:
        return b""
    match = _NUMBER.match(text)
    if match is None:
        return None
    if match[1] and name not in _SIZES and name[:1] in "bBi" and not name.startswith("id"):
        size = (len(match[1]) + 1) // 2
    return _sized(integer(text), size)


def _sized(value: int | None, size: int) -> bytes | None:
    if value is None or value >= 1 << 8 * size:
        return None
    return value.to_bytes(size, "little")


def _number(text: str, size: int, base: int = 10) -> bytes | None:
    try:
        return _sized(int(text, base), size) if text.isalnum() else None
    except ValueError:
        return None


def _layout(text: str) -> bytes | None:
    match = re.match(r"(\d{1,3}) cols (\d{1,3}) lines", text, re.ASCII)
    return bytes((int(match[1]), int(match[2]))) if match and max(int(match[1]), int(match[2])) < 256 else None


def _guid(text: str, *, plain: bool) -> bytes | None:
    try:
        guid = uuid.UUID(text.strip("{}").split("}")[0])
    except ValueError:
        return None
    return guid.bytes if plain else guid.bytes_le
