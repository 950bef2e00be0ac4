"""``wslusb detach``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options, output, reach
from .bind import name_of
from .reach import Role

__all__ = ["command"]

SCHEMA = "wslusb.detach/1"


@click.command("detach", help="Take a device out of the guest and give it back to the host. Works on either side.")
@options.device_named(everything=True)
@options.guest
@options.as_json
@options.control
def command(*, device: str | None, guest: str, as_json: bool, control: Path | None) -> None:
    """Detach one device or all."""
    roles = (Role.SERVICE,) if guest else (Role.AGENT, Role.SERVICE)
    place = reach.find(*roles, control=control)
    which: dict[str, Any] = {"all": True} if device is None else {"device": device}
    if guest:
        which["guest"] = guest
    answer = place.call("detach", **which)
    if as_json:
        output.result_json(SCHEMA, {"via": place.role.value, "devices": answer["devices"]})
        return
    for each in answer["devices"]:
        output.info(f"device {name_of(each)} is detached")
    if not answer["devices"]:
        output.info(
            "no device is attached" if device is None else f"device {name_of(answer['device'])} is not attached"
        )
