"""``python -m hil suggest``."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path

import click

from hil.probes import in_use
from hil.rig import remembered, suggest
from hil.rig.safety import Facts
from wslusb.cli import output
from wslusb.device.registry import load_provider
from wslusb.errors import LocalError, LocalReason

__all__ = ["command"]


@click.command(
    "suggest",
    help="Print a rig file for what is plugged in. It allows nothing but reading; what must not be touched is left out,"
    " with the reason.",
)
@click.option("--provider", metavar="NAME[:ARGUMENT]", default="libusb", show_default=True,
              help="Where devices are: libusb, emulator:serial,storage, replay:FILE.")  # fmt: skip
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write it there; a file that exists is left as it is.")  # fmt: skip
def command(*, provider: str, target: Path | None) -> None:
    """Suggest a rig file."""
    source = suggest.sources(provider)
    with contextlib.closing(load_provider(provider)) as devices:
        infos = list(devices.devices())
    # A virtual device is at no port of this machine, whatever its busid is.
    facts = Facts.from_json(in_use.run()) if source.host == "local" else Facts()
    text = suggest.suggest(infos, facts, platform.node() or "rig", source)
    if target is None:
        output.result(text.rstrip("\n"))
        return
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        hint = "it is left as it is: choose another name, or remove it"
        raise LocalError(LocalReason.BAD_STATE, f"{target} is there already", hint=hint) from error
    with contextlib.suppress(OSError):  # the doctor can do without
        for info in infos:
            remembered.remember(info)
    output.info(f"{target} is a rig file: 'python -m hil doctor --rig {target}' proves it")
