"""Descriptors behind fingerprints: a fingerprint that does not fit any more can say in what the device is another one.

They are kept beside the locks, by fingerprint, each time that a device is seen to be what its rig file says.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wslusb.device.describe import Description
from wslusb.device.describe_lsusb import to_lsusb
from wslusb.system import paths
from wslusb.usb.ids import Speed
from wslusb.usb.info import DeviceInfo

from . import files, fingerprint

__all__ = ["differences", "recall", "remember"]

SCHEMA = "hil.descriptors/1"


def remember(info: DeviceInfo, where: Path | None = None) -> None:
    """Keep what the fingerprint of a device stands for. OSError."""
    path = _path(fingerprint.of(info), where)
    if not path.exists():
        raw = {"device": info.device_descriptor.hex(), "bos": info.bos.hex(), "speed": info.speed.name}
        files.save(path, SCHEMA, {**raw, "configurations": [each.hex() for each in info.configurations]})


def recall(mark: str, where: Path | None = None) -> DeviceInfo | None:
    """The device that had this fingerprint, as far as it is told by that; None if it has not been seen here."""
    try:
        found = files.load(_path(mark, where), SCHEMA)
        if found is None:
            return None
        return DeviceInfo(
            busid="", vendor=0, product=0, device_descriptor=bytes.fromhex(found["device"]),
            configurations=tuple(map(bytes.fromhex, found["configurations"])), bos=bytes.fromhex(found["bos"]),
            speed=Speed[found["speed"]],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the file is damaged: there is nothing to compare with


def differences(was: DeviceInfo, now: DeviceInfo) -> list[str]:
    """What has changed, a line each, with the field names of the specification: ``bcdDevice 1.00, was 1.10``."""
    speed = f"it is at {now.speed.name.lower()} speed, was at {was.speed.name.lower()}"
    return ([speed] if was.speed != now.speed else []) + list(_changed(_lines(was), _lines(now)))


def _changed(was: list[str], now: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, was, now, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "replace" and b - a == d - c:
            yield from (f"{new}, was {_value(old, new)}" for old, new in zip(was[a:b], now[c:d], strict=True))
        elif kind != "equal":
            yield from (f"no more: {line}" for line in was[a:b])
            yield from (f"new: {line}" for line in now[c:d])


def _value(old: str, new: str) -> str:
    name, _, value = old.partition(" ")
    return value if new.startswith(f"{name} ") else old


def _lines(info: DeviceInfo) -> list[str]:
    """As lsusb prints the descriptors, without where the device is and how fast."""
    plain = replace(info, speed=Speed.UNKNOWN)
    text = to_lsusb(Description(plain, info.device_descriptor, info.configurations, info.bos))
    return [" ".join(line.split()) for line in text.splitlines()[1:]]


def _path(mark: str, where: Path | None) -> Path:
    return (where or paths.state_dir() / "descriptors") / f"{mark.partition(':')[2]}.json"
