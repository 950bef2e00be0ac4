"""``python -m emulator.rawgadget serial [--udc NAME]``: be that device until Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading

import click

from emulator import device_provider
from emulator.options import bad
from emulator.provider import EmulatorProvider
from wslusb.cli.ending import guarded

from . import bridge, lanes, udc

assert sys.platform == "linux"  # noqa: S101 - tells mypy that the rest is Linux' alone


class Runner:
    """Keeps the first device of a provider on a controller, also when it comes back as another one."""

    def __init__(self, provider: EmulatorProvider, controller: str) -> None:
        self._provider, self._controller = provider, controller
        self._bridge: bridge.Bridge | None = None
        self._changed, self._ended = threading.Event(), threading.Event()
        self._thread = threading.get_ident()

    def run(self) -> None:
        """Return after :meth:`end`. LocalError if the controller cannot be had."""
        self._provider.watch(self._look_again)
        while not self._ended.is_set():
            self._changed.clear()
            infos = self._provider.devices()
            if not infos:  # on its way back as another one
                self._changed.wait()
                continue
            with (
                contextlib.closing(self._provider.open(infos[0])) as device,
                contextlib.closing(udc.Controller(self._controller, infos[0].speed)) as controller,
            ):
                self._bridge = bridge.Bridge(device, controller)
                click.echo(f"{infos[0].description} is on {self._controller}")
                self._bridge.run(self._changed)

    def end(self, *_: object) -> None:
        """Make :meth:`run` return: a signal handler."""
        self._ended.set()
        self._changed.set()

    def _look_again(self) -> None:
        self._changed.set()
        signal.pthread_kill(self._thread, lanes.WAKE)


@click.command()
@click.argument("device")
@click.option("--udc", "name", help="The device controller, as in /sys/class/udc. Default: the first one there is.")
@click.option("--debug", is_flag=True, help="Say what the host asks for.")
def main(device: str, name: str | None, debug: bool) -> None:
    """Put DEVICE ('python -m emulator list' shows what there is) on a USB device controller."""
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, format="%(levelname)s: %(message)s")
    signal.signal(lanes.WAKE, lambda *_: None)
    with contextlib.closing(device_provider(device)) as provider:
        if len(provider.devices()) > 1:
            raise bad(f"a controller is one device, and {device!r} names several: composite puts functions together")
        runner = Runner(provider, name or next(iter(udc.controllers()), "none"))
        signal.signal(signal.SIGINT, runner.end)
        signal.signal(signal.SIGTERM, runner.end)
        runner.run()


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(standalone_mode=False), "emulator"))
