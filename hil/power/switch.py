"""What every way to switch a device's power can do, and what tests do with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from hil.errors import RigError

__all__ = ["Port", "PowerError", "PowerSwitch", "VirtualPort", "kept_on"]


class PowerError(RigError):
    """The power could not be switched, or was not, whatever the hub said."""


class VirtualPort(Protocol):
    """A port of a virtual host. Both verbs come back when the device is gone, or there again."""

    @property
    def can_switch(self) -> bool:
        """False where there is nothing, or nobody, to switch it."""

    def off(self) -> None:
        """Take the device's power away. Nothing happens if that has been done."""

    def on(self) -> None:
        """Give it back. Nothing happens if the device has it."""

    def describe(self) -> str:
        """What switches it, for reports: ``port 2 of hub 1-1``."""


class PowerSwitch(VirtualPort, Protocol):
    """The power of one device: PowerError if that does not do what it is told."""

    offs: int
    """How often it has been taken away."""


class Port(Protocol):
    """Something that can be told to switch, and may be wrong: :class:`hil.power.verified.Verified` looks."""

    @property
    def leave_seconds(self) -> float:
        """How long a device may take to go when its power is off."""

    def check(self) -> None:
        """Look without switching. PowerError if switching would not work."""

    def set(self, *, on: bool) -> str:
        """Switch. PowerError if it says no; a text if it said something that may explain why nothing happened."""

    def describe(self) -> str:
        """See :class:`PowerSwitch`."""


@contextlib.contextmanager
def kept_on(switch: PowerSwitch) -> Iterator[PowerSwitch]:
    """What happens in this context may switch the power off: it is on afterwards, also after an exception.

    If it then does not come on, an exception from the context is told of that in a note, and stays the one that counts.
    """
    try:
        yield switch
    except BaseException as error:
        try:
            switch.on()
        except RigError as second:
            error.add_note(f"and its power is not on again: {second}")
        raise
    switch.on()
