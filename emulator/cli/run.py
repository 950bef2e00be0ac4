"""``python -m emulator run``."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from wslusb.cli import output, table
from wslusb.cli.output import ExitCode
from wslusb.errors import LocalError, LocalReason

from ..catalogue import parse_models
from .devices import with_path

__all__ = ["command"]

_START_SECONDS = 15.0
_END_SECONDS = 10.0


@click.command("run", help="Serve devices, all of them shared, until Ctrl-C. Says what to type to use them.")
@click.argument("devices", nargs=-1, required=True, metavar="DEVICE...")
@click.option(
    "--listen",
    metavar="ADDRESS",
    default="",
    help="Where guests connect, as 'wslusb serve' takes it. Default: a socket.",
)
def command(*, devices: Sequence[str], listen: str) -> int:
    """Serve devices."""
    provider = ",".join(map(with_path, devices))
    parse_models(provider)  # what is wrong with them is better said now than by the service
    with contextlib.closing(_Ending()) as ending, tempfile.TemporaryDirectory(prefix="emulator-") as folder:
        address = listen or f"unix:{folder}/devices.sock"
        try:
            with _service(provider, address, Path(folder), ending) as service:
                _say_what_to_type(_share_all(Path(folder)), address)
                service.wait()
        except KeyboardInterrupt:
            output.info("ended")
            return ExitCode.SUCCESS
    output.error(f"the service ended by itself, with exit code {service.returncode}")
    return ExitCode.FAILURE


class _Ending:
    """Ctrl-C and SIGTERM are the good end: the first of them raises KeyboardInterrupt, but not while it is ``held``."""

    def __init__(self) -> None:
        self._asked = self._held = False
        self._previous = {each: signal.signal(each, self._ask) for each in (signal.SIGINT, signal.SIGTERM)}

    def close(self) -> None:
        """As it was before."""
        for each, handler in self._previous.items():
            signal.signal(each, handler)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """What is done here is done whole; a signal that came meanwhile counts afterwards."""
        self._held = True
        yield
        self._held = False
        if self._asked:
            raise KeyboardInterrupt

    def _ask(self, *_: object) -> None:
        first, self._asked = not self._asked, True
        if first and not self._held:
            raise KeyboardInterrupt


@contextlib.contextmanager
def _service(provider: str, address: str, folder: Path, ending: _Ending) -> Iterator[subprocess.Popen[bytes]]:
    """``wslusb serve`` in a process group of its own: Ctrl-C is for us to pass on."""
    control = folder / "control.sock"
    service: subprocess.Popen[bytes] | None = None
    try:
        with ending.held():
            service = subprocess.Popen(
                [sys.executable, "-m", "wslusb", "serve", "--log-level", "warning", "--device", f"emulator:{provider}",
                 "--listen", address, "--state-dir", folder / "state", "--control", control],
                start_new_session=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while not control.exists():
            if service.poll() is not None or time.monotonic() > deadline:
                raise LocalError(LocalReason.NOT_RUNNING, "the service did not start")
            time.sleep(0.02)
        yield service
    finally:
        if service is not None:
            _end(service)


def _end(service: subprocess.Popen[bytes]) -> None:
    service.terminate()
    try:
        service.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def _wslusb(folder: Path, verb: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "wslusb", verb, *arguments, "--control", folder / "control.sock"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LocalError(LocalReason.REFUSED, done.stderr.strip().removeprefix("wslusb: error: "))
    return done.stdout


def _share_all(folder: Path) -> list[dict[str, str]]:
    """Bind every device; what ``wslusb list`` says of them."""
    listed: list[dict[str, str]] = json.loads(_wslusb(folder, "list", "--json"))["devices"]
    for device in listed:
        _wslusb(folder, "bind", device["busid"])
    return listed


def _say_what_to_type(devices: list[dict[str, str]], address: str) -> None:
    rows = [(device["busid"], device["hardware_id"], device["description"]) for device in devices]
    table.show(("BUSID", "VID:PID", "DEVICE"), rows)
    output.result(f"\nServed at {address}, until Ctrl-C. To use them, where the drivers are to be:\n")
    host, vendor = _seen_from_guest(address), devices[0]["hardware_id"].partition(":")[0]
    output.result(f"  sudo wslusb agent --host {host} &")
    output.result(f"  sudo wslusb attach {devices[0]['busid']}")
    output.result("\nOr in a Python program, with no driver and no root:\n")
    output.result("  import usb.core, wslusb.guest")
    output.result(f"  backend = wslusb.guest.pyusb_backend({json.dumps(host)})")
    output.result(f"  device = usb.core.find(idVendor=0x{vendor}, backend=backend)")
    sys.stdout.flush()


def _seen_from_guest(address: str) -> str:
    return "vsock:2" if address.startswith("vsock:") else address
