"""What must not be touched: by what a device is and does for its machine, and by what the rig's owner has said."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from wslusb.usb.ids import ClassCode
from wslusb.usb.info import DeviceInfo

from .model import DeviceEntry, Safety
from .traits import boot_protocol, interfaces

__all__ = ["Facts", "may", "refusal"]

_REMOVABLE = ("/media/", "/run/media/", "/mnt/")
"""Where desktops and people put sticks; what is mounted elsewhere is a part of the system."""


@dataclass(slots=True, frozen=True)
class Facts:
    """What a machine does with its USB devices, by busid: the answer of :mod:`hil.probes.in_use`.

    ``disks`` are mount points (``swap`` for swap), ``networks`` in words what a network card carries.
    """

    disks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    networks: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, answer: Mapping[str, Any]) -> Self:
        """What the probe answered."""
        return cls(answer["disks"], answer["networks"])


def refusal(info: DeviceInfo, facts: Facts, allow: Collection[str] = (), *, virtual: bool = False) -> str | None:
    """Why no test may have this device, and what to do; None if it may.

    ``allow`` are the words of its entry (:data:`hil.rig.keys.ALLOW`). ``virtual``: the machine has been made for the
    run, so nobody types on its keyboard.
    """
    if info.device_class == ClassCode.HUB or any(each.interface_class == ClassCode.HUB for each in interfaces(info)):
        return "it is a hub: what is plugged into it would go with it; name those devices"
    if boot_protocol(info) and not (virtual and "keyboard" in allow):
        how = "; allow = ['keyboard'] lets it take part" if virtual else ""
        return f"it is a keyboard that a machine may be operated with{how}"
    if mounted := facts.disks.get(info.busid):
        return _mounted(mounted, allow)
    if carries := facts.networks.get(info.busid):
        return f"it is a network card that carries {', '.join(carries)}; let another card do that"
    return None


def may(entry: DeviceEntry, wanted: Safety, flags: Collection[str]) -> str | None:
    """Why a test of the safety class ``wanted`` must not run on a device; None if it may.

    ``flags`` are the names that ``--destructive`` was given: the owner's word in the rig file lasts, the flag is for
    one run, and what may destroy data needs both.
    """
    if wanted > entry.safety:
        return f"the rig file allows {entry.safety.word} tests of {entry.name}, and this one is {wanted.word}"
    if wanted is Safety.DESTRUCTIVE and entry.name not in flags:
        return f"it may destroy what is on {entry.name}: --destructive {entry.name} lets it"
    return None


def _mounted(where: Sequence[str], allow: Collection[str]) -> str | None:
    system = [each for each in where if not f"{each}/".startswith(_REMOVABLE)]
    if system:
        return f"it is a disk that this machine runs from: {_few(system)}"
    if "mounted" in allow:
        return None
    return f"it is mounted at {_few(where)}; unmount it, or allow = ['mounted'] to have it taken away"


def _few(words: Sequence[str]) -> str:
    return f"{', '.join(words[:3])}{', ...' if len(words) > 3 else ''}"
