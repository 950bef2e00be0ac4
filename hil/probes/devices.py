"""The devices that a provider has: what :func:`from_json` makes :class:`DeviceInfo` of again, on another machine."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Any

from wslusb.device.registry import load_provider
from wslusb.usb.ids import Speed
from wslusb.usb.info import DeviceInfo

__all__ = ["from_json", "run"]


def run(target: str) -> list[dict[str, Any]]:
    """What provider ``target`` has plugged in now; bytes in hexadecimal."""
    with contextlib.closing(load_provider(target)) as provider:
        return [_to_json(info) for info in provider.devices()]


def _to_json(info: DeviceInfo) -> dict[str, Any]:
    return {
        **asdict(info),
        "speed": int(info.speed),
        "device_descriptor": info.device_descriptor.hex(),
        "configurations": [raw.hex() for raw in info.configurations],
        "bos": info.bos.hex(),
    }


def from_json(fields: dict[str, Any]) -> DeviceInfo:
    """The device that :func:`run` described."""
    raw = {
        "speed": Speed(fields["speed"]),
        "device_descriptor": bytes.fromhex(fields["device_descriptor"]),
        "configurations": tuple(bytes.fromhex(each) for each in fields["configurations"]),
        "bos": bytes.fromhex(fields["bos"]),
    }
    return DeviceInfo(**{**fields, **raw})
