"""Audio controls: what a host reads and sets by class requests, in the dialects of Audio 1.0 (5.2) and 2.0 (5.2.2).

Both name a control by its entity (a unit, a terminal, a clock; in 1.0 also an endpoint), its selector and its channel.
1.0 asks for current value, minimum, maximum and resolution one by one, 2.0 for the current value or all ranges.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from wslusb.usb.setup import Recipient, RequestType, Setup

__all__ = ["MUTE", "SAMPLING_FREQUENCY", "VALIDITY", "VOLUME", "Control", "Controls", "Name", "Version", "volume"]

Version = int
"""1 or 2: which Audio Device Class."""
Name = tuple[Recipient, int, int, int]
"""Recipient, entity or endpoint address, selector, channel (0 is the master)."""

MUTE, VOLUME = 1, 2
"""Selectors of a feature unit (1.0: table A-11, 2.0: table A-23)."""
SAMPLING_FREQUENCY, VALIDITY = 1, 2
"""The former of an endpoint in 1.0 (table A-19), both of a clock source in 2.0 (table A-17)."""

_SET_CUR, _GET_CUR, _GET_MIN, _GET_MAX, _GET_RES = 0x01, 0x81, 0x82, 0x83, 0x84
_CUR, _RANGE = 0x01, 0x02
_AUDIO_CONTROL = 0


@dataclass(slots=True)
class Control:
    """A number that the host may set, of ``size`` bytes. ``ranges``: minimum, maximum and resolution of each."""

    value: int
    size: int
    ranges: tuple[tuple[int, int, int], ...]
    signed: bool = False
    fixed: bool = False

    def pack(self, value: int) -> bytes:
        """A number in the control's own format."""
        return value.to_bytes(self.size, "little", signed=self.signed)

    def set(self, data: bytes) -> None:
        """Take over what the control can be that is nearest to what the host wants (1.0, 5.2.2.2.3.2)."""
        wanted = int.from_bytes(data, "little", signed=self.signed)
        possible = [_nearest(wanted, *each) for each in self.ranges]
        self.value = min(possible, key=lambda value: abs(value - wanted))


def _nearest(wanted: int, low: int, high: int, step: int) -> int:
    steps = (wanted - low + step // 2) // step if step else 0
    return min(max(low + steps * step, low), high)


def volume(low: int, high: int) -> Control:
    """A volume, from ``low`` to ``high`` dB in steps of 1 dB; the numbers of the bus are 1/256 dB. Starts at 0 dB."""
    return Control(0, 2, ((low * 256, high * 256, 256),), signed=True)


class Controls:
    """All controls of a function, by name."""

    def __init__(self, version: Version, controls: Mapping[Name, Control]) -> None:
        self._answer = _answer_1 if version == 1 else _answer_2
        self._controls = controls

    def answer(self, setup: Setup, data: bytes) -> bytes | None:
        """Answer a request to a control. None (a stall) for one that there is not, or that cannot be done."""
        if setup.kind != RequestType.CLASS:
            return None
        control = self._controls.get(_name(setup))
        return None if control is None else self._answer(control, setup, data)


def _name(setup: Setup) -> Name:
    selector, channel = setup.value >> 8, setup.value & 0xFF
    if setup.recipient == Recipient.ENDPOINT:
        return Recipient.ENDPOINT, setup.index, selector, channel
    # The low byte is the number of the audio control interface.
    entity = setup.index >> 8 if setup.index & 0xFF == _AUDIO_CONTROL else -1
    return Recipient.INTERFACE, entity, selector, channel


def _answer_1(control: Control, setup: Setup, data: bytes) -> bytes | None:
    if setup.is_in:
        low, high, step = control.ranges[0][0], control.ranges[-1][1], control.ranges[0][2]
        values = {_GET_CUR: control.value, _GET_MIN: low, _GET_MAX: high, _GET_RES: step}
        return control.pack(values[setup.request]) if setup.request in values else None
    return _set(control, data) if setup.request == _SET_CUR else None


def _answer_2(control: Control, setup: Setup, data: bytes) -> bytes | None:
    if not setup.is_in:
        return _set(control, data) if setup.request == _CUR else None
    if setup.request == _RANGE:
        return struct.pack("<H", len(control.ranges)) + b"".join(map(control.pack, sum(control.ranges, ())))
    return control.pack(control.value) if setup.request == _CUR else None


def _set(control: Control, data: bytes) -> bytes | None:
    if control.fixed or len(data) != control.size:
        return None
    control.set(data)
    return b""
