"""The time of a device's bus: (micro)frames, counted in integers so that nothing drifts (USB 2.0, 8.4.3.1)."""

from __future__ import annotations

from collections.abc import Callable

from wslusb.device.clock import Clock, Timer
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.descriptors_extra import Companion
from wslusb.usb.ids import Speed, TransferType

__all__ = ["MICROFRAMES_A_SECOND", "Frames", "frame_length", "max_payload", "service_interval"]

MICROFRAMES_A_SECOND = 8000
_ROUNDING = 1e-3
"""In microframes. Far more than a float of seconds is off by, far less than anybody notices."""

Locked = Callable[[Callable[[], None]], None]
"""Runs an action with the device's lock held."""


def frame_length(speed: Speed) -> int:
    """Microframes between two starts of (micro)frame: 1 ms at low and full speed, 125 us above."""
    return 1 if speed >= Speed.HIGH else 8


def service_interval(endpoint: Endpoint, speed: Speed) -> int:
    """Microframes between two packets of an isochronous endpoint (USB 2.0, table 9-13: 2^(bInterval-1))."""
    return frame_length(speed) << min(max(endpoint.interval, 1), 16) - 1


def max_payload(endpoint: Endpoint, speed: Speed) -> int:
    """Bytes that a periodic endpoint may move in one service interval.

    Bits 12..11 of wMaxPacketSize count extra transactions at high speed (USB 2.0, 9.6.6); SuperSpeed has bursts, and
    isochronous ones bursts of bursts (USB 3.2, 9.6.7).
    """
    size = endpoint.packet_size
    if speed < Speed.HIGH:
        return size
    if speed < Speed.SUPER:
        return size * endpoint.transactions
    companion = Companion.find(endpoint.extra)
    if companion is None:
        return size
    mult = companion.attributes & 3 if endpoint.transfer == TransferType.ISOCHRONOUS else 0
    return size * (1 + companion.burst) * (1 + mult)


class Frames:
    """All endpoints of a device share one: they are on one bus. Frame 0 was when the device was opened."""

    def __init__(self, clock: Clock, locked: Locked) -> None:
        self._clock = clock
        self._locked = locked
        self._epoch = clock.now()

    def now(self) -> int:
        """The microframe that is under way."""
        return int((self._clock.now() - self._epoch) * MICROFRAMES_A_SECOND + _ROUNDING)

    def call_at(self, microframe: int, action: Callable[[], None]) -> Timer:
        """Call ``action`` with the device's lock held when that microframe starts."""
        when = self._epoch + microframe / MICROFRAMES_A_SECOND
        return self._clock.call_at(when, lambda: self._locked(action))
