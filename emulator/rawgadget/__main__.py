"""``python -m emulator.rawgadget serial [--udc NAME]``: be that device until Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading

import click

from emulator import device_provider
from wslusb.errors import DeviceError, LocalError

from .bridge import Bridge
from .controller import Controller, controllers
from .lane import WAKE


@click.command()
@click.argument("device")
@click.option("--udc", help="The device controller, as in /sys/class/udc. Default: the only one there is.")
@click.option("--debug", is_flag=True, help="Say what the host asks for.")
def main(device: str, udc: str | None, debug: bool) -> None:
    """Put DEVICE (emulator/catalogue.py says what there is) on a USB device controller."""
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, format="%(levelname)s: %(message)s")
    try:
        _run(device, udc or next(iter(controllers()), "none"))
    except (LocalError, DeviceError) as error:
        click.echo(f"emulator: error: {error}", err=True)
        if hint := getattr(error, "hint", None):
            click.echo(f"emulator: hint: {hint}", err=True)
        sys.exit(1)


def _run(name: str, udc: str) -> None:
    provider = device_provider(name)
    ended, bridges = threading.Event(), list[Bridge]()

    def stop(*_: object) -> None:
        for bridge in bridges:
            bridge.stop()

    def end(*_: object) -> None:
        ended.set()
        stop()

    signal.signal(WAKE, lambda *_: None)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    me = threading.get_ident()

    def changed() -> None:
        """The device left, perhaps to come back as another: the call that waits for the host must end."""
        stop()
        signal.pthread_kill(me, WAKE)

    provider.watch(changed)
    while not ended.is_set() and (infos := provider.devices()):
        with (
            contextlib.closing(provider.open(infos[0])) as device,
            contextlib.closing(Controller(udc, infos[0].speed)) as controller,
        ):
            bridges[:] = [Bridge(device, controller)]
            click.echo(f"{infos[0].description} is on {udc}")
            bridges[0].run()


if __name__ == "__main__":
    main()
