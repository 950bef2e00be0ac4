"""What a fault does to a URB: the base of all kinds, in ``endings.py``, ``contents.py`` and ``timing.py``."""

from __future__ import annotations

import random
from typing import ClassVar, Self

from ...errors import LocalError, LocalReason
from ...usb.urb import Urb
from .course import Course

__all__ = ["What", "wrong"]


def wrong(message: str) -> LocalError:
    """The error for a plan that cannot be meant."""
    return LocalError(LocalReason.BAD_STATE, message)


class What:
    """Base of all kinds.

    ``changes_state``: also for the requests that a host makes through the Device's methods. ``timing``: it only takes
    time, and goes together with others on one URB.
    """

    kind: ClassVar[str] = ""
    changes_state: ClassVar[bool] = False
    timing: ClassVar[bool] = False

    def suits(self, urb: Urb) -> bool:
        """Whether this can happen to such a URB at all: the same for all faults of a kind, which counts them."""
        return not urb.is_iso

    def settled(self, urb: Urb, draw: random.Random) -> Self:  # noqa: ARG002
        """This fault for one URB, with nothing left to chance."""
        return self

    def steer(self, course: Course) -> None:
        """Write into the way of a URB what this does to it."""
        raise NotImplementedError
