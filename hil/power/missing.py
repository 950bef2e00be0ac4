"""A device whose power nothing switches."""

from __future__ import annotations

from .switch import PowerError

__all__ = ["Missing"]


class Missing:
    """Says so when it is asked to."""

    can_switch = False

    def __init__(self, device: str) -> None:
        self._device = device
        self.offs = 0

    def describe(self) -> str:
        """See :class:`hil.power.switch.PowerSwitch`."""
        return "none"

    def off(self) -> None:
        """PowerError."""
        hint = "give it 'power' in the rig file; kind = \"manual\" needs no hub (docs/hil-power.md)"
        raise PowerError(f"{self._device}: nothing switches its power", hint=hint)

    def on(self) -> None:
        """Nothing: it was never off."""
