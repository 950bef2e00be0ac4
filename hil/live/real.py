"""Rigs of real hardware: it is plugged into this machine, or into one that a command reaches."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hil import power
from hil.daemons import Daemons
from hil.errors import RigError
from hil.folders import abandoned, pattern, prefix
from hil.guided import Ask
from hil.live.device import LIBUSB, LiveDevice
from hil.live.rig import LiveRig
from hil.places import shell
from hil.places.place import Place
from hil.rig.model import PlaceEntry, Rig
from hil.vm.rig import Rig as Machines
from wslusb.transport.address import VsockAddress
from wslusb.wire.frame import PORT

__all__ = ["environment", "folder", "meeting", "opened", "place", "sweep"]

_PORTS = 1 << 16, 1 << 31
"""A port of vsock for the run alone: this host may have a service on the usual one, and another run beside this one."""


def place(entry: PlaceEntry) -> Place:
    """The machine that an entry of the rig file means."""
    if entry.kind not in _PLACES:
        raise RigError(f"a machine of kind {entry.kind!r} goes with a virtual host only")
    return _PLACES[entry.kind](entry.options)


def _there(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"interpreter": options.get("python", "python3"), "directory": options.get("directory")}


_PLACES: Mapping[str, Callable[[Mapping[str, Any]], Place]] = {
    "local": lambda _: shell.local(),
    "ssh": lambda options: shell.ssh(options["address"], **_there(options)),
    "wsl": lambda options: shell.wsl(options["distribution"], **_there(options)),
    "command": lambda options: shell.ShellPlace(" ".join(options["run"]), options["run"], **_there(options)),
}


@contextlib.contextmanager
def opened(rig: Rig, directory: Path, ask: Ask | None = None) -> Iterator[LiveRig]:
    """Daemons of its own, beside any that run there: they have their own state, control sockets and addresses."""
    with contextlib.ExitStack() as stack:
        host = place(rig.host)
        own = folder(stack, host)
        guest, listen, connect = _guest(stack, rig, host, own, directory)
        listen, connect = rig.host.options.get("listen", listen), rig.guest.options.get("connect", connect)
        serve = [word for address in listen for word in ("--listen", address)]
        daemons = Daemons(
            host, guest, serve=[*serve, "--device", LIBUSB], agent=["--host", connect],
            environment=environment(own),
            guest_environment=None if guest is host else environment(folder(stack, guest)),
        )  # fmt: skip
        live = LiveRig(rig, daemons, directory, backend="real")
        for entry in rig.devices:
            live.add(LiveDevice(live, entry, LIBUSB), power.make(entry, host, ask=ask))
        yield live


def _guest(
    stack: contextlib.ExitStack, rig: Rig, host: Place, own: str, directory: Path
) -> tuple[Place, list[str], str]:
    """The guest, where the service listens for it, and where it finds the service, if the rig file does not say."""
    if rig.guest.kind == "uml":
        if rig.host.kind != "local":
            raise RigError(f"{rig.path}: a guest of kind 'uml' runs on the machine of the suite, so host is 'local'")
        machines = stack.enter_context(Machines.uml_guest(directory, **rig.guest.options))
        return machines.guest, [f"hybrid:{machines.hybrid}"], "vsock:2"
    if rig.guest.kind == rig.host.kind == "local":
        address = f"unix:{own}/service.sock"
        return host, [address], address
    return place(rig.guest), *meeting(rig)


def meeting(rig: Rig) -> tuple[list[str], str]:
    """Where the service listens for another machine, and where that finds it, if the rig file does not say both."""
    said = "listen" in rig.host.options or "connect" in rig.guest.options
    port = PORT if said else random.randrange(*_PORTS)
    return [str(VsockAddress(None, port))], str(VsockAddress(2, port))


def environment(own: str) -> dict[str, str]:
    """Has wslusb keep its state and its control sockets in a folder of the session."""
    return {"WSLUSB_STATE_DIR": f"{own}/state", "WSLUSB_RUNTIME_DIR": f"{own}/run"}


def folder(stack: contextlib.ExitStack, where: Place) -> str:
    """A folder in a place, for this session alone; those of runs that were killed go.

    A short path: that of a Unix socket may have 107 bytes.
    """
    sweep(where)
    made = where.run(["mktemp", "-d", f"{tempfile.gettempdir()}/{prefix('hil')}XXXXXX"]).stdout.strip()
    stack.callback(where.run, ["rm", "-rf", made], check=False)
    return made


def sweep(where: Place) -> list[str]:
    """Take away the folders there of runs that were killed; which those were."""
    there = where.run(f"ls -d {tempfile.gettempdir()}/{pattern()}", check=False).stdout.splitlines()
    if found := abandoned(there):
        where.run(["rm", "-rf", "--", *found], check=False)
    return found
