"""All suites by name, and how to run them on a device that is named as users name it."""

from __future__ import annotations

from collections.abc import Sequence

from wslusb.device.api import Device
from wslusb.device.registry import load_provider
from wslusb.errors import LocalError, LocalReason
from wslusb.usb.naming import find

from . import chapter9, usbtest
from .case import Case, Result, run
from .subject import Subject

__all__ = ["SUITES", "examine", "open_device"]

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


def open_device(provider: str, name: str | None) -> Device:
    """The device that the arguments mean. LocalError if there is none, or more than one."""
    source = load_provider(provider)
    infos = list(source.devices())
    if name is None and len(infos) != 1:
        names = ", ".join(f"{info.busid} ({info.description})" for info in infos)
        raise LocalError(LocalReason.AMBIGUOUS, f"{provider} has {len(infos)} devices: {names}", hint="name one")
    return source.open(infos[0] if name is None else find(infos, name))
