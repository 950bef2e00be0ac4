"""``wslusb agent``."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import LocalError
from . import daemon, output
from .reach import Role, socket_path

if TYPE_CHECKING:
    from ..guest.agent import Agent
    from ..guest.vhci import Vhci

__all__ = ["command"]

_STOP_SECONDS = 30.0


@click.command(
    "agent",
    short_help="Run the guest agent: put devices into this kernel.",
    help="Run the guest agent in the foreground: put devices of the host into this kernel until SIGTERM.",
)
@click.option(
    "--host",
    default="vsock:2",
    show_default=True,
    metavar="ADDRESS",
    help="The host: vsock:2, unix:/path, hybrid:/path.",
)
@daemon.log_level
@daemon.control_socket
def command(*, host: str, log_level: str, control: Path | None) -> None:
    """Run the guest agent."""
    from ..guest.agent import Agent
    from ..guest.vhci import Vhci
    from ..transport import address

    daemon.start_logging(log_level)
    vhci = Vhci()
    agent = Agent(address.parse(host), vhci, connected=lambda name: daemon.ready(f"connected to {name} at {host}"))
    with daemon.Stop() as stop, contextlib.ExitStack() as stack:
        _start(stack, agent, control or socket_path(Role.AGENT), stop)
        _warn(vhci)
        stop.wait()


def _start(stack: contextlib.ExitStack, agent: Agent, control: Path, stop: daemon.Stop) -> None:
    from ..guest.requests import GuestRequests

    daemon.refuse_second(control, "agent")
    server = daemon.serve_control(control, "agent", GuestRequests(agent))
    stack.callback(server.close)
    thread = threading.Thread(target=_run, args=(agent, stop), name="wslusb-agent", daemon=True)
    thread.start()
    stack.callback(thread.join, _STOP_SECONDS)
    stack.callback(agent.stop)


def _run(agent: Agent, stop: daemon.Stop) -> None:
    """Run the agent; should it come back by itself, that is the end of the process."""
    try:
        agent.run()
    finally:
        with contextlib.suppress(OSError):
            stop.wake()


def _warn(vhci: Vhci) -> None:
    """Say now what would make the first attach fail."""
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        output.warning("only root can put devices into the kernel: attach will fail", "run the agent with sudo")
        return
    try:
        vhci.load()
    except LocalError as error:
        output.warning(f"{error}: attach will fail", error.hint)
