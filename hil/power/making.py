"""From a rig file's ``power`` to a switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hil.errors import RigError
from hil.guided import Ask
from hil.places.place import Place
from hil.rig.model import DeviceEntry

from .command import CommandPort
from .manual import Manual
from .missing import Missing
from .once import Once
from .switch import Port, PowerSwitch, VirtualPort
from .uhubctl import Uhubctl
from .verified import Verified
from .ykush import Ykush

__all__ = ["make"]

_PORTS: Mapping[str, Callable[[Place, Mapping[str, Any]], Port]] = {
    "uhubctl": lambda place, options: Uhubctl(place, options["location"], options["port"]),
    "ykush": lambda place, options: Ykush(place, options["port"], options.get("serial", "")),
    "command": lambda place, options: CommandPort(place, options["off"], options["on"]),
}


def make(
    entry: DeviceEntry, place: Place, bench_switch: VirtualPort | None = None, ask: Ask | None = None
) -> PowerSwitch:
    """The switch of a device. Programs run in ``place``, the host, whose enumeration is watched.

    ``bench_switch`` is the virtual port of a virtual host's device; ``ask`` is whom the guided mode asks.
    """
    kind = entry.power.kind
    if kind in _PORTS:
        return Verified(_PORTS[kind](place, entry.power.options), entry, place)
    if kind == "manual":
        return Manual(entry, place, ask)
    if kind == "none":
        return Missing(entry.name)
    if kind == "bench" and bench_switch is not None:
        return Once(bench_switch)
    if kind == "bench":
        raise RigError(f"{entry.name}: power of kind 'bench' is that of a virtual host's port", hint="use 'manual'")
    raise RigError(f"{entry.name}: there is no power of kind {kind!r}")
