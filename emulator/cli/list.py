"""``python -m emulator list``."""

from __future__ import annotations

import click

from wslusb.cli import output, table

from ..catalogue import kinds

__all__ = ["command"]

SCHEMA = "emulator.list/1"


@click.command("list", help="List the kinds of devices of the catalogue.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: name, driver, summary and options of each kind.")
def command(*, as_json: bool) -> None:
    """List kinds."""
    found = list(kinds().values())
    if as_json:
        body = [
            {"name": each.name, "driver": each.driver, "summary": each.summary, "options": dict(each.options)}
            for each in found
        ]
        output.result_json(SCHEMA, {"kinds": body})
        return
    table.show(("NAME", "LINUX DRIVER", "WHAT IT IS"), [(each.name, each.driver, each.summary) for each in found])
