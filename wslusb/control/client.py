"""Calls a running service or agent."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from ..errors import LocalError, LocalReason
from .messages import LINE, Json, decode, encode, raise_error

__all__ = ["call"]


def call(path: Path, op: str, *, timeout: float = 60.0, **arguments: Any) -> Json:
    """One request and its answer. LocalError: NOT_RUNNING if nobody listens, or what the other side said."""
    family = getattr(socket, "AF_UNIX", None)
    if family is None:
        raise LocalError(LocalReason.UNSUPPORTED, "this Python has no AF_UNIX sockets")
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect(str(path))
            sock.sendall(encode({"op": op, **arguments}))
            with sock.makefile("rb") as lines:
                line = lines.readline(LINE)
        except PermissionError as error:
            raise LocalError(LocalReason.ACCESS_DENIED, f"no permission for {path}", hint="use sudo") from error
        except TimeoutError as error:
            raise LocalError(LocalReason.TIMEOUT, f"no answer to {op!r} within {timeout:.0f} s") from error
        except OSError as error:
            raise LocalError(LocalReason.NOT_RUNNING, f"nothing listens at {path}") from error
    if not line:
        raise LocalError(LocalReason.DISCONNECTED, f"{path} closed the connection")
    return raise_error(decode(line))
