"""A bug, and where the suite should see it."""

from __future__ import annotations

from dataclasses import dataclass

from .mistake import Mistake

__all__ = ["Plant"]


@dataclass(frozen=True, slots=True)
class Plant(Mistake):
    """``tests`` are run on ``dut``: one device of ``rig``, or more.

    ``rig`` is a word of ``--backend``, or a file of hil/rigs; spaces are between the names of several devices.
    """

    dut: str = ""
    tests: tuple[str, ...] = ()
    rig: str = "emulated"
    effort: float = 0.1
