"""Calls a running service or agent."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from ..errors import LocalError, LocalReason
from ..transport.sockets import connect_socket
from .messages import ANSWER, Json, decode, encode, raise_error

__all__ = ["call", "listening", "stream"]

_PROBE_SECONDS = 2.0


def call(path: Path, op: str, *, timeout: float = 60.0, **arguments: Any) -> Json:
    """One request and its answer. LocalError: NOT_RUNNING if nobody listens, or what the other side said."""
    with _connect(path, timeout) as sock:
        try:
            sock.sendall(encode({"op": op, **arguments}))
            with sock.makefile("rb") as lines:
                line = lines.readline(ANSWER)
        except TimeoutError as error:
            raise LocalError(LocalReason.TIMEOUT, f"no answer to {op!r} within {timeout:.0f} s") from error
        except OSError as error:
            raise LocalError(LocalReason.DISCONNECTED, f"the connection to {path} broke") from error
    if not line:
        raise LocalError(LocalReason.DISCONNECTED, f"{path} closed the connection")
    return raise_error(decode(line))


def stream(path: Path, op: str, *, timeout: float = 60.0, **arguments: Any) -> tuple[Json, socket.socket]:
    """A request whose answer goes on with :mod:`.streams` messages: its first line, and the socket to read on from."""
    sock = _connect(path, timeout)
    try:
        sock.sendall(encode({"op": op, **arguments}))
        line = b""
        while not line.endswith(b"\n") and len(line) < ANSWER:
            # One byte at a time: what follows the line belongs to the stream.
            if not (byte := sock.recv(1)):
                raise LocalError(LocalReason.DISCONNECTED, f"{path} closed the connection")
            line += byte
        return raise_error(decode(line)), sock
    except OSError as error:
        sock.close()
        raise LocalError(LocalReason.DISCONNECTED, f"the connection to {path} broke") from error
    except BaseException:
        sock.close()
        raise


def listening(path: Path) -> bool:
    """Whether a service or agent listens there. LocalError(ACCESS_DENIED) if this user may not even ask."""
    try:
        _connect(path, _PROBE_SECONDS).close()
    except LocalError as error:
        if error.reason is LocalReason.NOT_RUNNING:
            return False
        raise
    return True


def _connect(path: Path, timeout: float) -> socket.socket:
    try:
        sock = connect_socket(str(path), timeout)
    except PermissionError as error:
        raise LocalError(LocalReason.ACCESS_DENIED, f"no permission for {path}", hint="use sudo") from error
    except OSError as error:
        hint = f"start 'wslusb serve' or 'wslusb agent' with '--control {path}', or leave --control out"
        raise LocalError(LocalReason.NOT_RUNNING, f"nothing listens at {path}", hint=hint) from error
    sock.settimeout(timeout)
    return sock
