"""Video controls: the requests of UVC 1.1, 4.2 and 4.3, answered from a table."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from wslusb.usb.setup import Setup

__all__ = ["COMMIT", "PROBE", "Control", "Controls", "Name"]

Name = tuple[int, int, int]
"""Interface, entity (0 for the interface itself), selector."""
PROBE, COMMIT = 1, 2
"""Selectors of a streaming interface (A.9.7)."""

_SET_CUR, _GET_CUR, _GET_MIN, _GET_MAX, _GET_RES, _GET_LEN, _GET_INFO, _GET_DEF = 1, *range(0x81, 0x88)
_TO_INTERFACE, _FROM_INTERFACE = 0x21, 0xA1
_GET_AND_SET = 0x03
_ERROR_CODE: Name = (0, 0, 2)


class _Error(enum.IntEnum):
    """What the request error code control says of the last request (4.2.1.2)."""

    NONE = 0
    OUT_OF_RANGE = 4
    INVALID_CONTROL = 6
    INVALID_REQUEST = 7


@dataclass(slots=True, kw_only=True)
class Control:
    """One control, its values as the bytes that travel. ``set`` takes what the host sends; False refuses it."""

    get: Callable[[], bytes]
    set: Callable[[bytes], bool]
    low: bytes
    high: bytes
    step: bytes
    default: bytes

    def answers(self) -> dict[int, bytes]:
        """By request."""
        return {
            _GET_CUR: self.get(), _GET_MIN: self.low, _GET_MAX: self.high, _GET_RES: self.step, _GET_DEF: self.default,
            _GET_LEN: len(self.default).to_bytes(2, "little"), _GET_INFO: bytes((_GET_AND_SET,)),
        }  # fmt: skip


class Controls:
    """All controls of a function, by name. It remembers what was wrong with the last request, for the host to ask."""

    def __init__(self, controls: dict[Name, Control]) -> None:
        self._controls = controls
        self._error = _Error.NONE

    def answer(self, setup: Setup, data: bytes) -> bytes | None:
        """Answer a class request; None is a stall."""
        if setup.request_type not in (_TO_INTERFACE, _FROM_INTERFACE):
            return None
        name = setup.index & 0xFF, setup.index >> 8, setup.value >> 8
        if name == _ERROR_CODE and setup.request == _GET_CUR:
            return bytes((self._error,))
        reply, self._error = self._perform(name, setup, data)
        return reply

    def _perform(self, name: Name, setup: Setup, data: bytes) -> tuple[bytes | None, _Error]:
        control = self._controls.get(name)
        if control is None:
            return None, _Error.INVALID_CONTROL
        if setup.is_in:
            reply = control.answers().get(setup.request)
            return reply, _Error.NONE if reply is not None else _Error.INVALID_REQUEST
        if setup.request != _SET_CUR:
            return None, _Error.INVALID_REQUEST
        return (b"", _Error.NONE) if control.set(data) else (None, _Error.OUT_OF_RANGE)
