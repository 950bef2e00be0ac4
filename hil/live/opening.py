"""Brings a rig up for as long as a session of the suite lasts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hil.errors import RigError
from hil.guided import Ask
from hil.live import real, served, virtual
from hil.live.rig import LiveRig
from hil.places import shell
from hil.rig.model import Rig

__all__ = ["BACKENDS", "opened"]

Opening = Callable[[Rig, Path, Ask | None], contextlib.AbstractContextManager[LiveRig]]

_HOSTS: Mapping[str, tuple[str, Opening]] = {
    "local": ("real", real.opened),
    "ssh": ("real", real.opened),
    "command": ("real", real.opened),
    "qemu": ("qemu", virtual.qemu),
    "uml": ("uml", virtual.uml),
    "emulated": ("emulated", served.emulated),
    "replay": ("replay", served.replay),
}
BACKENDS = {kind: backend for kind, (backend, _) in _HOSTS.items()}
"""What each kind of host makes of a rig, by the word of ``--backend``."""


@contextlib.contextmanager
def opened(rig: Rig, directory: Path, ask: Ask | None = None) -> Iterator[LiveRig]:
    """Start the machines of a rig; afterwards nothing of it runs. RigError if it does not come up.

    ``ask`` is whom the guided mode asks to unplug a device.
    """
    if rig.host.kind not in _HOSTS:
        raise RigError(f"{rig.path}: no rig can be made of a host of kind {rig.host.kind!r}")
    _, opening = _HOSTS[rig.host.kind]
    real.sweep(shell.local())
    with opening(rig, directory, ask) as live:
        try:
            yield live
        finally:
            live.daemons.stop()
