"""Finds the service or agent that a verb talks to.

What only a call needs is imported there: ``--help`` goes through here, too.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LocalError, LocalReason

if TYPE_CHECKING:
    from ..control.messages import Json

__all__ = ["Place", "Role", "find", "socket_path"]

_ROOTS_DIR = Path("/run/wslusb")


class Role(enum.Enum):
    """What can be running."""

    SERVICE = "service"
    AGENT = "agent"


@dataclass(slots=True, frozen=True)
class Place:
    """A control socket that answers."""

    role: Role
    path: Path

    def call(self, op: str, *, timeout: float = 60.0, **arguments: Any) -> Json:
        """Ask for something. LocalError with what the other side said."""
        from ..control import client

        return client.call(self.path, op, timeout=timeout, **arguments)


def socket_path(role: Role) -> Path:
    """Where a service or agent of this user listens."""
    from ..system import paths

    return paths.runtime_dir() / f"{role.value}.sock"


def _candidates(role: Role) -> Iterator[Path]:
    """This user's own socket, and root's: most services are root's."""
    own = socket_path(role)
    yield own
    if "WSLUSB_RUNTIME_DIR" not in os.environ and own.parent != _ROOTS_DIR:
        yield _ROOTS_DIR / own.name


def find(*roles: Role, control: Path | None = None) -> Place:
    """The first of ``roles`` that runs here, or what listens at ``control``.

    LocalError: NOT_RUNNING with what to start, or ACCESS_DENIED where one of them may be there and is another user's.
    """
    from ..control import client

    if control is not None:
        return Place(Role(client.call(control, "state")["role"]), control)
    denied: LocalError | None = None
    for role in roles:
        for path in _candidates(role):
            try:
                if client.listening(path):
                    return Place(role, path)
            except LocalError as error:
                denied = denied or error
    raise denied or _not_running(roles)


def _not_running(roles: tuple[Role, ...]) -> LocalError:
    commands = {Role.SERVICE: "'sudo wslusb serve' on the host", Role.AGENT: "'sudo wslusb agent' in the guest"}
    what = " or ".join(f"{role.value}" for role in roles)
    hint = f"run {' or '.join(commands[role] for role in roles)}"
    return LocalError(LocalReason.NOT_RUNNING, f"no {what} of wslusb is running here", hint=hint)
