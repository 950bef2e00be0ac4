"""The op ``lend`` of the control socket: a device is shared for as long as whoever asked stays connected.

The kernel closes the connections of a process however it ends, so nothing stays shared that nobody answers for.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket

from ..control.streams import MessageKind, Streamed, pack
from ..control.views import device_json
from ..errors import LocalError
from .bindings import Loan
from .service import Service

__all__ = ["lend"]

log = logging.getLogger(__name__)


def lend(service: Service, name: str) -> Streamed:
    """Share a device; the connection's end ends the loan. LocalError if it cannot be had.

    Whoever closes only its own half is told, by an END message, when the device is back; ``error`` in it says that the
    device did not come back in time.
    """
    loan = service.lend(name)
    return Streamed(lambda sock: _hold(service, loan, sock), {"device": device_json(loan.info)})


def _hold(service: Service, loan: Loan, sock: socket.socket) -> None:
    try:
        sock.settimeout(None)
        with contextlib.suppress(OSError):
            while sock.recv(1):
                pass
    finally:
        outcome = _end(service, loan)
    with contextlib.suppress(OSError):  # a lender that was killed
        sock.sendall(pack(MessageKind.END, json.dumps(outcome).encode()))


def _end(service: Service, loan: Loan) -> dict[str, str]:
    try:
        service.end_loan(loan)
    except LocalError as error:
        log.error("device %s was lent, and is not back: %s", loan.info.busid, error)
        return {"error": str(error)}
    return {}
