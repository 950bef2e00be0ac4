"""What a walk needs of the world: a device that can be attached, and everything around it that can be broken."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from wslusb.usb.info import DeviceInfo

from .player import Seen
from .steps import Step

__all__ = ["Bench"]


class Bench(Protocol):
    """One device, one service, one guest. Not attached at first, and faults are on from the beginning."""

    @property
    def traits(self) -> Collection[str]:
        """Of the device."""

    @property
    def can_replug(self) -> bool:
        """Whether something switches the device's power."""

    @property
    def attached(self) -> bool:
        """Whether the device is in the guest."""

    def info(self) -> DeviceInfo:
        """The device, as the host has it."""

    def attach(self) -> None:
        """Put the device into the guest. AssertionError, RigError if it does not come."""

    def detach(self) -> None:
        """Take it out."""

    def replug(self) -> None:
        """Pull its plug and put it in again; attached or not. It is not attached afterwards."""

    def kill_agent(self) -> None:
        """End the guest's side without a word. It is not attached afterwards."""

    def kill_service(self) -> None:
        """End the host's side without a word, and start a new one, with the same faults. Not attached afterwards."""

    def play(self, steps: Sequence[Step]) -> list[Seen]:
        """Do these with the attached device."""

    def injected(self) -> list[str]:
        """The kinds of the faults that were injected since the last time this was asked."""

    def troubles(self) -> list[str]:
        """What is wrong now that nothing is attached: ports that are taken, what hangs, a device that is not back."""
