"""What labgrid asks of the service on its host: which devices there are, and one of them on loan."""

from __future__ import annotations

import json
import select
import socket
from pathlib import Path

from ..cli import reach
from ..control import client
from ..control.messages import Json
from ..control.streams import MessageKind, receive
from ..errors import LocalError, LocalReason

__all__ = ["Loan", "listed"]

_ANSWER_SECONDS = 3.0
_BACK_SECONDS = 8.0
"""How long a device that comes back is waited for: labgrid's coordinator gives an exporter 10 s for a release."""


def listed(control: Path | None) -> list[Json]:
    """The devices of the service at ``control``, or of the one that runs here. LocalError if it does not answer."""
    answer = reach.find(reach.Role.SERVICE, control=control).call("list", timeout=_ANSWER_SECONDS)
    devices: list[Json] = answer["devices"]
    return devices


class Loan:
    """A device that guests may attach until :meth:`end`, or until this process ends in whatever way.

    LocalError REFUSED if another has it.
    """

    def __init__(self, control: Path | None, busid: str) -> None:
        place = reach.find(reach.Role.SERVICE, control=control)
        _answer, self._sock = client.stream(place.path, "lend", device=busid, timeout=_ANSWER_SECONDS)

    @property
    def over(self) -> bool:
        """Whether the service has ended it, most likely by ending itself."""
        return bool(select.select([self._sock], [], [], 0)[0])

    def end(self) -> None:
        """Give the device back: no guest has it then. LocalError if one did not let go of it in time."""
        try:
            with self._sock:
                self._sock.settimeout(_BACK_SECONDS)
                self._sock.shutdown(socket.SHUT_WR)
                outcomes = [json.loads(data) for kind, data in receive(self._sock) if kind is MessageKind.END]
        except TimeoutError as error:
            raise LocalError(LocalReason.TIMEOUT, f"the device is not back within {_BACK_SECONDS:.0f} s") from error
        except OSError:
            return  # a service that has gone has given everything back
        for outcome in outcomes:
            if "error" in outcome:
                raise LocalError(LocalReason.TIMEOUT, str(outcome["error"]))
