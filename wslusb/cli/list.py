"""``wslusb list``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import LocalError, LocalReason
from . import options, output, reach, table
from .reach import Role

if TYPE_CHECKING:
    from ..control.messages import Json

__all__ = ["Listing", "command", "fetch"]

SCHEMA = "wslusb.list/1"
_SECONDS = 20.0
_STATES = {"not_shared": "Not shared", "shared": "Shared", "attached": "Attached"}


@dataclass(slots=True)
class Listing:
    """What there is. ``source`` is who said so: ``service``, ``agent``, or ``direct`` where nobody runs."""

    source: str
    devices: list[Json]
    unplugged: list[Json]


@click.command("list", help="List USB devices and their states. In a guest: those that the host shares.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Also serial number, speed, driver, instance id and unplugged devices."
)
@options.as_json
@options.control
def command(*, verbose: bool, as_json: bool, control: Path | None) -> None:
    """List devices."""
    listing = fetch(control)
    if as_json:
        body = {"source": listing.source, "devices": listing.devices, "unplugged": listing.unplugged}
        output.result_json(SCHEMA, body)
        return
    if listing.devices:
        _show(listing.devices, verbose=verbose)
    else:
        _explain_nothing(listing.source)
    if verbose and listing.unplugged:
        output.result("\nShared, but not plugged in:")
        table.show(
            ("VID:PID", "INSTANCE ID"), [(each["hardware_id"], each["instance_id"]) for each in listing.unplugged]
        )


def fetch(control: Path | None) -> Listing:
    """Ask the service, or else the agent; look for oneself where neither runs."""
    try:
        place = reach.find(Role.SERVICE, Role.AGENT, control=control)
    except LocalError as error:
        if control is not None or error.reason not in (LocalReason.NOT_RUNNING, LocalReason.ACCESS_DENIED):
            raise
        return _look(denied=error.reason is LocalReason.ACCESS_DENIED)
    answer = place.call("list", timeout=_SECONDS)
    devices, unplugged = answer["devices"], answer.get("unplugged", [])
    return Listing(place.role.value, _with_drivers(devices) if place.role is Role.SERVICE else devices, unplugged)


def _look(*, denied: bool) -> Listing:
    from . import direct

    if denied:
        output.warning("the service belongs to root: who has which device is not shown", "use sudo to see it")
    answer = direct.list_devices(direct.bindings(roots=denied))
    return Listing("direct", _with_drivers(answer["devices"]), answer["unplugged"])


def _with_drivers(devices: list[Json]) -> list[Json]:
    """Add which drivers of this system have each device now. A virtual device has none."""
    from ..system import current

    try:
        here = {host.info.busid: host for host in current().devices()}
    except LocalError:
        here = {}
    for device in devices:
        host = here.get(device["busid"])
        same = host is not None and host.info.instance_id == device["instance_id"]
        device["drivers"] = sorted(set(host.drivers.values())) if host is not None and same else []
    return devices


def _show(devices: list[Json], *, verbose: bool) -> None:
    columns = ["BUSID", "VID:PID", "DEVICE", "STATE"]
    rows = [[each["busid"], each["hardware_id"], each["description"], _state(each)] for each in devices]
    if verbose:
        columns += ["SERIAL", "SPEED", "DRIVER", "INSTANCE ID"]
        for row, each in zip(rows, devices, strict=True):
            drivers = ",".join(each.get("drivers", []))
            row += [each["serial"] or "-", each["speed"].replace("_", " "), drivers or "-", each["instance_id"]]
    table.show(columns, rows)


def _state(device: Json) -> str:
    word = _STATES.get(device["state"]) or str(device["state"])
    return f"{word} to {device['owner']}" if device["state"] == "attached" and device["owner"] else word


def _explain_nothing(source: str) -> None:
    if source == Role.AGENT.value:
        output.info("the host shares no devices", "share one with 'wslusb bind DEVICE' on the host")
    else:
        output.info("no USB devices are plugged in")
