"""Options that several verbs have."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

__all__ = ["as_json", "control", "device_named", "guest"]

_HARDWARE_ID = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}")

control = click.option(
    "--control",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Control socket of the service or agent to ask. Default: the one that runs here.",
)
guest = click.option(
    "--guest",
    "--distribution",
    "guest",
    default="",
    metavar="NAME",
    help="On the host: which guest, by CID or name, if several are connected.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON (docs/cli.md has the schema).")


def device_named(
    *, everything: bool = False, optional: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a verb take a device by name, and by usbipd-win's options; with ``everything``, ``--all`` instead.

    The function gets ``device``: a name, or None for ``--all`` and, if it is ``optional``, for no name.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(
            *, device: str | None, busid: str | None, hardware_id: str | None, all_devices: bool = False, **rest: Any
        ) -> Any:
            name = _only(device, busid, hardware_id, all_devices=all_devices, optional=optional)
            return function(device=name, **rest)

        for option in reversed(_options(everything=everything)):
            wrapper = option(wrapper)
        return wrapper

    return decorate


def _options(*, everything: bool) -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    options: list[Callable[[Callable[..., Any]], Callable[..., Any]]] = [
        click.argument("device", required=False, metavar="DEVICE", shell_complete=_complete),
        click.option("-b", "--busid", metavar="BUSID", help="The device by its busid.", shell_complete=_complete),
        click.option("-i", "--hardware-id", metavar="VID:PID", help="The device by vendor and product id."),
    ]
    if everything:
        options.append(click.option("-a", "--all", "all_devices", is_flag=True, help="All devices."))
    return options


def _only(
    device: str | None, busid: str | None, hardware_id: str | None, *, all_devices: bool, optional: bool
) -> str | None:
    """The one name that was given. UsageError for several, and for none unless that is allowed."""
    if hardware_id is not None and not _HARDWARE_ID.fullmatch(hardware_id):
        raise click.BadParameter("it is four hexadecimal digits, a colon and four more", param_hint="--hardware-id")
    names = [name for name in (device, busid, hardware_id) if name is not None]
    if len(names) + all_devices > 1:
        raise click.UsageError("name the device once")
    if not names and not all_devices and not optional:
        raise click.UsageError("which device? Give its busid, VID:PID, serial number or instance id")
    if names == [""]:
        raise click.UsageError("the name of the device is empty")
    return names[0] if names else None


def _complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The busids of what ``wslusb list`` shows, for the shell."""
    from ..errors import WslusbError
    from .list import fetch

    try:
        devices = fetch(None).devices
    except WslusbError:
        return []
    return [
        CompletionItem(device["busid"], help=device["description"])
        for device in devices
        if device["busid"].startswith(incomplete)
    ]
