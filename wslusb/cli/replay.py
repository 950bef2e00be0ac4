"""``wslusb replay``."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..printable import printable
from . import daemon, output
from .output import ExitCode
from .reach import Role, socket_path

if TYPE_CHECKING:
    from ..replay.divergence import Log
    from ..replay.provider import Options
    from ..replay.story import Story

__all__ = ["command"]


@click.command(
    "replay",
    short_help="Serve a capture as a device, or send its requests to one.",
    help="Serve the device of a capture (usbmon or USBPcap, pcap or pcapng) to guests, until SIGTERM or Ctrl-C. With "
    "--as-host, send the capture's requests to a device and show where it answers something else. "
    "See docs/replay.md.",
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE")
@click.option("--device", "name", default="", metavar="BUS.ADDRESS", help="Which device of the capture, if several.")
@click.option(
    "--mode", type=click.Choice(["strict", "keyed", "model"]), default="model", show_default=True,
    help="How freely a host may differ from the capture's.",
)  # fmt: skip
@click.option(
    "--clock", default="asap", show_default=True, metavar="asap|recorded|FACTORx",
    help="When to answer: at once, after as long as it took, or 0.1x as long.",
)  # fmt: skip
@click.option(
    "--ignore", multiple=True, metavar="ENDPOINT:FIRST-LAST",
    help="Bytes that are not compared, like counters: 0x02:4-7. Repeatable.",
)  # fmt: skip
@click.option(
    "--guess",
    is_flag=True,
    help="Where the capture has no configuration descriptor, make one up from the endpoints that were used.",
)
@click.option(
    "--as-host", metavar="PROVIDER[:ARGUMENT]",
    help="Send the capture's requests to this device: libusb, emulator:storage. See --target.",
)  # fmt: skip
@click.option("--target", metavar="DEVICE", help="With --as-host: which device, if the provider has several.")
@click.option(
    "--to-test", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Write a pytest module and a copy of the capture there.",
)  # fmt: skip
@click.option(
    "--wrong", multiple=True, type=click.IntRange(min=1), metavar="PACKET",
    help="With --to-test: the packet of an answer that is the fault. Repeatable.",
)  # fmt: skip
@click.option(
    "--listen", multiple=True, default=["vsock:"], show_default=True, metavar="ADDRESS",
    help="Where guests connect, as for 'serve'.",
)  # fmt: skip
@daemon.log_level
@daemon.control_socket
def command(
    *, file: Path, name: str, mode: str, clock: str, ignore: Sequence[str], guess: bool, as_host: str | None,
    target: str | None, to_test: Path | None, wrong: Sequence[int], listen: Sequence[str], log_level: str,
    control: Path | None,
) -> int:  # fmt: skip
    """Replay a capture."""
    from ..replay.device import Mode
    from ..replay.pace import Pace
    from ..replay.provider import Options

    if as_host is not None and to_test is not None:
        raise click.UsageError("--as-host and --to-test do not go together.")
    if (target is not None and as_host is None) or (wrong and to_test is None):
        raise click.UsageError("--target goes with --as-host, and --wrong with --to-test.")
    options = Options(file, name, Mode(mode), Pace.parse(clock), tuple(ignore), guess=guess)
    if to_test is not None:
        return _to_test(options, to_test, wrong)
    if as_host is not None:
        return _as_host(options, as_host, target)
    daemon.start_logging(log_level)
    return _serve(options, listen, control or socket_path(Role.SERVICE))


def _to_test(options: Options, folder: Path, wrong: Sequence[int]) -> int:
    from ..replay import reading, regression

    output.result(str(regression.write(options.file, reading.read(options.file, options.device), folder, wrong)))
    return ExitCode.SUCCESS


def _as_host(options: Options, spec: str, target: str | None) -> int:
    from ..device.registry import load_provider
    from ..replay.host import ReplayHost
    from ..replay.reading import read
    from ..replay.wildcards import Wildcards
    from ..usb import naming

    story = read(options.file, options.device)
    _say_if_redacted(story)
    provider = load_provider(spec)
    with contextlib.ExitStack() as stack:
        stack.callback(provider.close)
        devices = list(provider.devices())
        if target is None and len(devices) != 1:
            raise click.UsageError(f"{spec} has {len(devices)} devices: choose one with --target")
        device = provider.open(devices[0] if target is None else naming.find(devices, target))
        stack.callback(device.close)
        log = ReplayHost(story, Wildcards(options.ignore), options.pace).play(device)
    return _told(log, f"{len(story.exchanges)} URBs of {story.name}")


def _serve(options: Options, listen: Sequence[str], control: Path) -> int:
    """Its own service, with bindings of its own: what is replayed is meant to be attached."""
    from ..host.bindings import Bindings
    from ..replay.provider import ReplayProvider
    from ..transport import address
    from . import direct
    from .serve import start_service

    addresses = [address.parse(text) for text in listen]
    daemon.refuse_second(control, "service")
    with daemon.Stop() as stop, contextlib.ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wslusb-replay-")))
        provider = ReplayProvider(options)
        for info in provider.devices():
            Bindings(state / direct.BINDINGS).bind(info)
            output.info(f"{info.busid} is {provider.facts.title}, {provider.story.name} of {options.file}")
        _say_if_redacted(provider.story)
        service = start_service(stack, addresses, [provider], state, control)
        where = ", ".join(str(listener.address) for listener in service.listeners)
        daemon.serving(len(service.catalog.devices()), where)
        stop.wait()
    return _told(provider.log, f"replay of {provider.story.name}")


def _say_if_redacted(story: Story) -> None:
    if story.redacted:
        output.info("the capture was redacted: serial numbers, and data that are zeroes in it, are not compared")


def _told(log: Log, what: str) -> int:
    for line in log.report():
        output.result(printable(line))
    if not log.count:
        output.info(f"{what}: no divergence")
        return ExitCode.SUCCESS
    output.error(f"{what}: {log.count} divergences")
    return ExitCode.DIVERGED
