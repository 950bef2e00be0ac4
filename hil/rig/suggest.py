"""A rig file for what is plugged in: valid as it stands, and careful. What a person should decide is a comment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wslusb.device.describe_text import quoted
from wslusb.printable import printable
from wslusb.usb.ids import Speed
from wslusb.usb.info import DeviceInfo

from . import fingerprint
from .matching import fits
from .model import Match, Safety
from .safety import Facts, refusal
from .traits import recognised

__all__ = ["Source", "sources", "suggest"]

_SPEEDS = {Speed.LOW: "low speed", Speed.FULL: "full speed", Speed.HIGH: "high speed", Speed.SUPER: "SuperSpeed",
           Speed.SUPER_PLUS: "SuperSpeed+"}  # fmt: skip
_ROOT_PORT = re.compile(r"(\d+)-(\d+)")
_HUB_PORT = re.compile(r"(.+)\.(\d+)")
_NAME_LENGTH = 24


@dataclass(slots=True, frozen=True)
class Source:
    """Where devices come from: the kind of host, and what a virtual one plugs in, in the order of its devices."""

    host: str = "local"
    plugged: Sequence[str] = ()


def sources(provider: str) -> Source:
    """What a provider of devices (``libusb``, ``emulator:serial,storage``) is in a rig file."""
    name, _, argument = provider.partition(":")
    return _SOURCES[name](argument) if name in _SOURCES else Source()


def _emulated(argument: str) -> Source:
    """Cut as the emulator's catalogue does: a piece with ``=`` before any colon is an option of the one before."""
    devices: list[str] = []
    for piece in argument.split(","):
        if "=" in piece.partition(":")[0] and devices:
            devices[-1] += f",{piece}"
        else:
            devices.append(piece.strip())
    return Source("emulated", devices)


_SOURCES: Mapping[str, Callable[[str], Source]] = {
    "emulator": _emulated,
    "replay": lambda argument: Source("replay", [argument]),
}


def suggest(infos: Sequence[DeviceInfo], facts: Facts, name: str, source: Source = Source()) -> str:
    """The text of a rig file called ``name``. Read again, each of its entries fits one device."""
    virtual = source.host != "local"
    guest = "uml" if virtual else "local"
    parts = [
        "# What is plugged in, as 'python -m hil suggest' saw it. docs/hil-rig.md has every key.\n"
        f"\n[rig]\nname = {quoted(name)}\n",
        f"[host]\nkind = {quoted(source.host)}\n",
        f"[guest]                 # whose kernel gets the devices\nkind = {quoted(guest)}\n",
    ]
    plugged = dict(zip([info.busid for info in infos], source.plugged, strict=False))
    names: set[str] = set()
    for info in infos:
        allow = _allow(info, virtual=virtual)
        if why := refusal(info, facts, allow, virtual=virtual):
            parts.append(f"# {_title(info)}\n# is left out: {printable(why)}.\n")
        else:
            called = _name(info, names)
            lines = _entry(info, infos, called, plugged.get(info.busid, ""), allow)
            parts.append("\n".join((f"# {_title(info)}", f"[device.{called}]", *lines)) + "\n")
    if not names:
        parts.append("# There is no device that tests may have: plug one in, and run it again.\n")
    return "\n".join(parts)


def _allow(info: DeviceInfo, *, virtual: bool) -> list[str]:
    return ["keyboard"] if virtual and "keyboard" in recognised(info) else []


def _entry(
    info: DeviceInfo, infos: Sequence[DeviceInfo], name: str, source: str, allow: Sequence[str]
) -> Iterator[str]:
    match = _match(info, infos)
    traits = recognised(info)
    yield f"vid = {match.vid:#06x}"
    yield f"pid = {match.pid:#06x}"
    if match.serial:
        yield f"serial = {quoted(match.serial)}"
    if match.port:
        now = "" if match.port == info.busid else f"   # {info.busid} now"
        yield f"port = {quoted(match.port)}{now}"
    if source:
        yield f"source = {quoted(source)}"
    yield f"traits = [{', '.join(map(quoted, traits))}]"
    yield (
        f'safety = "{Safety.READ_ONLY.word}"   # or "{Safety.REVERSIBLE.word}", or "{Safety.DESTRUCTIVE.word}", '
        f"which needs --destructive {name}, too"
    )
    if allow:
        yield f"allow = [{', '.join(map(quoted, allow))}]"
    if source:
        yield 'power = { kind = "bench" }   # pulled out of its virtual port'
    yield f'fingerprint = "{fingerprint.of(info)}"'
    yield from (f"# {line}" for line in _hints(info, traits, virtual=bool(source)))


def _match(info: DeviceInfo, infos: Sequence[DeviceInfo]) -> Match:
    """By serial, which goes with the device; by its port where it has none, or another has the same."""
    if info.serial.strip():
        match = Match(info.vendor, info.product, info.serial)
        if sum(fits(match, each) for each in infos) == 1:
            return match
    serial = info.serial if info.serial.strip() else ""
    return Match(info.vendor, info.product, serial, info.port_path or info.busid)


def _hints(info: DeviceInfo, traits: Sequence[str], *, virtual: bool) -> Iterator[str]:
    """Keys that a person may want, ready to be used."""
    if not virtual and (port := _ROOT_PORT.fullmatch(info.busid) or _HUB_PORT.fullmatch(info.busid)) is not None:
        location = f"location = {quoted(port[1])}, port = {port[2]}"
        yield f"power = {{ kind = \"uhubctl\", {location} }}   # if 'uhubctl' lists that hub"
    if "serial" in traits:
        yield 'add "serial-loopback" to traits if TXD is wired to RXD, and RTS to CTS'
    if "storage" in traits:
        yield 'storage = { start = "1M", size = "16M" }   # where destructive tests may write'
    yield "limits = { latency = 3.0, throughput = 0.4 }   # passthrough to native: at most, at least"


def _title(info: DeviceInfo) -> str:
    speed = f", {_SPEEDS[info.speed]}" if info.speed in _SPEEDS else ""
    return printable(f"{info.busid}: {info.description} ({info.hardware_id}{speed})")


def _name(info: DeviceInfo, taken: set[str]) -> str:
    """A short name that no other device of the file has: of its product name, or what it is."""
    words = re.findall(r"[a-z0-9]+", info.product_name.lower())
    name = "-".join(words)[:_NAME_LENGTH].strip("-") or next(iter(recognised(info)), "device")
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}-{number}"
    taken.add(unique)
    return unique
