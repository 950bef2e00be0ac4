"""``wslusb state``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import LocalError, LocalReason
from ..printable import printable
from . import options, output, reach
from .reach import Role

if TYPE_CHECKING:
    from ..control.messages import Json

__all__ = ["command", "fetch"]

SCHEMA = "wslusb.state/1"
_SECONDS = 20.0


@click.command("state", help="Show what runs here, who is connected, and what is attached where.")
@options.as_json
@options.control
def command(*, as_json: bool, control: Path | None) -> None:
    """Show the state of the service and the agent."""
    states = {role.value: fetch(role, control) for role in Role}
    if as_json:
        from .. import __version__

        output.result_json(SCHEMA, {"version": __version__, **states})
        return
    for role, state in states.items():
        if state is None:
            output.result(f"{role}: not running")
        else:
            output.result(f"{role}: running, version {state['version']}")
            for line in _service_lines(state) if role == Role.SERVICE.value else _agent_lines(state):
                output.result(f"  {printable(line)}")


def fetch(role: Role, control: Path | None = None) -> Json | None:
    """What a service or agent says of itself, None if it does not run. LocalError if it may not be asked."""
    try:
        place = reach.find(role, control=control)
        answer = place.call("state", timeout=_SECONDS) if place.role is role else None
    except LocalError as error:
        if error.reason is not LocalReason.NOT_RUNNING or control is not None:
            raise
        return None
    return None if answer is None else {key: value for key, value in answer.items() if key not in ("ok", "role")}


def _service_lines(state: Json) -> list[str]:
    shared = sum(device["state"] != "not_shared" for device in state["devices"])
    lines = [
        f"listening at {', '.join(state['listening']) or 'nothing'}",
        f"{len(state['devices'])} devices, {shared} shared",
    ]
    for guest in state["guests"]:
        lines += [f"guest {guest['name']}" + ("" if guest["agent"] else ", a program without an agent")]
    for device in state["devices"]:
        if device["state"] == "attached":
            nodes = [node for guest in state["guests"] for node in guest["attached"].get(device["busid"], [])]
            lines.append(_attached_line(device, f"attached to {device['owner']}", nodes))
    return lines


def _agent_lines(state: Json) -> list[str]:
    connection = f"connected to {state['host_name']}" if state["connected"] else "not connected"
    lines = [f"host {state['host']}: {connection}"]
    attached = [_attached_line(each, f"attached in port {each['port']}", each["nodes"]) for each in state["attached"]]
    return lines + attached + [f"{name} is attached again whenever it comes back" for name in state.get("kept", [])]


def _attached_line(device: Json, where: str, nodes: list[str]) -> str:
    return " ".join([f"{device['busid']} ({device['hardware_id']} {device['description']}) {where}:", *nodes]).rstrip(
        ":"
    )
