"""The generated parts of docs/hil-rig.md: every key, kind and trait, from the tables that the reader goes by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import starmap

from hil.conformance.tables import table

from .checks import Option
from .keys import ALLOW, DEVICE, GUESTS, HOSTS, LIMITS, POWER, RIG
from .traits import TRAITS, Trait

__all__ = ["PARTS"]


def _keys(options: Mapping[str, Option]) -> str:
    return table(("key", "what it is"), ((f"`{name}`", option.help) for name, option in options.items()))


def _kinds(kinds: Mapping[str, Mapping[str, Option]]) -> str:
    """The kinds with the names of their options, and below them each option once."""
    header = ("kind", "options; those in bold have to be there")
    names = ((f"`{kind}`", ", ".join(starmap(_name, options.items()))) for kind, options in kinds.items())
    helps = {(name, option.help): None for options in kinds.values() for name, option in options.items()}
    rows = ((f"`{name}`", text) for name, text in helps)
    return f"{table(header, names)}\n{table(('option', 'what it is'), rows)}"


def _name(name: str, option: Option) -> str:
    return f"**`{name}`**" if option.needed else f"`{name}`"


def _traits() -> str:
    header = ("trait", "what has it", "`suggest` sees it", "options")
    return table(header, ((f"`{name}`", each.help, *_trait(each)) for name, each in TRAITS.items()))


def _trait(trait: Trait) -> tuple[str, str]:
    options = "<br>".join(f"`{name}`: {option.help}" for name, option in trait.options.items())
    return "no" if trait.shows is None else "yes", options


PARTS: dict[str, Callable[[], str]] = {
    "rig_keys": lambda: _keys(RIG),
    "rig_hosts": lambda: _kinds(HOSTS),
    "rig_guests": lambda: _kinds(GUESTS),
    "rig_device": lambda: _keys(DEVICE),
    "rig_traits": _traits,
    "rig_power": lambda: _kinds(POWER),
    "rig_limits": lambda: _keys(LIMITS),
    "rig_allow": lambda: table(("word", "what it lets take part"), ((f"`{k}`", v) for k, v in ALLOW.items())),
}
"""By the name of the part in the page."""
