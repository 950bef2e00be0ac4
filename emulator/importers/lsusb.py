"""The text of ``lsusb -v`` (usbutils), back to descriptors.

Each descriptor is a heading and its fields. bLength and wTotalLength stand in the text and are what the result is
checked against: a descriptor whose bytes the text does not hold is left out and reported, never guessed.
"""

from __future__ import annotations

import re
import struct

from wslusb.usb.ids import DescriptorType, Speed, TransferType
from wslusb.usb.setup import Request

from .evidence import Evidence
from .lsusb_fields import encode, integer
from .lsusb_text import NOT_CONFIGURATION, Block, blocks

__all__ = ["read", "recognize"]

_DEVICE = re.compile(r"Bus (\d{3}) Device (\d{3}): ID ([0-9a-f]{4}):([0-9a-f]{4})", re.ASCII)
_SPEEDS = {"Low": Speed.LOW, "Full": Speed.FULL, "High": Speed.HIGH, "SuperSpeed": Speed.SUPER,
           "SuperSpeed+": Speed.SUPER_PLUS, "SuperSpeed++": Speed.SUPER_PLUS}  # fmt: skip
_CDC = {
    "CDC Header": 0x00, "CDC Call Management": 0x01, "CDC ACM": 0x02, "CDC Union": 0x06, "Country Selection": 0x07,
    "CDC Telephone operations": 0x08, "Network Channel Terminal": 0x0A, "CDC Ethernet": 0x0F, "CDC WHCM": 0x11,
    "CDC MDLM": 0x12, "CDC MDLM detail": 0x13, "CDC Device Management": 0x14, "CDC OBEX": 0x15,
    "CDC Command Set": 0x16, "CDC NCM": 0x1A, "CDC MBIM": 0x1B, "CDC MBIM Extended": 0x1C,
}  # fmt: skip
"""bDescriptorSubtype of functional descriptors (CDC 1.2, table 13), which lsusb prints as a heading alone."""
_OLD_TOTAL = re.compile(r"^    wTotalLength +\d+$", re.ASCII | re.MULTILINE)
_CS_INTERFACE = 0x24
_PIPE_USAGE = 0x24
_MAX_LINES = 200_000


def recognize(head: str) -> bool:
    """Whether a text has what ``lsusb -v`` starts a device with."""
    return "Device Descriptor:" in head and "bDescriptorType" in head


def read(text: str) -> list[Evidence]:
    """Every device, named ``bus.address`` as its heading says (``1.5``); ``device`` for text without headings."""
    found: list[Evidence] = []
    lines: list[str] = []
    name = "device"
    for line in text.splitlines()[:_MAX_LINES]:
        if match := _DEVICE.match(line):
            found += _devices(name, lines)
            name, lines = f"{int(match[1])}.{int(match[2])}", []
        else:
            lines.append(line)
    return found + _devices(name, lines)


def _devices(name: str, lines: list[str]) -> list[Evidence]:
    found = list(blocks(lines))
    if not any(block.title == "Device Descriptor" for block in found):
        return []
    evidence = Evidence(name)
    evidence.speed = _speed(lines)
    reader = _Reader(evidence, plain_guids=_plain_guids("\n".join(lines), evidence))
    for block in found:
        reader.add(block)
    reader.close()
    return [evidence]


def _speed(lines: list[str]) -> Speed:
    line = next((each for each in lines if each.startswith("Negotiated speed: ")), "")
    return _SPEEDS.get(line.removeprefix("Negotiated speed: ").split(" ")[0], Speed.UNKNOWN)


def _plain_guids(text: str, evidence: Evidence) -> bool:
    """Whether GUIDs are printed byte by byte: usbutils 9 changed that, and does not say which version it is.

    The GUIDs of video formats tell, for they all have the same end (UVC 1.1, uncompressed payload, 3.1.1). Without
    one, a wTotalLength in decimal is older than usbutils 10.
    """
    if "-0000-1000-8000-00aa00389b71" in text or "-0000-0010-8000-00aa00389b71" in text:
        return "-0000-1000-8000-00aa00389b71" in text
    if not _OLD_TOTAL.search(text):
        return False
    if "guid" in text:
        evidence.missing.append("GUIDs: the text does not tell their byte order; that of usbutils before 9")
    return True


