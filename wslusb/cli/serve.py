"""``wslusb serve``."""

from __future__ import annotations

import contextlib
import logging
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import LocalError, LocalReason
from . import daemon
from .reach import Role, socket_path

if TYPE_CHECKING:
    from ..device.api import DeviceProvider
    from ..host.service import Service
    from ..transport.address import Address
    from ..transport.sockets import Listener

__all__ = ["command", "start_service"]


@click.command(
    "serve",
    short_help="Run the host service: share devices with guests.",
    help="Run the host service in the foreground: share devices with guests until SIGTERM or Ctrl-C.",
)
@click.option(
    "--listen", multiple=True, default=["vsock:"], show_default=True, metavar="ADDRESS",
    help="Where guests connect: vsock:, unix:/path, hybrid:/path[:PORT]. Repeatable.",
)  # fmt: skip
@click.option(
    "--device", "providers", multiple=True, default=["libusb"], show_default=True, metavar="PROVIDER[:ARGUMENT]",
    help="Where devices come from. Repeatable; in a checkout, emulator:storage is a virtual one.",
)  # fmt: skip
@click.option(
    "--state-dir", type=click.Path(path_type=Path, file_okay=False), metavar="PATH",
    help="Where it is remembered which devices are shared. Default: WSLUSB_STATE_DIR or /var/lib/wslusb.",
)  # fmt: skip
@click.option(
    "--faults", type=click.Path(path_type=Path, dir_okay=False), metavar="PLAN",
    help="For tests: make the devices misbehave, as a plan (TOML) or a record (.jsonl) says. See docs/faults.md.",
)  # fmt: skip
@click.option("--faults-seed", type=click.IntRange(min=0), metavar="N", help="Seed of the faults. Default: the plan's.")
@click.option(
    "--faults-log", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write down, a JSON line each, which faults were injected.",
)  # fmt: skip
@daemon.log_level
@daemon.control_socket
def command(
    *, listen: Sequence[str], providers: Sequence[str], state_dir: Path | None, faults: Path | None,
    faults_seed: int | None, faults_log: Path | None, log_level: str, control: Path | None,
) -> None:  # fmt: skip
    """Run the host service."""
    from ..transport import address

    if faults is None and (faults_seed, faults_log) != (None, None):
        raise click.UsageError("--faults-seed and --faults-log go with --faults.")
    daemon.start_logging(log_level)
    addresses = [address.parse(text) for text in listen]
    control = control or socket_path(Role.SERVICE)
    daemon.refuse_second(control, "service")
    with daemon.Stop() as stop, contextlib.ExitStack() as stack:
        sources = _load(stack, providers)
        if faults is not None:
            sources = _with_faults(stack, sources, faults, faults_seed, faults_log)
        service = start_service(stack, addresses, sources, state_dir, control)
        where = ", ".join(str(listener.address) for listener in service.listeners)
        daemon.serving(len(service.catalog.devices()), where)
        stop.wait()


def start_service(
    stack: contextlib.ExitStack,
    addresses: Sequence[Address],
    sources: Sequence[DeviceProvider],
    state_dir: Path | None,
    control: Path,
) -> Service:
    """Start everything, so that ``stack`` ends it in the opposite order, however far this got."""
    from ..host.catalog import Catalog
    from ..host.requests import HostRequests
    from ..host.service import Service
    from . import direct

    bindings = direct.bindings(state_dir)
    bindings.all()  # a damaged file is better known now
    catalog = Catalog(sources, bindings)
    service = Service(catalog, _listen(stack, addresses))
    stack.callback(service.close)
    service.start()
    server = daemon.serve_control(control, "service", HostRequests(service))
    stack.callback(server.close)
    return service


def _load(stack: contextlib.ExitStack, specs: Sequence[str]) -> list[DeviceProvider]:
    from ..device.registry import load_provider

    providers = []
    for spec in specs:
        providers.append(load_provider(spec))
        stack.callback(providers[-1].close)
    return providers


def _with_faults(
    stack: contextlib.ExitStack, sources: Sequence[DeviceProvider], file: Path, seed: int | None, log: Path | None
) -> list[DeviceProvider]:
    from ..device.faults import FaultyProvider, Journal, load_plan

    plan = load_plan(file)
    seed = next((each for each in (seed, plan.seed) if each is not None), random.randrange(1 << 32))
    journal = Journal() if log is None else Journal.append_to(log)
    stack.callback(journal.close)
    journal.started(plan, seed)
    logging.getLogger(__name__).warning("faults are on: %d of %s, seed %d", len(plan.faults), file, seed)
    return [FaultyProvider(each, plan, seed, journal=journal) for each in sources]


def _listen(stack: contextlib.ExitStack, addresses: Sequence[Address]) -> list[Listener]:
    from ..transport import sockets

    listeners = []
    for each in addresses:
        try:
            listeners.append(sockets.listen(each))
        except LocalError as error:
            raise _explained(error, str(each)) from error
        stack.callback(listeners[-1].close)
    return listeners


def _explained(error: LocalError, where: str) -> LocalError:
    """The next step for an address that cannot be listened at."""
    hint = error.hint
    if error.reason is LocalReason.ACCESS_DENIED:
        hint = hint or "use sudo"
    elif error.reason is LocalReason.ALREADY_RUNNING:
        hint = "stop what listens there, or use another address with --listen"
    elif where.startswith(("unix:", "hybrid:")):
        hint = hint or "see that the folder of the path is there, or use another path with --listen"
    elif where.startswith("vsock:"):
        hint = hint or "run 'sudo modprobe vhost_vsock'; 'wslusb doctor' checks the rest"
    # An address that is well formed and cannot be had is no mistake in the command line.
    reason = LocalReason.BAD_STATE if error.reason is LocalReason.BAD_ADDRESS else error.reason
    return LocalError(reason, str(error), hint=hint)
