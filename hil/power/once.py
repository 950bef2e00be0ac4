"""A virtual port as a power switch: what is out stays out, and what is in is not put in again."""

from __future__ import annotations

from .switch import VirtualPort

__all__ = ["Once"]


class Once:
    """Passes a verb on only if it changes something. The port starts with the device in it."""

    def __init__(self, port: VirtualPort) -> None:
        self._port = port
        self._is_on = True
        self.offs = 0

    @property
    def can_switch(self) -> bool:
        """As the port can."""
        return self._port.can_switch

    def describe(self) -> str:
        """As the port says."""
        return self._port.describe()

    def off(self) -> None:
        """Pull it out."""
        if self._is_on:
            self.offs += 1
            self._port.off()
            self._is_on = False

    def on(self) -> None:
        """Put it back."""
        if not self._is_on:
            self._port.on()
            self._is_on = True