class _Reader:
    """Puts the blocks of one device in their places."""

    def __init__(self, evidence: Evidence, *, plain_guids: bool) -> None:
        self._evidence = evidence
        self._plain_guids = plain_guids
        self._configuration: list[bytes] | None = None
        self._stated = 0
        self._interface = 0
        self._version = 0
        self._capabilities: list[bytes] | None = None

    def add(self, block: Block) -> None:
        self._note_strings(block)
        title = block.title
        if title == "Device Descriptor":
            self._evidence.device = self._bytes(block) or b""
            self._version = int.from_bytes(self._evidence.device[2:4], "little")
        elif title == "Configuration Descriptor":
            self._open(block)
        elif title == "Binary Object Store Descriptor":
            self._close_configuration()
            self._capabilities = [self._bytes(block) or b""]
        elif title.startswith(NOT_CONFIGURATION):
            self._close_configuration()
        elif title == "Report Descriptor":
            self._report(block.raw)
        elif self._capabilities is not None and title:
            self._capability(block)
        elif self._configuration is not None and title:
            self._descriptor(block)

    def close(self) -> None:
        """No more blocks."""
        self._close_configuration()
        if self._capabilities is not None:
            whole = b"".join(self._capabilities)
            if len(whole) >= 5 and struct.unpack_from("<H", whole, 2)[0] == len(whole):
                self._evidence.bos = whole

    def _open(self, block: Block) -> None:
        self._close_configuration()
        self._capabilities = None
        unit = 8 if self._version >= 0x0300 else 2
        power = block.value("MaxPower") // unit
        block.fields = [each if each[0] != "MaxPower" else ("MaxPower", str(power)) for each in block.fields]
        self._stated = block.value("wTotalLength")
        head = self._bytes(block)
        self._configuration = [head] if head is not None else None

    def _close_configuration(self) -> None:
        if self._configuration is None:
            return
        whole = b"".join(self._configuration)
        if len(whole) != self._stated:
            number = len(self._evidence.configurations) + 1
            self._evidence.missing.append(
                f"configuration {number}: the text holds {len(whole)} of wTotalLength {self._stated} bytes;"
                f" wTotalLength is {len(whole)}"
            )
            whole = whole[:2] + struct.pack("<H", len(whole) & 0xFFFF) + whole[4:]
        self._evidence.configurations.append(whole)
        self._configuration = None

    def _descriptor(self, block: Block) -> None:
        assert self._configuration is not None  # noqa: S101 - the caller looked
        if block.title == "Interface Descriptor":
            self._interface = block.value("bInterfaceNumber")
        data = block.raw if block.title == "raw" else self._functional(block) or self._bytes(block)
        if data:
            self._configuration.append(data)
            self._configuration += [bytes((4, _PIPE_USAGE, pipe, 0)) for pipe in block.pipes]

    def _bytes(self, block: Block) -> bytes | None:
        """A block that starts with bLength; None, and reported, if the fields do not add up to it."""
        length, control_size = block.value("bLength"), None
        if not length:
            return None
        companion: dict[str, int] = {}
        data = b""
        for name, text in block.fields:
            if name in ("bMaxBurst", "MaxStreams", "Mult", "wBytesPerInterval"):
                companion[name] = integer(text) or 0
                continue
            if name == "bControlSize":
                control_size = integer(text)
            size = control_size if block.title.startswith("Video") else None
            piece = encode(name, text, size, plain_guids=self._plain_guids)
            if piece is None:
                data = b""
                break
            data += piece
        data += block.raw
        if block.title == "VideoControl Interface Descriptor" and data[2:3] == b"\x05":
            data = data[:length]  # a processing unit of UVC 1.0 ends before bmVideoStandards, which is printed anyway
        if len(data) != length:
            self._incomplete(block, length)
            return None
        return data + (self._companion(data, companion) if "bMaxBurst" in companion and length >= 7 else b"")

    def _companion(self, endpoint: bytes, values: dict[str, int]) -> bytes:
        """The SuperSpeed endpoint companion, which lsusb prints among the fields of its endpoint."""
        streams, mult = values.get("MaxStreams", 0), values.get("Mult", 0)
        attributes = min(streams.bit_length() - 1, 0x1F) if streams else mult & 3
        burst = values["bMaxBurst"] & 0xFF
        interval = values.get("wBytesPerInterval", 0)
        if endpoint[3] & 1 and "wBytesPerInterval" not in values:  # periodic
            bursts = (attributes & 3) + 1 if endpoint[3] & 3 == TransferType.ISOCHRONOUS else 1
            interval = (int.from_bytes(endpoint[4:6], "little") & 0x7FF) * (burst + 1) * bursts & 0xFFFF
            self._evidence.missing.append(
                f"wBytesPerInterval of endpoint {endpoint[2]:#04x}: not in the text; {interval}, the most allowed"
            )
        kind = DescriptorType.SS_ENDPOINT_COMPANION
        return struct.pack("<BBBBH", 6, kind, burst, attributes, interval & 0xFFFF)

    def _incomplete(self, block: Block, length: int) -> None:
        where = f" of interface {self._interface}" if self._configuration and len(self._configuration) > 1 else ""
        self._evidence.missing.append(f"{block.title} ({length} bytes){where}: not all in the text; left out")

    def _functional(self, block: Block) -> bytes | None:
        """A CDC functional descriptor, which is printed without its first three bytes."""
        subtype = _CDC.get(block.title)
        if subtype is None:
            return None
        data = bytes((_CS_INTERFACE, subtype))
        for name, text in block.fields:
            if name in ("bSlaveInterface", "bDetailData"):
                base, digits = (16, "0-9a-fA-F") if name == "bDetailData" else (10, "0-9")
                words = re.findall(rf"[{digits}]{{1,3}}\b", text)
                data += bytes(value for word in words if (value := int(word, base)) < 256)
                continue
            data += encode(name, text, plain_guids=self._plain_guids) or b""
        return bytes((len(data) + 1,)) + data if len(data) < 255 else None

    def _capability(self, block: Block) -> None:
        assert self._capabilities is not None  # noqa: S101 - the caller looked
        data = block.raw if block.title == "raw" else self._bytes(block)
        if data is not None:
            self._capabilities.append(data)

    def _report(self, data: bytes) -> None:
        if data:
            self._evidence.answers[0x81, Request.GET_DESCRIPTOR, 0x22 << 8, self._interface] = [data]

    def _note_strings(self, block: Block) -> None:
        for name, text in block.fields:
            number, _, string = text.partition(" ")
            is_index = name[:1] == "i" and name[1:2].isupper()
            if is_index and number.isdigit() and 0 < int(number) < 256 and string not in ("", "(error)", "(??)"):
                self._evidence.strings.setdefault(int(number), string)
