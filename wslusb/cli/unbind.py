"""``wslusb unbind``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options, output
from .bind import host_service, name_of

if TYPE_CHECKING:
    from ..control.messages import Json

__all__ = ["command"]


@click.command("unbind", help="Stop sharing a device, plugged in or not. A guest that has it loses it.")
@options.device_named(everything=True)
@options.control
def command(*, device: str | None, control: Path | None) -> None:
    """Stop sharing one device or all."""
    place = host_service(control)
    if device is None:
        answer = place.call("unbind", all=True) if place else _unbind_all_directly()
        for each in answer["devices"]:
            output.info(f"device {name_of(each)} is not shared any more")
        if not answer["devices"]:
            output.info("no device is shared")
        return
    answer = place.call("unbind", device=device) if place else _unbind_directly(device)
    name = name_of(answer["device"])
    output.info(f"device {name} is not shared any more" if answer["changed"] else f"device {name} is not shared")


def _unbind_directly(name: str) -> Json:
    from ..control.views import device_json
    from ..usb import naming
    from . import direct

    bindings = direct.bindings()
    plugged = direct.devices()
    info = naming.find([*plugged, *bindings.absent(plugged)], name)
    return {"device": device_json(info), "changed": bindings.unbind(info.identity)}


def _unbind_all_directly() -> Json:
    from ..control.views import device_json
    from . import direct

    bindings = direct.bindings()
    plugged = direct.devices()
    known = [*plugged, *bindings.absent(plugged)]
    return {"devices": [device_json(info) for info in known if bindings.unbind(info.identity)]}
