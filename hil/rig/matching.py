"""Which of the devices that are plugged in is meant by an entry of the rig file: exactly one, or it is an error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hil.errors import AmbiguousDeviceError, DeviceAbsentError
from wslusb.printable import printable
from wslusb.usb.info import DeviceInfo

from .model import DeviceEntry, Match

__all__ = ["also", "find", "fits", "key"]


def fits(match: Match, info: DeviceInfo) -> bool:
    """Whether everything that the match gives is so. Serial numbers and ports are compared letter by letter."""
    return (
        match.vid in (None, info.vendor)
        and match.pid in (None, info.product)
        and match.serial in ("", info.serial)
        and match.port in ("", info.busid, info.port_path)
    )


def find(entry: DeviceEntry, infos: Sequence[DeviceInfo]) -> DeviceInfo:
    """The device of an entry. DeviceAbsentError, AmbiguousDeviceError: both say what is there."""
    found = [info for info in infos if fits(entry.match, info)]
    if not found:
        near = [info for info in infos if (info.vendor, info.product) == (entry.match.vid, entry.match.pid)]
        there = f"of its kind there is {_list(near)}" if near else f"plugged in: {_list(infos) or 'nothing'}"
        raise DeviceAbsentError(f"{entry.name}: no device has {entry.match}", hint=there)
    if len(found) > 1:
        hint = "give a serial or a port that only one of them has"
        raise AmbiguousDeviceError(f"{entry.name}: {entry.match} fits {len(found)}: {_list(found)}", hint=hint)
    return found[0]


def also(entry: DeviceEntry, entries: Iterable[DeviceEntry], infos: Sequence[DeviceInfo]) -> str | None:
    """Another entry that means the very device which this one means: in which words is only known at the bench."""
    meant = find(entry, infos)
    for other in entries:
        if (
            other.name != entry.name
            and fits(other.match, meant)
            and sum(fits(other.match, each) for each in infos) == 1
        ):
            return other.name
    return None


def key(info: DeviceInfo) -> str:
    """What a device is locked and remembered by: VID:PID and its serial, or its port if it has none."""
    return f"{info.hardware_id}:{info.serial or info.port_path or info.busid}"


def _list(infos: Iterable[DeviceInfo]) -> str:
    return "; ".join(
        f"{each.busid} ({each.hardware_id} {printable(each.description)}{_serial(each)})" for each in infos
    )


def _serial(info: DeviceInfo) -> str:
    return f", {info.serial!r}" if info.serial else ""
