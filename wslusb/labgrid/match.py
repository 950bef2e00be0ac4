"""Which device of a host a ``WslusbDevice`` is: by the keys that a rig file has, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..control.messages import Json

__all__ = ["check", "fits", "words"]

_KINDS: dict[str, tuple[type, str]] = {
    "busid": (str, "such as '2-4'"),
    "vid": (int, "such as 0x0403 (without 0x, YAML takes it for a decimal or octal number)"),
    "pid": (int, "such as 0x6001 (without 0x, YAML takes it for a decimal or octal number)"),
    "serial": (str, "in quotes"),
    "port": (str, "the port_path of 'wslusb list --json'"),
}


def check(match: Mapping[str, Any]) -> None:
    """ValueError for keys and values that can fit no device."""
    if not match:
        raise ValueError(f"match is empty: give one or more of {', '.join(_KINDS)}")
    for key, value in match.items():
        if key not in _KINDS:
            raise ValueError(f"match has no key {key!r}: it takes {', '.join(_KINDS)}")
        kind, example = _KINDS[key]
        if not isinstance(value, kind) or isinstance(value, bool) or value == "":
            raise ValueError(f"match: {key} is {value!r}, and has to be a {kind.__name__}, {example}")
        if isinstance(value, int) and not 0 <= value <= 0xFFFF:
            raise ValueError(f"match: {key} is {value:#x}, and has to be 0 to 0xffff")


def fits(match: Mapping[str, Any], device: Json) -> bool:
    """Whether a device, as the service lists it, has all of that."""
    vid, pid = (int(number, 16) for number in device["hardware_id"].split(":"))
    facts = {
        "busid": device["busid"], "vid": vid, "pid": pid, "serial": device["serial"], "port": device["port_path"],
    }  # fmt: skip
    return all(facts[key] == value for key, value in match.items())


def words(match: Mapping[str, Any]) -> str:
    """It on one line, for a log."""
    return ", ".join(
        f"{key} {value:#06x}" if isinstance(value, int) else f"{key} {value}" for key, value in match.items()
    )
