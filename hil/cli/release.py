"""``python -m hil release``."""

from __future__ import annotations

import click

from hil.rig.quarantine import Quarantine
from wslusb.cli import output
from wslusb.printable import printable

__all__ = ["command"]


@click.command(
    "release",
    help="Let a device that kept failing take part again. NAME is what rig files call it, or its key: VID:PID:SERIAL."
    " Without NAME: list the devices that failed in their last runs.",
)
@click.argument("name", required=False, default="")
def command(*, name: str) -> None:
    """Lift a quarantine."""
    quarantine = Quarantine()
    if not name:
        troubles = quarantine.trouble().values()
        if not troubles:
            output.info("no device failed in its last run")
        for trouble in troubles:
            state = "in quarantine" if trouble.failing >= quarantine.limit else "failing"
            output.result(printable(f"{state}: {trouble}"))
        return
    for released in quarantine.release(name):
        output.info(f"{released.name} ({released.key}) takes part in the next run")
