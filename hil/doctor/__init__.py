"""Proves a rig: both machines, each device, and the way between (docs/hil-rig.md, docs/hil-power.md)."""

from __future__ import annotations

from collections.abc import Iterator

from wslusb.doctor.check import Result

from . import devices, machines, session
from .check import run
from .examination import Examination

__all__ = ["Examination", "diagnose"]


def diagnose(examination: Examination) -> Iterator[Result]:
    """Take all looks, one after the other. Afterwards nothing of the rig runs that did not run before."""
    with examination.stack:
        yield from run(examination, (*machines.CHECKS, *session.CHECKS), devices.CHECKS)
