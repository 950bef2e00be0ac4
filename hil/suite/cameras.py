"""A camera's formats and controls, out of its descriptors (USB Video 1.5, 3.9 and 4, and its payloads)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hil.live.device import LiveDevice
from hil.suite.interfaces import class_descriptors, of_class
from wslusb.usb.descriptors import Interface
from wslusb.usb.ids import ClassCode

__all__ = ["Picture", "control_requests", "negotiation_requests", "pictures"]

_CONTROL, _STREAMING = 1, 2
_HEADER, _CAMERA, _PROCESSING = 1, 2, 5
_UNCOMPRESSED, _MJPEG = (4, 5), (6, 7)
"""Subtypes of a format and of its frames."""
_PROBE = 0x0100
_SET, _CURRENT, _LEAST, _MOST, _LENGTH, _INFO, _DEFAULT = 0x01, 0x81, 0x82, 0x83, 0x85, 0x86, 0x87
_PROBE_BYTES = ((0x0150, 48), (0x0110, 34), (0, 26))
_SELECTORS = range(1, 20)
_NO_SUCH_FORMAT = 200
_YUYV = b"YUY2"


@dataclass(slots=True, frozen=True)
class Picture:
    """A size of a format. ``form`` is V4L2's name, empty for one that is not read here."""

    interface: int
    format_index: int
    frame_index: int
    form: str
    size: tuple[int, int]
    interval: int
    """The default, in units of 100 ns."""


def pictures(device: LiveDevice) -> list[Picture]:
    """All sizes of uncompressed and MJPEG formats."""
    found = []
    for interface in of_class(device, ClassCode.VIDEO, _STREAMING):
        form, index = "", 0
        for raw in interface.extra:
            subtype = raw[2] if len(raw) > 3 else 0
            if subtype in (_UNCOMPRESSED[0], _MJPEG[0]):
                form, index = _name(raw), raw[3]
            elif subtype in (_UNCOMPRESSED[1], _MJPEG[1]):
                width, height, interval = (
                    int.from_bytes(raw[at:to], "little") for at, to in ((5, 7), (7, 9), (21, 25))
                )  # fmt: skip
                found.append(Picture(interface.number, index, raw[3], form, (width, height), interval))
    return found


def _name(raw: bytes) -> str:
    if raw[2] == _MJPEG[0]:
        return "MJPG"
    return "YUYV" if raw[5:9] == _YUYV else ""


def _probe_length(control: Interface) -> int:
    header = class_descriptors(control, _HEADER)
    version = int.from_bytes(header[0][3:5], "little") if header else 0
    return next(length for since, length in _PROBE_BYTES if version >= since)


def negotiation_requests(device: LiveDevice) -> list[list[Any]]:
    """What is there to be agreed on, and proposals: each size of each format, and a format that there is not."""
    found: list[list[Any]] = []
    (control,) = of_class(device, ClassCode.VIDEO, _CONTROL)[:1]
    length = _probe_length(control)
    for number in sorted({each.interface for each in pictures(device)}):
        found += [[0xA1, _INFO, _PROBE, number, 1, ""], [0xA1, _LENGTH, _PROBE, number, 2, ""]]
        found += [[0xA1, code, _PROBE, number, length, ""] for code in (_DEFAULT, _LEAST, _MOST)]
        proposals = [
            (each.format_index, each.frame_index, each.interval)
            for each in pictures(device)
            if each.interface == number
        ]
        for form, frame, interval in (*proposals, (_NO_SUCH_FORMAT, 1, 1), proposals[0]):
            data = bytes((1, 0, form, frame)) + interval.to_bytes(4, "little")
            found.append([0x21, _SET, _PROBE, number, length, data.ljust(length, b"\0").hex()])
            found.append([0xA1, _CURRENT, _PROBE, number, length, ""])
    return found


def control_requests(device: LiveDevice) -> list[list[Any]]:
    """Of each control of lens and processing: whether it is there, and its length."""
    return [
        [0xA1, code, selector << 8, unit[3] << 8 | control.number, length, ""]
        for control in of_class(device, ClassCode.VIDEO, _CONTROL)
        for kind in (_CAMERA, _PROCESSING)
        for unit in class_descriptors(control, kind)
        for selector in _SELECTORS
        for code, length in ((_INFO, 1), (_LENGTH, 2))
    ]
