"""Control requests, one after the other, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wslusb.device import sync
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

from .opened import opened

__all__ = ["run"]


def run(target: str, busid: str, requests: Sequence[Sequence[Any]], seconds: float = 5.0) -> list[dict[str, str]]:
    """``requests``: [bmRequestType, bRequest, wValue, wIndex, wLength, data in hexadecimal]. ``status``, ``data``."""
    answers = []
    with opened(target, busid) as device:
        for *fields, data in requests:
            result = sync.control(device, Setup(*fields), bytes.fromhex(data), seconds)
            answers.append({"status": Status(result.status).name, "data": result.data.hex()})
    return answers
