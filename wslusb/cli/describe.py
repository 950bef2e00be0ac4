"""``wslusb describe``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import LocalError, LocalReason
from . import options, output, reach
from .reach import Place, Role

if TYPE_CHECKING:
    from ..system.api import HostDevice

__all__ = ["SECONDS", "command", "locate"]

SECONDS = 60.0
"""How long a service may take to ask a device for all that it says of itself."""


@click.command(
    "describe",
    short_help="Write down what a device says of itself.",
    help="Write a device's descriptors and strings as a scenario file, from which 'wslusb serve' of a checkout makes a "
    "virtual device of the same description. Nothing is taken from drivers, and no setting is changed.",
)
@options.device_named(optional=True)
@click.option(
    "--device", "provider", metavar="PROVIDER[:ARGUMENT]",
    help="Take the device from there, as 'serve' does: emulator:keyboard. If that is one, DEVICE may be left out.",
)  # fmt: skip
@click.option(
    "-o", "--output", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write it there. Default: standard output.",
)  # fmt: skip
@options.control
def command(*, device: str | None, provider: str | None, path: Path | None, control: Path | None) -> None:
    """Describe a device."""
    if provider is not None:
        text = _of_provider(provider, device)
    elif device is None:
        raise click.UsageError("which device? Give its busid, VID:PID, serial number or instance id")
    else:
        text = _of_this_machine(locate(device, control), device)
    if path is None:
        output.result(text.rstrip("\n"))
    else:
        path.write_text(text, encoding="utf-8")
        output.info(f"wrote {path}")


def _of_provider(spec: str, name: str | None) -> str:
    from ..device.describe_open import describe_from
    from ..device.describe_text import to_toml
    from ..device.registry import load_provider
    from ..usb import naming

    provider = load_provider(spec)
    try:
        devices = list(provider.devices())
        if name is None and len(devices) != 1:
            raise click.UsageError(f"{spec} has {len(devices)} devices: name one")
        info = devices[0] if name is None else naming.find(devices, name)
        return to_toml(describe_from(provider, info.busid))
    finally:
        provider.close()


def _of_this_machine(found: HostDevice | Place, name: str) -> str:
    from ..device.describe_open import describe_beside_its_drivers
    from ..device.describe_text import to_toml

    if isinstance(found, Place):
        return str(found.call("describe", device=name, timeout=SECONDS)["scenario"])
    return to_toml(describe_beside_its_drivers(found))


def locate(name: str, control: Path | None) -> HostDevice | Place:
    """The device of this machine that is called so, or the service that is to be asked for it. LocalError for neither.

    What a guest has attached goes by the host's names first; then this system's devices, then the service's own.
    """
    service = _place(Role.SERVICE, control)
    host = _attached(_place(Role.AGENT, control), name) or _plugged_in(name, sure=service is None)
    if host is not None:
        return host
    assert service is not None  # noqa: S101 - without one, a name that is not found was an error
    return service


def _place(role: Role, control: Path | None) -> Place | None:
    """The service or agent, if it runs and can be asked."""
    try:
        place = reach.find(role, control=control)
    except LocalError as error:
        if control is not None or error.reason not in (LocalReason.NOT_RUNNING, LocalReason.ACCESS_DENIED):
            raise
        return None
    return place if place.role is role else None


def _attached(agent: Place | None, name: str) -> HostDevice | None:
    """The device of a guest that its host knows by this name."""
    if agent is None:
        return None
    from ..system import current

    for each in agent.call("state", timeout=SECONDS)["attached"]:
        if name in (each["busid"], each["instance_id"]):
            return next((here for here in current().devices() if here.info.busid == each["guest_busid"]), None)
    return None


def _plugged_in(name: str, *, sure: bool) -> HostDevice | None:
    """A device of this system. LocalError if there are several or none; None for none where the service may know."""
    from ..system import current
    from ..usb import naming

    devices = current().devices()
    try:
        info = naming.find([each.info for each in devices], name)
    except LocalError as error:
        if sure or error.reason is not LocalReason.NOT_FOUND:
            raise
        return None
    return next(each for each in devices if each.info is info)
