"""The names by which a text gives somebody away: of this machine, of its users, and their home directories."""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Collection, Iterable, Iterator

__all__ = ["own_names", "pattern"]

_SHORTEST = 2
_ORDINARY = frozenset({
    "root", "localhost", "localdomain", "none", "unknown", "linux", "windows", "debian", "ubuntu", "fedora", "wslusb",
    "usb", "bus", "hub", "kernel", "true", "false", "null", "speed", "class", "serial", "product", "strings", "local",
    "generation", "hardware", "nodes", "listening", "devices", "outcome", "title",
})  # fmt: skip
"""Words that stand in every bundle: who has such a name has one that says nothing."""
_VARIABLES = ("SUDO_USER", "LOGNAME", "USER", "USERNAME", "COMPUTERNAME", "HOSTNAME")


def own_names(ordinary: Collection[str] = ()) -> list[str]:
    """Names of this machine and of who runs this. ``ordinary``: more words that are none, in lower case."""
    found = {name for name in _candidates() if len(name) >= _SHORTEST}
    return sorted(name for name in found if name.lower() not in _ORDINARY and name.lower() not in ordinary)


def _candidates() -> Iterator[str]:
    host = platform.node()
    yield host
    yield host.partition(".")[0]
    for variable in _VARIABLES:
        yield os.environ.get(variable, "")
    try:
        yield getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without an entry, on either system
        return


def pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Finds each of them as a word, in whatever case; None where there are none."""
    choices = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"(?<![^\W_])(?:{choices})(?![^\W_])", re.IGNORECASE) if choices else None
