"""``python -m emulator show``."""

from __future__ import annotations

import click

from wslusb.cli import output
from wslusb.printable import printable

from .devices import device_argument, kind_of, one_model
from .tree import lines

__all__ = ["command"]


@click.command("show", help="Show a device's options, and its descriptors as a tree.")
@device_argument
@click.option("--hex", "as_hex", is_flag=True, help="Also the bytes of each descriptor.")
def command(*, device: str, as_hex: bool) -> None:
    """Show a device."""
    model = one_model(device)
    kind = kind_of(device)
    bound = f" (Linux driver: {kind.driver})" if kind.driver else ""
    output.result(printable(f"{kind.name}: {kind.summary}{bound}"))
    width = max(map(len, kind.options), default=0)
    for name, text in kind.options.items():
        output.result(printable(f"  {name:<{width}}  {text}"))
    for line in lines(model.gadget):
        output.result(printable(f"{'  ' * line.depth}{line.text}"))
        if as_hex:
            output.result(f"{'  ' * line.depth}  {line.data.hex(' ')}")
