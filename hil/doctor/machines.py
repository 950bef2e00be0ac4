"""Checks of host and guest: reached, with the same wslusb as here, and with what each side's kernel needs."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.live import opening, real
from hil.rig.keys import VIRTUAL_HOSTS
from hil.rig.model import PlaceEntry
from wslusb import __version__
from wslusb.doctor.check import Finding, failed, passed, skipped, warned

from . import there
from .check import Check
from .examination import Examination, Side
from .reaching import attempt, explain

__all__ = ["CHECKS", "compare"]

_MADE = "it is a virtual machine, made for the run"
_INSTALL = (
    "install it there ('{python} -m pip install .' in a checkout), or name the Python that has it: 'python' in [{side}]"
)
_ROOT = {
    "ssh": "log in as root: address = 'root@...' in [{side}]",
    "local": "run this with sudo",
    "command": "let 'run' in [{side}] begin with ['sudo', '-n']",
}


def _entry(examination: Examination, side: Side) -> PlaceEntry:
    return examination.rig.host if side == "host" else examination.rig.guest


def _is_made(examination: Examination, side: Side) -> bool:
    return _entry(examination, side).kind in VIRTUAL_HOSTS


def _misses_its_host(examination: Examination, side: Side) -> bool:
    """Whether the guest would be a virtual machine of another machine than the one with the devices."""
    return side == "guest" and _is_made(examination, "guest") and examination.rig.host.kind in ("ssh", "command")


def _reach(examination: Examination, side: Side) -> Finding:
    """A command runs there."""
    entry = _entry(examination, side)
    if _misses_its_host(examination, side):
        text = f"a guest of kind {entry.kind!r} runs here, and the devices are elsewhere"
        return failed(text, "kind = 'ssh' or 'command' in [guest], or run this where the devices are")
    if _is_made(examination, side):
        return skipped(_MADE)
    place = real.place(entry)
    found = attempt(place, "uname -sr; id -u", side, entry)
    if isinstance(found, Finding):
        return found
    kernel, _, uid = found.stdout.strip().partition("\n")
    examination.places[side] = place
    if side == "guest" and uid.strip() != "0":
        return failed("the agent would not be root there, and vhci_hcd is root's", _ROOT[entry.kind].format(side=side))
    if uid.strip() != "0":
        return warned(f"{place.name}, {kernel}, not as root: udev has to give this user the devices",
                      _ROOT[entry.kind].format(side=side))  # fmt: skip
    return passed(f"{place.name}, {kernel}")


def _programs(examination: Examination, side: Side) -> Finding:
    """The Python there is new enough, and has the wslusb that is here."""
    if _is_made(examination, side):
        return skipped(_MADE)
    entry, place = _entry(examination, side), examination.place(side)
    text = Path(there.__file__).read_text(encoding="utf-8")
    result = place.python("-c", text, check=False, timeout=60)
    words = {"python": place.interpreter, "side": side}
    if result.returncode:
        if "No such file" in result.output or "not found" in result.output:
            return failed(f"there is no {place.interpreter} on {place.name}", f"correct 'python' in [{side}]")
        return explain(result.output, side, entry, place.name)
    facts = examination.there[side] = json.loads(result.stdout.strip().splitlines()[-1])
    return compare(facts, place.name, words)


def compare(facts: dict[str, Any], name: str, words: dict[str, str]) -> Finding:
    """What :mod:`hil.doctor.there` answered, held against this machine."""
    problem = facts.get("problem")
    if problem == "old":
        return failed(
            f"Python {facts['python']} on {name} is too old",
            "install 3.11 or newer: 'python' in [{side}]".format(**words),
        )
    if problem == "wslusb":
        return failed(f"{name} has no wslusb ({facts['error']})", _INSTALL.format(**words))
    if problem == "hil":
        fix = "the probes run from a checkout: give it as 'directory' in [{side}]".format(**words)
        return failed(f"{name} has no checkout of wslusb", fix)
    here = there.look()
    if facts["version"] != here["version"]:
        return failed(f"wslusb there is {facts['version']}, here {__version__}", "install the same version on both")
    if (facts["wslusb"], facts["hil"]) != (here["wslusb"], here["hil"]):
        return warned(
            f"wslusb {__version__} there is of another commit", "bring the checkout there to the commit of this one"
        )
    return passed(f"Python {facts['python']}, wslusb {__version__} as here")


def _up(examination: Examination) -> Finding:
    """Both are ready for the suite; what is virtual is started."""
    live = examination.stack.enter_context(opening.opened(examination.rig, examination.directory, examination.ask))
    examination.up = live
    examination.places |= {"host": live.host, "guest": live.guest}
    return passed(f"{live.backend}: {live.host.name}, {live.host.release}; {live.guest.name}, {live.guest.release}")


def _from_doctor(side: Side, name: str, scheme: str = "") -> Callable[[Examination], Finding]:
    """A check of ``wslusb doctor``; ``scheme``: one that matters for addresses that begin so alone."""

    def look(examination: Examination) -> Finding:
        if scheme and not _uses(examination, scheme):
            return skipped(f"the rig does not use {scheme.rstrip(':')}")
        return examination.own_doctor(side, name)

    return look


def _uses(examination: Examination, scheme: str) -> bool:
    given = [*examination.rig.host.options.get("listen", []), examination.rig.guest.options.get("connect", "")]
    same = examination.rig.host.kind == examination.rig.guest.kind == "local"
    return any(address.startswith(scheme) for address in given) or (not any(given) and not same)


CHECKS = (
    Check("host", "Host", functools.partial(_reach, side="host")),
    Check("guest", "Guest", functools.partial(_reach, side="guest")),
    Check("host_programs", "Host: wslusb", functools.partial(_programs, side="host"), ("host",)),
    Check("guest_programs", "Guest: wslusb", functools.partial(_programs, side="guest"), ("guest",)),
    Check("up", "Rig comes up", _up, ("host_programs", "guest_programs")),
    Check("libusb", "Host: libusb", _from_doctor("host", "libusb"), ("up",)),
    Check("host_vsock", "Host: vsock", _from_doctor("host", "vsock_host", "vsock:"), ("up",)),
    Check("vhci", "Guest: vhci_hcd", _from_doctor("guest", "vhci"), ("up",)),
    Check("guest_vsock", "Guest: vsock", _from_doctor("guest", "vsock_guest", "vsock:"), ("up",)),
)
