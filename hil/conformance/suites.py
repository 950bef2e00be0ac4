"""All suites by name, and how to run them on a device that is named as users name it."""

from __future__ import annotations

from collections.abc import Sequence

from wslusb.device.api import Device, DeviceProvider
from wslusb.errors import LocalError, LocalReason
from wslusb.usb.info import DeviceInfo
from wslusb.usb.naming import find

from . import chapter9, usbtest
from .case import Case, Result, run
from .subject import Subject

__all__ = ["SUITES", "chosen", "examine"]

SUITES: dict[str, Sequence[Case]] = {"chapter9": chapter9.CASES, "usbtest": usbtest.CASES}


def examine(
    device: Device, suites: Sequence[str] = tuple(SUITES), names: Sequence[str] = (), repeats: int = 3
) -> dict[str, list[Result]]:
    """Run suites, or those of their cases whose name has one of ``names`` in it, on an open device."""
    subject = Subject(device, repeats=repeats)
    results = {}
    for suite in suites:
        cases = [case for case in SUITES[suite] if not names or any(name in case.name for name in names)]
        results[suite] = run(cases, subject) if not subject.gone else []
    return results


def chosen(provider: DeviceProvider, names: Sequence[str], *, everything: bool = False) -> list[DeviceInfo]:
    """The devices that a user means. LocalError for a name that fits none, and for no name where there are several."""
    infos = list(provider.devices())
    if names or everything:
        return infos if everything else [find(infos, name) for name in names]
    if len(infos) != 1:
        listed = ", ".join(f"{info.busid} ({info.description})" for info in infos)
        raise LocalError(LocalReason.AMBIGUOUS, f"{provider.name} has {len(infos)} devices: {listed}", hint="name one")
    return infos
