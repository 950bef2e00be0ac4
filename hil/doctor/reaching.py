"""Why a machine cannot be reached, and what to do: by what ssh, wsl.exe, sudo and shells say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hil.errors import CommandFailedError, CommandTimeoutError
from hil.places.place import Place
from hil.rig.model import PlaceEntry
from hil.vm.remote import Command, Result
from wslusb.doctor.check import Finding, failed

__all__ = ["attempt", "explain"]

_SECONDS = 30.0


@dataclass(slots=True, frozen=True)
class _Cause:
    """``sign`` is looked for in what was said; ``text`` and ``fix`` may name options of the entry, and ``side``."""

    sign: re.Pattern[str]
    text: str
    fix: str


def _cause(sign: str, text: str, fix: str) -> _Cause:
    return _Cause(re.compile(sign, re.IGNORECASE), text, fix)


_CAUSES: Sequence[_Cause] = (
    _cause("REMOTE HOST IDENTIFICATION HAS CHANGED", "ssh: the key of {address} is another one than before",
           "if that is expected, run 'ssh-keygen -R {machine}', and 'ssh {address}' once by hand"),
    _cause("Host key verification failed", "ssh: the key of {address} is not known",
           "run 'ssh {address}' once by hand, and say yes to the key if it is the right one"),
    _cause(r"Permission denied \(|Too many authentication failures", "ssh: {address} does not let this user in",
           "run 'ssh-copy-id {address}': a key is needed that asks for no password"),
    _cause("Could not resolve hostname", "ssh: there is no machine called {machine}",
           "correct 'address' in [{side}], or give the name in ~/.ssh/config"),
    _cause("Connection refused", "ssh: {machine} has no SSH server there",
           "start one (Debian: apt install openssh-server), or give its port in ~/.ssh/config"),
    _cause("Connection timed out|No route to host|Operation timed out", "ssh: {machine} does not answer",
           "is it on, and in this network? Then correct 'address' in [{side}]"),
    _cause("WSL_E_DISTRO_NOT_FOUND|no distribution with the supplied name",
           "wsl: there is no distribution {distribution!r}",
           "correct 'distribution' in [{side}]: 'wsl --list' has the names"),
    _cause(r"cannot run wsl\.exe", "there is no wsl.exe here",
           "kind = 'wsl' is for Windows and for WSL itself; elsewhere the guest is 'uml', 'ssh' or 'command'"),
    _cause("cannot run ssh", "there is no ssh here", "install it (Debian: apt install openssh-client)"),
    _cause("cannot run ", "{said}", "correct 'run' in [{side}]: its first word is a program of this machine"),
    _cause("sudo: (a password is required|a terminal is required)", "sudo asks for a password",
           "let this user run it without one (sudoers: NOPASSWD), and begin 'run' with ['sudo', '-n', ...]"),
    _cause(r"cd: .*(No such file|Not a directory)", "there is no folder {directory} on {name}",
           "correct 'directory' in [{side}]: it is a checkout of wslusb there"),
    _cause(r"\bsetsid\W+(command |executable file )?(not found|No such)", "there is no setsid on {name}",
           "install util-linux there"),
    _cause(r"\bbash\W+(command |executable file )?(not found|No such)", "there is no bash on {name}",
           "install bash there"),
    _cause("No such container|is not running", "{said}", "start it, or correct 'run' in [{side}]"),
)  # fmt: skip
_UNKNOWN = _cause("", "{name} cannot be reached: {said}", "run '{by_hand}' by hand, and correct [{side}]")


def attempt(place: Place, command: Command, side: str, entry: PlaceEntry) -> Result | Finding:
    """Run a command; the finding if the way to the machine is what failed, or the command did."""
    try:
        result = place.run(command, check=False, timeout=_SECONDS)
    except CommandTimeoutError:
        return failed(
            f"{place.name} does not answer within {_SECONDS:g} s", f"correct [{side}], or see what it waits for"
        )
    except CommandFailedError as error:
        return explain(str(error), side, entry, place.name)
    return result if not result.returncode else explain(result.output, side, entry, place.name)


def explain(said: str, side: str, entry: PlaceEntry, name: str) -> Finding:
    """The finding for a machine that could not be reached; ``said`` is the output of the attempt."""
    said = said.replace("\0", "")  # wsl.exe writes UTF-16
    cause = next((each for each in _CAUSES if each.sign.search(said)), _UNKNOWN)
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["no reason was given"]
    words = {**_words(entry), "side": side, "name": name, "said": lines[-1], "by_hand": _by_hand(entry)}
    return failed(cause.text.format(**words), cause.fix.format(**words))


def _words(entry: PlaceEntry) -> Mapping[str, Any]:
    address = str(entry.options.get("address", ""))
    options = {"distribution": "", "directory": "", **entry.options}
    return {**options, "address": address, "machine": address.rpartition("@")[2]}


def _by_hand(entry: PlaceEntry) -> str:
    if entry.kind == "ssh":
        return f"ssh {entry.options.get('address', '')} true"
    if entry.kind == "wsl":
        return f"wsl.exe -d {entry.options.get('distribution', '')} true"
    return " ".join([*entry.options.get("run", []), "true"])
