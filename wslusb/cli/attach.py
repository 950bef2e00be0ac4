"""``wslusb attach``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..control.messages import MOST_SECONDS
from ..errors import LocalError, LocalReason
from ..printable import printable
from . import options, output, reach
from .bind import name_of
from .reach import Place, Role

if TYPE_CHECKING:
    from ..control.messages import Json

__all__ = ["command"]

SCHEMA = "wslusb.attach/1"
_SECONDS = 40.0
_GRACE = 2.0
"""How much longer than the service is waited for: it is to say itself that the guest took too long."""


@click.command(
    "attach",
    short_help="Put a shared device into the guest; say where it is.",
    help="Put a shared device into the guest, wait until it is usable, and print where it is (/dev/ttyACM0, ...). "
    "Works in the guest, and on the host.",
)
@options.device_named()
@options.guest
@click.option(
    "--timeout",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1, max=MOST_SECONDS),
    default=_SECONDS,
    show_default=True,
    help="How long to wait.",
)
@click.option(
    "-a",
    "--auto-attach",
    "keep",
    is_flag=True,
    help="Attach it again whenever it comes back (a board that reboots, a replug), until it is detached.",
)
@options.as_json
@options.control
def command(*, device: str, guest: str, seconds: float, keep: bool, as_json: bool, control: Path | None) -> None:
    """Attach a device."""
    roles = (Role.SERVICE,) if guest else (Role.AGENT, Role.SERVICE)
    place = reach.find(*roles, control=control)
    answer = _attach(place, device, guest, seconds, keep=keep)
    if as_json:
        fields = {key: answer[key] for key in ("device", "nodes", "changed")}
        output.result_json(SCHEMA, {"via": place.role.value, **fields})
    else:
        _say(answer)
    if sys.platform != "win32" and place.role is Role.AGENT:
        from . import access

        for node in answer["nodes"]:
            access.warn_about(node)


def _attach(place: Place, device: str, guest: str, seconds: float, *, keep: bool) -> Json:
    try:
        return place.call("attach", device=device, guest=guest, seconds=seconds, keep=keep, timeout=seconds + _GRACE)
    except LocalError as error:
        if error.reason is LocalReason.TIMEOUT:
            hint = error.hint or "'wslusb state' tells whether it got there after all; 'wslusb detach' takes it back"
            raise LocalError(error.reason, str(error), hint=hint) from error
        if error.reason is LocalReason.NOT_FOUND and place.role is Role.AGENT:
            hint = "'wslusb list' shows what the host shares; 'wslusb bind DEVICE' on the host shares more"
            raise LocalError(error.reason, str(error), hint=hint) from error
        raise


def _say(answer: Json) -> None:
    name = name_of(answer["device"])
    output.info(f"device {name} is attached" if answer["changed"] else f"device {name} is attached already")
    for node in answer["nodes"]:
        output.result(printable(node))
    if not answer["nodes"]:
        output.info("no driver of the guest made a node for it: programs that use libusb can open it")
