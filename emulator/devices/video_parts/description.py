"""A webcam's description (UVC 1.1, section 3), at high speed: a camera, a processing unit, a stream of YUY2."""

from __future__ import annotations

import struct

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.descriptors_extra import InterfaceAssociation, class_specific
from wslusb.usb.ids import ClassCode, TransferType

from ...gadget import Gadget
from .negotiation import BYTES_PER_PIXEL, CLOCK, INTERVALS, SIZES

__all__ = ["CONTROL", "ENDPOINT", "PROCESSING", "STREAMING", "webcam_gadget"]

CONTROL, STREAMING = 0, 1
"""Interfaces."""
CAMERA, PROCESSING, OUTPUT = 1, 2, 3
"""Entities."""
ENDPOINT = 0x81

_CS_INTERFACE = 0x24
_VIDEO_CONTROL, _VIDEO_STREAMING, _COLLECTION = 1, 2, 3
_VERSION = 0x0110
_HEADER, _INPUT_TERMINAL, _OUTPUT_TERMINAL, _PROCESSING_UNIT = 1, 2, 3, 5
_INPUT_HEADER, _FORMAT_UNCOMPRESSED, _FRAME_UNCOMPRESSED, _COLOR_MATCHING = 1, 4, 5, 13
_CAMERA_TERMINAL, _USB_STREAM = 0x0201, 0x0101
_BRIGHTNESS = 0x0001
_YUY2 = b"YUY2" + bytes.fromhex("0000 1000 8000 00aa00389b71")
_ASYNCHRONOUS = 0x04
_PAYLOADS = (192, 384, 704, 1024)
"""Bytes a microframe, of the alternate settings 1, 2, ..."""


def _descriptor(subtype: int, layout: str, *values: int | bytes) -> bytes:
    return class_specific(_CS_INTERFACE, struct.pack("<B" + layout, subtype, *values))


def _control_interface() -> Interface:
    """3.7: camera, processing unit (brightness), and the way out."""
    entities = [
        _descriptor(_INPUT_TERMINAL, "BHBBHHHB3s", CAMERA, _CAMERA_TERMINAL, 0, 0, 0, 0, 0, 3, bytes(3)),
        _descriptor(_PROCESSING_UNIT, "BBHBHBB", PROCESSING, CAMERA, 0, 2, _BRIGHTNESS, 0, 0),
        _descriptor(_OUTPUT_TERMINAL, "BHBBB", OUTPUT, _USB_STREAM, 0, PROCESSING, 0),
    ]
    total = 13 + sum(map(len, entities))
    header = _descriptor(_HEADER, "HHIBB", _VERSION, total, CLOCK, 1, STREAMING)
    association = InterfaceAssociation(CONTROL, 2, ClassCode.VIDEO, _COLLECTION, string=2)
    return Interface(
        CONTROL, 0, ClassCode.VIDEO, _VIDEO_CONTROL, string=2, extra=[header, *entities], association=association
    )


def _frame(index: int, width: int, height: int) -> bytes:
    """Uncompressed Payload, 3.1.2."""
    size = width * height * BYTES_PER_PIXEL
    rates = [size * 8 * 10_000_000 // interval for interval in INTERVALS]
    layout = f"BBHHIIIIB{len(INTERVALS)}I"
    return _descriptor(
        _FRAME_UNCOMPRESSED, layout, index, 0, width, height, min(rates), max(rates), size, INTERVALS[0],
        len(INTERVALS), *INTERVALS,
    )  # fmt: skip


def _streaming_descriptors() -> list[bytes]:
    """3.9: one format, its frames, and what colours the numbers mean (primaries of BT.709, matrix of BT.601)."""
    formats = [
        _descriptor(_FORMAT_UNCOMPRESSED, "BB16s6B", 1, len(SIZES), _YUY2, 8 * BYTES_PER_PIXEL, 1, 0, 0, 0, 0),
        *(_frame(index, *size) for index, size in enumerate(SIZES, 1)),
        _descriptor(_COLOR_MATCHING, "BBB", 1, 1, 4),
    ]
    total = 14 + sum(map(len, formats))
    return [_descriptor(_INPUT_HEADER, "BHBBBBBBBB", 1, total, ENDPOINT, 0, OUTPUT, 0, 0, 0, 1, 0), *formats]


def _streaming_interfaces(*, bulk: bool) -> list[Interface]:
    """A bulk stream is always there; an isochronous one has no bandwidth at alternate 0 (2.4.3)."""
    first = Interface(STREAMING, 0, ClassCode.VIDEO, _VIDEO_STREAMING, extra=_streaming_descriptors())
    if bulk:
        first.endpoints = [Endpoint(ENDPOINT, TransferType.BULK, 512)]
        return [first]
    kind = TransferType.ISOCHRONOUS | _ASYNCHRONOUS
    others = [
        Interface(
            STREAMING, alternate, ClassCode.VIDEO, _VIDEO_STREAMING, endpoints=[Endpoint(ENDPOINT, kind, size, 1)]
        )
        for alternate, size in enumerate(_PAYLOADS, 1)
    ]
    return [first, *others]


def webcam_gadget(serial: str, *, bulk: bool) -> Gadget:
    """The description."""
    interfaces = [_control_interface(), *_streaming_interfaces(bulk=bulk)]
    return Gadget(
        device=DeviceDescriptor(0x1D6B, 0x0102, 0x0200, 0xEF, 2, 1, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, interfaces),),
        strings=("wslusb emulator", "Webcam", serial),
    )
