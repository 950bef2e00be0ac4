"""Rigs of real hardware: it is plugged into this machine, or into one that a command reaches."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hil import power
from hil.daemons import Daemons
from hil.errors import RigError
from hil.guided import Ask
from hil.live.device import LIBUSB, LiveDevice
from hil.live.rig import LiveRig
from hil.places import shell
from hil.places.place import Place
from hil.rig.model import PlaceEntry, Rig

__all__ = ["opened", "place"]


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
    same = rig.guest.kind == rig.host.kind == "local"
    host = place(rig.host)
    guest = host if same else place(rig.guest)
    with contextlib.ExitStack() as stack:
        state = _directory(stack, host)
        listen = rig.host.options.get("listen") or ([f"unix:{state}/service.sock"] if same else ["vsock:"])
        connect = rig.guest.options.get("connect") or (listen[0] if same else "vsock:2")
        serve = [word for address in listen for word in ("--listen", address)]
        daemons = Daemons(
            host, guest, serve=[*serve, "--device", LIBUSB], agent=["--host", connect],
            environment=_environment(state),
            guest_environment=None if same else _environment(_directory(stack, guest)),
        )  # fmt: skip
        switches = {entry.name: power.make(entry, host, ask=ask) for entry in rig.devices}
        live = LiveRig(rig, daemons, directory, backend="real", switches=switches)
        live.devices = {entry.name: LiveDevice(live, entry, LIBUSB) for entry in rig.devices}
        yield live


def _environment(state: str) -> dict[str, str]:
    return {"WSLUSB_STATE_DIR": f"{state}/state", "WSLUSB_RUNTIME_DIR": f"{state}/run"}


def _directory(stack: contextlib.ExitStack, where: Place) -> str:
    """A folder in a place, for this session alone. A short path: that of a Unix socket may have 107 bytes."""
    made = where.run(["mktemp", "-d", f"{tempfile.gettempdir()}/wslusb-hil.XXXXXX"]).stdout.strip()
    stack.callback(where.run, ["rm", "-rf", made], check=False)
    return made
