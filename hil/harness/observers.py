"""What watches all the time, so that a failure can be explained after it happened, and what is kept of one."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hil.errors import RigError
from hil.live.rig import LiveRig
from hil.places import clock
from hil.places.place import Place
from hil.report import timeline
from hil.report.events import Timeline
from hil.vm.machine import Machine

__all__ = ["collect", "drop_rings", "facts", "keep_rings", "ring"]

RING = "16M"
_LOG_TAIL = 1 << 20


def keep_rings(live: LiveRig) -> None:
    """Have both daemons keep the last URBs in memory. A daemon that a test restarts does so from its next start on."""
    for place in live.daemons.places.values():
        live.daemons.cli(place, "capture", "--all", "--ring", RING, check=False)


def drop_rings(live: LiveRig) -> None:
    """Have them keep nothing, until :func:`keep_rings`."""
    for place in live.daemons.places.values():
        live.daemons.cli(place, "capture", "--all", "--ring", "0", check=False)


def collect(
    live: LiveRig, folder: Path, text: str, extra: dict[str, Any], files: Mapping[str, bytes] | None = None
) -> Timeline:
    """Put into ``folder`` what both sides know of a failure (docs/hil-report.md). What cannot be had is named there.

    ``files`` are what the test itself has kept. The timeline of all of it comes back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in (files or {}).items():
        (folder / name).write_bytes(data)
    (folder / "test.txt").write_text(text, encoding="utf-8", errors="backslashreplace")
    daemons = live.daemons
    parts: dict[str, Callable[[], bytes]] = {
        "capture.pcapng": lambda: ring(live, live.host),
        "capture-guest.pcapng": lambda: ring(live, live.guest),
        "host.dmesg": lambda: live.host.dmesg().encode(),
        "guest.dmesg": lambda: live.guest.dmesg().encode(),
        "service.log": lambda: (daemons.service.output if daemons.service else "").encode()[-_LOG_TAIL:],
        "agent.log": lambda: (daemons.agent.output if daemons.agent else "").encode()[-_LOG_TAIL:],
        "state.json": lambda: json.dumps(_states(live), indent=1).encode(),
        "rig.json": lambda: json.dumps({**facts(live), **extra}, indent=1, default=str).encode(),
    }
    missing = {}
    for name, part in parts.items():
        try:
            (folder / name).write_bytes(part())
        except (RigError, AssertionError, OSError) as error:
            missing[name] = str(error)
    _write_regression(folder)
    if missing:
        told = "".join(f"{name}: {why}\n" for name, why in missing.items())
        (folder / "missing.txt").write_text(told, encoding="utf-8", errors="backslashreplace")
    return timeline.write(folder)


def ring(live: LiveRig, place: Place, device: str = "--all") -> bytes:
    """What a daemon has kept, of one device or of all, as a capture. RigError, OSError if it cannot be had.

    Unredacted: a regression test needs the bytes, and the rig is its owner's (``wslusb redact`` is for others).
    """
    # What a virtual machine shares with this one is read here: its other channel is slow.
    shared = place.shared if isinstance(place, Machine) else None
    path = f"{shared or tempfile.gettempdir()}/wslusb-ring-{time.monotonic_ns()}.pcapng"
    live.daemons.cli(place, "capture", device, "--save-ring", "--raw", "--output", path)
    try:
        return Path(path).read_bytes() if shared else place.get(path)
    finally:
        place.run(["rm", "-f", path], check=False)


def _states(live: LiveRig) -> dict[str, Any]:
    return {name: live.daemons.json(place, "state") for name, place in live.daemons.places.items()}


def facts(live: LiveRig) -> dict[str, Any]:
    """The rig as it is now: kernels, time of boot and clocks (``offset``: seconds that the guest's is ahead).

    Of a machine that does not answer, ``missing`` says why.
    """
    host, guest = _known(live.host), _known(live.guest)
    offsets = [each["offset"] for each in (guest, host) if "offset" in each]
    return {
        "rig": live.rig.name, "path": str(live.rig.path), "backend": live.backend, "taken": time.time(),
        "host": host, "guest": guest, "offset": offsets[0] - offsets[1] if len(offsets) == 2 else None,
    }  # fmt: skip


def _known(place: Place) -> dict[str, Any]:
    try:
        return _facts(place)
    except RigError as error:
        return {"name": place.name, "missing": str(error).partition("\n")[0]}


def _facts(place: Place) -> dict[str, Any]:
    uptime, now, zone = place.run("cut -d' ' -f1 /proc/uptime; date '+%s.%N %z'").stdout.split()
    return {
        "name": place.name,
        "release": place.release,
        "boot": float(now) - float(uptime),
        "offset": clock.offset(place).seconds,
        "utc_offset": int(zone[:3]) * 3600 + int(zone[0] + zone[3:]) * 60,
    }


def _write_regression(folder: Path) -> None:
    """A test of the same capture, for who mends it."""
    capture = folder / "capture.pcapng"
    if capture.is_file():
        command = [sys.executable, "-m", "wslusb", "replay", "--to-test", str(folder / "regression"), str(capture)]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, check=False, capture_output=True, timeout=60)
