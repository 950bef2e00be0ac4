"""A rig file as a :class:`hil.rig.model.Rig`. All that is wrong with a file is said at once, each with its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .checks import Option, Unfit, choice
from .keys import ALLOW, DEVICE, GUESTS, HOSTS, LIMITS, NAME, POWER, RIG, VIRTUAL_GUEST, VIRTUAL_HOSTS
from .model import DeviceEntry, Match, PlaceEntry, PowerEntry, Rig, Safety
from .tables import Document, Table
from .traits import ANY, TRAITS

__all__ = ["read_rig", "reads_rig"]

_KIND = "kind"
_WITH_OPTIONS = [name for name, trait in TRAITS.items() if trait.options]
_SAFETY = {each.word: each for each in Safety}


def read_rig(path: Path) -> Rig:
    """Read a file. RigFileError names everything that is wrong with it, a line each."""
    return _rig(Document.load(path))


def reads_rig(text: str, path: Path = Path("rig.toml")) -> Rig:
    """Read a text; ``path`` is what it is called in errors."""
    return _rig(Document.loads(text, path))


def _rig(document: Document) -> Rig:
    root = document.root
    root.only(("rig", "host", "guest", "device"))
    name = root.table("rig").options(RIG).get("name", document.path.stem)
    host = _place(root.table("host"), HOSTS, "local")
    virtual = host.kind in VIRTUAL_HOSTS
    guest = _place(root.table("guest"), GUESTS, VIRTUAL_GUEST if virtual else "local")
    if virtual and guest.kind not in ("", VIRTUAL_GUEST):
        what = f"a host of kind {host.kind!r} is made for the run, and its guest with it: the kind is {VIRTUAL_GUEST!r}"
        root.table("guest").complain(what, _KIND)
    tables = root.table("device", ", as [device.NAME]").tables()
    devices = tuple(_device(each, host=host.kind) for each in tables)
    _doubles(devices, tables)
    document.finish()
    return Rig(name=name, host=host, guest=guest, devices=devices, path=document.path)


def _place(table: Table, kinds: Mapping[str, Mapping[str, Option]], default: str) -> PlaceEntry:
    kind = _kind(table, kinds, default)
    return PlaceEntry(kind, table.options(kinds[kind], _KIND) if kind in kinds else {})


def _kind(table: Table, kinds: Mapping[str, Mapping[str, Option]], default: str) -> str:
    """The kind that a table gives; one that does not exist has been complained of."""
    kind = table.values.get(_KIND, default)
    try:
        return choice(kinds, "kind")(kind)
    except Unfit as error:
        table.complain(str(error), _KIND)
        return ""


def _device(table: Table, *, host: str) -> DeviceEntry:
    try:
        NAME(table.name)
    except Unfit as error:
        table.complain(str(error))
    found = table.options(DEVICE, *_WITH_OPTIONS)
    match = Match(found.get("vid"), found.get("pid"), found.get("serial", ""), found.get("port", ""))
    _where(table, match, found, host=host)
    traits = table.words("traits", found.get("traits", ()), [ANY, *TRAITS], "trait")
    power = table.below("power", found)
    kind = _kind(power, POWER, "none") if "power" in found else "none"
    if kind == "bench" and host not in VIRTUAL_HOSTS:
        power.complain("that is the port of a virtual host: take 'manual', or a switch that you have", _KIND)
    return DeviceEntry(
        name=table.name,
        match=match,
        traits=frozenset({ANY, *traits}),
        safety=_SAFETY[found.get("safety", Safety.READ_ONLY.word)],
        power=PowerEntry(kind, power.options(POWER[kind], _KIND) if kind in POWER else {}),
        fingerprint=found.get("fingerprint", ""),
        limits=table.below("limits", found).options(LIMITS),
        options=_trait_options(table, traits),
        allow=frozenset(table.words("allow", found.get("allow", ()), ALLOW, "word for what is refused")),
        leave_out=found.get("leave_out", {}),
        source=found.get("source", ""),
        line=table.line(),
    )


def _where(table: Table, match: Match, found: Mapping[str, Any], *, host: str) -> None:
    """Real devices are found by what they are, virtual ones are made: an entry says either."""
    if host in VIRTUAL_HOSTS:
        if "source" not in table.values:
            table.complain(f"nothing says what is plugged in; give source, such as {VIRTUAL_HOSTS[host]!r}")
        return
    if not match and not {"vid", "pid", "serial", "port"} & table.values.keys():
        table.complain("nothing says which device this is; give vid and pid, serial or port")
    if "source" in found:
        kinds = ", ".join(sorted(VIRTUAL_HOSTS))
        table.complain(
            f"only virtual hosts plug something in; remove it, or give the host one of the kinds {kinds}", "source"
        )
    if "keyboard" in found.get("allow", ()):
        table.complain("a keyboard is allowed on virtual hosts alone: people type on the others", "allow")


def _trait_options(table: Table, traits: tuple[str, ...]) -> dict[str, Mapping[str, Any]]:
    options: dict[str, Mapping[str, Any]] = {}
    for name in [each for each in _WITH_OPTIONS if each in table.values]:
        if name in traits:
            options[name] = table.table(name).options(TRAITS[name].options)
        else:
            table.complain(f"the device has no trait {name!r}; add it to traits, or remove its options", name)
    return options


def _doubles(devices: tuple[DeviceEntry, ...], tables: list[Table]) -> None:
    """Two entries for one device would use it at the same time."""
    first: dict[Match, str] = {}
    for entry, table in zip(devices, tables, strict=True):
        if entry.match and entry.match in first:
            table.complain(f"this is the same device as {first[entry.match]!r}; remove one, or give each its serial")
        first.setdefault(entry.match, entry.name)
