"""The lines of the control socket: ``{"op": ..., ...}`` there, ``{"ok": true, ...}`` or an error back."""

from __future__ import annotations

import json
from typing import Any

from ..errors import DeviceError, LocalError, LocalReason, WslusbError
from ..usb.urb import Status

__all__ = ["ANSWER", "LINE", "MOST_SECONDS", "Json", "decode", "encode", "error_answer", "raise_error", "seconds_of"]

Json = dict[str, Any]
LINE = 1 << 20
"""Longest request in bytes."""
MOST_SECONDS = 3600.0
"""Longest time that anything may be waited for."""
ANSWER = 64 << 20
"""Longest answer in bytes: what hosts and guests may say of themselves, all of it, stays far below."""


def seconds_of(request: Json, default: float) -> float:
    """The time limit that a request carries, if it is one that makes sense."""
    seconds = request.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) and 0 < seconds <= MOST_SECONDS else default


def encode(message: Json) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n"


def decode(line: bytes) -> Json:
    """Read a line. LocalError for anything but a JSON object."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LocalError(LocalReason.BAD_STATE, "the line is not JSON") from error
    if not isinstance(message, dict):
        raise LocalError(LocalReason.BAD_STATE, "the line is not a JSON object")
    return message


def error_answer(error: WslusbError) -> Json:
    """An error as it is sent."""
    if isinstance(error, LocalError):
        reason = error.reason.name
    else:
        denied = isinstance(error, DeviceError) and error.status == Status.ACCESS_DENIED
        reason = (LocalReason.ACCESS_DENIED if denied else LocalReason.REFUSED).name
    return {"ok": False, "reason": reason, "message": str(error), "hint": error.hint}


def raise_error(answer: Json) -> Json:
    """Give an answer back, or raise the error that it carries."""
    if answer.get("ok") is True:
        return answer
    name = str(answer.get("reason", ""))
    reason = LocalReason[name] if name in LocalReason.__members__ else LocalReason.REFUSED
    raise LocalError(reason, str(answer.get("message", "it failed")), hint=str(answer.get("hint", "")))
