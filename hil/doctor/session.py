"""Checks of what a session of the suite needs beyond its machines: the connection, clocks, room, programs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping

from hil.errors import MachineError
from hil.places.clock import offset
from hil.requirements import present
from hil.rig.keys import VIRTUAL_HOSTS
from wslusb.doctor.check import Finding, failed, passed, skipped, warned

from .check import Check
from .examination import Examination

__all__ = ["CHECKS"]

_MIB = 1 << 20
_LEAST_MIB, _SOME_MIB = 200, 2048
_CLOCK_SECONDS = 5.0
_SCHEMES: Mapping[str, str] = {
    "vsock": "vsock joins a virtual machine and the machine that runs it: is the guest one of this host? Then its CID"
    " and 'connect' in [guest] ('vsock:2' is the host of a guest)",
    "unix": "the socket has to be seen by both machines: 'listen' in [host] and 'connect' in [guest]",
}
_TOOLS: Mapping[str, tuple[str, str]] = {
    "uhubctl": ("uhubctl", "apt install uhubctl"),
    "ykush": ("ykushcmd", "build it from https://github.com/Yepkit/ykush"),
}


def _transport(examination: Examination) -> Finding:
    """Service and agent find each other, and part again."""
    daemons = examination.live.daemons
    started = time.monotonic()
    try:
        daemons.start_service()
    except MachineError as error:
        return failed(f"the service does not start: {_reason(str(error))}", _service_fix(examination))
    try:
        daemons.start_agent()
    except MachineError as error:
        agent = daemons.agent
        said = agent.output if agent is not None and agent.output.strip() else str(error)
        return failed(f"the agent does not reach the service: {_reason(said)}", _connection_fix(examination))
    seconds = time.monotonic() - started
    state = daemons.json(daemons.guest, "state")["agent"]
    return passed(f"the agent is connected to {state['host_name']} at {state['host']}, {seconds:.1f} s after the start")


def _service_fix(examination: Examination) -> str:
    virtual = examination.rig.host.kind in VIRTUAL_HOSTS
    return "correct 'source' of the device, or 'listen' in [host]" if virtual else "correct 'listen' in [host]"


def _connection_fix(examination: Examination) -> str:
    connect = str(examination.rig.guest.options.get("connect", "vsock:2"))
    return _SCHEMES.get(connect.partition(":")[0], "correct 'listen' in [host] and 'connect' in [guest]")


def _reason(text: str) -> str:
    """The last line that tells of something bad, else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    bad = [line for line in lines if any(word in line.lower() for word in ("error", "warning", "cannot", "refused"))]
    return (bad or lines or ["it said nothing"])[-1]


def _clock(examination: Examination) -> Finding:
    """Host and guest agree on the time, so that their logs can be read side by side."""
    if examination.place("host") is examination.place("guest"):
        return skipped("host and guest are one machine")
    host, guest = (offset(examination.place(side)) for side in ("host", "guest"))
    ahead, doubt = guest.seconds - host.seconds, guest.uncertainty + host.uncertainty
    text = f"the guest's clock is {abs(ahead):.3f} s {'ahead' if ahead >= 0 else 'behind'}, to {doubt:.3f} s"
    if abs(ahead) - doubt <= _CLOCK_SECONDS:
        return passed(text)
    return failed(text, "set both by the same source (chrony, systemd-timesyncd; WSL2: 'hwclock -s' after a sleep)")


def _room(examination: Examination) -> Finding:
    """Captures of failures have room."""
    there = next(each for each in (examination.results, *examination.results.parents) if each.exists())
    free = shutil.disk_usage(there).free // _MIB
    text = f"{free} MiB free in {there}"
    fix = "make room, or put results elsewhere with --results"
    if free < _LEAST_MIB:
        return failed(text, fix)
    return warned(text, fix) if free < _SOME_MIB else passed(text)


def _tools(examination: Examination) -> Finding:
    """Programs that the rig's devices need on the host, and what reads captures here."""
    kinds = {entry.power.kind for entry in examination.rig.devices}
    host = examination.place("host")
    for kind, (program, install) in _TOOLS.items():
        if kind in kinds and host.run(f"command -v {program}", check=False).returncode:
            return failed(f"there is no {program} on {host.name}, and devices of the rig are switched by it", install)
    if not present("tshark"):
        return skipped("no tshark here: captures of failures are kept all the same (apt install tshark)")
    return passed("all that the rig needs; tshark")


CHECKS = (
    Check("transport", "Connection", _transport, ("up", "vhci", "host_vsock", "guest_vsock")),
    Check("clock", "Clocks", _clock, ("up",)),
    Check("room", "Disk space", _room),
    Check("tools", "Programs", _tools, ("up",)),
)
