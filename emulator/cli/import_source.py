"""``python -m emulator import``."""

from __future__ import annotations

from pathlib import Path

import click

from wslusb.cli import output
from wslusb.printable import printable

from ..importers import FORMATS, SPEEDS, import_device
from ..importers.scenario_text import scenario_text
from .tree import lines

__all__ = ["command"]

SCHEMA = "emulator.import/1"


@click.command(
    "import",
    help="Make a device of what another tool wrote of one: a directory of sysfs or its file 'descriptors', the text of"
    " 'lsusb -v', a umockdev dump, a usbmon or USBPcap capture, a libusbgx gadget scheme, a bug bundle of 'wslusb"
    " report'. What the source does not hold is said on stderr, one line each.",
)
@click.argument("source", metavar="SOURCE", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.toml",
              help="Write the device as a scenario; '-' is standard output.")  # fmt: skip
@click.option("--device", default="", metavar="NAME", help="Which, where SOURCE has several: 1-2, or bus.address.")
@click.option("--format", "format_name", type=click.Choice(list(FORMATS)), help="If it cannot be told.")
@click.option(
    "--speed", type=click.Choice([each for each in SPEEDS if each]), help="In place of the source's: low, full, ..."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: name, descriptors and what is missing.")
def command(*, source: Path, target: Path | None, device: str, format_name: str | None,
            speed: str | None, as_json: bool) -> None:  # fmt: skip
    """Import a device."""
    imported = import_device(source, device, format_name or "", SPEEDS[speed or ""])
    gadget = imported.model.gadget
    if as_json:
        body = {
            "name": imported.name,
            "speed": gadget.speed.name.lower(),
            "device": gadget.device.pack().hex(),
            "configurations": [each.pack().hex() for each in gadget.configurations],
            "missing": list(imported.missing),
        }
        output.result_json(SCHEMA, body)
    else:
        for missing in imported.missing:
            output.warning(missing)
    text = scenario_text(imported, source.name)
    if target is not None and str(target) != "-":
        target.write_text(text, encoding="utf-8")
        output.info(f"{target} is a device: try 'python -m emulator run {target}'")
    elif target is not None:
        output.result(text.rstrip("\n"))
    elif not as_json:
        for line in lines(gadget):
            output.result(printable(f"{'  ' * line.depth}{line.text}"))
