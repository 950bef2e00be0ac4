"""Messages to a smart card reader, past pcscd: what it answers to each (CCID 1.1, 6)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Buffer, Status, Urb, UrbFlag

from .opened import opened

__all__ = ["run"]

_HEADER = struct.Struct("<BIBB3s")
"""Type, bytes of data, slot, sequence, three that depend on the type."""
_LARGEST = 65544 + 10
_SECONDS = 20.0
_TIME_EXTENSION = 0x80
"""bmCommandStatus 2 in bStatus: ask again later (6.2.6)."""


def run(target: str, busid: str, sink: int, source: int, messages: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """``messages``: [type, data in hexadecimal], to slot 0. Each answer: ``type``, ``status``, ``error``, ``data``."""
    answers = []
    with opened(target, busid) as device:
        for number, (kind, text) in enumerate(messages):
            data = bytes.fromhex(text)
            _move(device, sink, _HEADER.pack(kind, len(data), 0, number & 0xFF, bytes(3)) + data)
            answers.append(_answer(device, source, number & 0xFF))
    return answers


def _answer(device: Device, source: int, number: int) -> dict[str, Any]:
    while True:
        answer = _move(device, source)
        if len(answer) >= _HEADER.size and not (answer[6] == number and answer[7] & 0xC0 == _TIME_EXTENSION):
            break
    return {
        "type": answer[0], "same": answer[6] == number, "status": answer[7], "error": answer[8],
        "data": answer[10 : 10 + int.from_bytes(answer[1:5], "little")].hex(),
    }  # fmt: skip


def _move(device: Device, endpoint: int, data: Buffer = b"") -> bytes:
    urb = Urb(0, endpoint, TransferType.BULK, len(data) or _LARGEST, UrbFlag.SHORT_OK, data)
    result = sync.transfer(device, urb, _SECONDS)
    if result.status != Status.OK:
        raise DeviceError(result.status, f"bulk transfer on endpoint {endpoint:#04x}")
    return result.data
