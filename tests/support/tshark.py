"""What tshark makes of a capture's URBs, and how two decodes of the same traffic differ, field by field."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Half", "Urb", "differences", "lanes", "urbs"]

_NOT_OURS = "told by the host"
"""The comment on the descriptors that a capture begins with (wslusb/capture/writer.py): no URB asked for them."""


@dataclass(slots=True)
class Half:
    """A submission or a completion: its place in the file, seconds since 1970, and its fields by path."""

    number: int
    time: float
    fields: dict[str, Any]

    @property
    def layers(self) -> set[str]:
        """The layers that it was decoded to."""
        return {*self.fields["frame.protocols"].split(":"), *(name.partition("/")[0] for name in self.fields)}


@dataclass(slots=True)
class Urb:
    """Both halves of a URB; ``done`` is None if it was in flight to the end."""

    asked: Half
    done: Half | None = None

    @property
    def endpoint(self) -> int:
        """Its address, with the direction bit."""
        return int(self.asked.fields["usb/usb.endpoint_address"], 16)

    @property
    def status(self) -> int:
        """What it ended with, as Linux numbers it."""
        return int(self.done.fields["usb/usb.urb_status"]) if self.done else 0


def urbs(capture: Path, display_filter: str) -> list[Urb]:
    """The URBs of a capture in the order of their submission."""
    found: list[Urb] = []
    open_urbs: dict[str, Urb] = {}
    for half in _decode(capture, display_filter):
        number = half.fields["usb/usb.urb_id"]
        if half.fields["usb/usb.urb_type"] == "'S'":
            open_urbs[number] = urb = Urb(half)
            found.append(urb)
        elif number in open_urbs:
            open_urbs.pop(number).done = half
    return found


def _decode(capture: Path, display_filter: str) -> Iterator[Half]:
    command = ["tshark", "-r", str(capture), "-T", "json", "--no-duplicate-keys", "-Y", f"usb && {display_filter}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    for packet in json.loads(done.stdout):
        layers = packet["_source"]["layers"]
        frame = layers.pop("frame")
        if _NOT_OURS not in json.dumps(layers.pop("pkt_comment", "")) + json.dumps(frame):
            fields = dict(_flat(layers, ""))
            fields["frame.protocols"] = frame["frame.protocols"]
            yield Half(int(frame["frame.number"]), float(frame["frame.time_epoch"]), fields)


def _flat(tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        where = f"{path}/{name}" if path else name
        if isinstance(value, Mapping):
            yield from _flat(value, where)
        elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            for number, each in enumerate(value):
                yield from _flat(each, f"{where}[{number}]") if isinstance(each, Mapping) else [(where, each)]
        else:
            yield where, value


def lanes(found: Sequence[Urb]) -> dict[int, list[Urb]]:
    """By endpoint; control transfers of both directions are one lane."""
    result: dict[int, list[Urb]] = defaultdict(list)
    for urb in found:
        result[urb.endpoint if urb.endpoint & 0x7F else 0].append(urb)
    return dict(result)


def differences(ours: Half | None, theirs: Half | None, may_differ: Callable[[str], bool]) -> list[str]:
    """The fields that differ though they may not, as ``field: ours, theirs``."""
    if ours is None or theirs is None:
        return [] if ours is theirs else [f"only {'we' if ours else 'they'} have it"]
    names = dict.fromkeys((*ours.fields, *theirs.fields))
    return [
        f"{name}: {ours.fields.get(name)!r}, {theirs.fields.get(name)!r}"
        for name in names
        if ours.fields.get(name) != theirs.fields.get(name) and not may_differ(name)
    ]
