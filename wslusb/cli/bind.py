"""``wslusb bind``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import LocalError, LocalReason
from . import options, output, reach
from .reach import Role

if TYPE_CHECKING:
    from ..control.messages import Json

__all__ = ["command", "host_service", "name_of"]


@click.command(
    "bind", help="Share a device, so that guests may attach it. It stays shared when it is plugged in again."
)
@options.device_named()
@options.control
def command(*, device: str, control: Path | None) -> None:
    """Share a device."""
    place = host_service(control)
    answer = place.call("bind", device=device) if place else _bind_directly(device)
    name = name_of(answer["device"])
    output.info(f"device {name} is shared" if answer["changed"] else f"device {name} is shared already")


def host_service(control: Path | None) -> reach.Place | None:
    """The service that a change of what is shared goes through, None where none runs.

    LocalError in a guest: the agent says that only the host can share.
    """
    try:
        return reach.find(Role.SERVICE, control=control)
    except LocalError as error:
        if error.reason is not LocalReason.NOT_RUNNING or control is not None:
            raise
    try:
        return reach.find(Role.AGENT)
    except LocalError as error:
        if error.reason is not LocalReason.NOT_RUNNING:
            raise
        return None


def name_of(device: Json) -> str:
    """How messages call a device."""
    return f"{device['busid'] or device['instance_id']} ({device['hardware_id']} {device['description']})"


def _bind_directly(name: str) -> Json:
    from ..control.views import device_json
    from ..usb import naming
    from . import direct

    info = naming.find(direct.devices(), name)
    bindings = direct.bindings()
    changed = bindings.bind(info)
    output.info(f"no service is running; {bindings.path} is what the next 'wslusb serve' of this user goes by")
    return {"device": device_json(info), "changed": changed}
