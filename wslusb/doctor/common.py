"""Checks for both sides."""

from __future__ import annotations

import re

from .. import __version__
from ..errors import LocalReason
from .check import Finding, Side, check, failed, passed, skipped, warned
from .surroundings import Asked, Surroundings

__all__ = ["not_answering"]

_OLDEST = (3, 11)


@check(10, "Python", Side.HOST, Side.GUEST)
def python(around: Surroundings) -> Finding:
    """This Python is new enough."""
    version = ".".join(map(str, around.python))
    if around.python[:2] < _OLDEST:
        return failed(f"Python {version} is too old", "install Python 3.11 or newer, and wslusb with it")
    return passed(f"Python {version}")


@check(90, "Versions", Side.HOST, Side.GUEST)
def versions(around: Surroundings) -> Finding:
    """The command line, the service and the agents that can be seen from here are of one version."""
    seen = {"this command": __version__}
    service, agent = around.service().state, around.agent().state
    if service is not None:
        seen["the service"] = service["version"]
        seen |= {guest["name"]: _version_in(guest["name"]) for guest in service["guests"] if guest["agent"]}
    if agent is not None:
        seen["the agent"] = agent["version"]
        seen |= {agent["host_name"]: _version_in(agent["host_name"])} if agent["connected"] else {}
    others = [f"{who} is {version}" for who, version in seen.items() if version not in (__version__, "")]
    if others:
        fix = "install the same version on both sides, and restart the service and the agent"
        return warned(f"this command is {__version__}, {', '.join(others)}", fix)
    if len(seen) == 1:
        return skipped(f"{__version__}; nothing runs that could be compared")
    return passed(f"all are {__version__}")


def _version_in(name: str) -> str:
    """The version in what a peer calls itself, ``wslusb 0.1.0 (...)``."""
    match = re.match(r"wslusb (\S+)", name)
    return match[1] if match else ""


def not_answering(asked: Asked, what: str, start: str) -> Finding:
    """The finding for a service or agent that has given no state."""
    problem = asked.problem
    if problem is None:
        return failed(f"the {what} is not running", start)
    fix = "use sudo" if problem.reason is LocalReason.ACCESS_DENIED else problem.hint or "see its log"
    return failed(f"the {what} cannot be asked: {problem}", fix)
