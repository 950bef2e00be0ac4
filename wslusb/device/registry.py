"""Finds a source of devices by its name: ``libusb``, ``usbip:HOST``, ``emulator:loopback``."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, cast

from ..errors import LocalError, LocalReason
from .api import DeviceProvider

__all__ = ["GROUP", "known_providers", "load_provider"]

GROUP = "wslusb.devices"
"""The entry-point group. What it names is called with the text after the colon, and returns a DeviceProvider."""

_FUNCTION = "device_provider"
_EMULATOR_HINT = "virtual devices run from a checkout: 'python -m wslusb serve ...' there, or 'pip install -e .' first"
"""The console script has its own folder in the module path, and not the current one."""
_NAME = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_]\w*)*")


def _libusb(argument: str) -> DeviceProvider:
    from .provider import LibusbProvider

    return LibusbProvider(argument)


def _replay(argument: str) -> DeviceProvider:
    # By name: replaying is built upon devices, and not the other way round.
    return _from_package("wslusb.replay")(argument)


_BUILT_IN: dict[str, Callable[[str], DeviceProvider]] = {"libusb": _libusb, "replay": _replay}
"""Also there in a checkout that has not been installed, and so has no entry points."""


def known_providers() -> list[str]:
    """The names that :func:`load_provider` certainly knows. Packages that can be imported are not listed."""
    return sorted({*_BUILT_IN, *(point.name for point in entry_points(group=GROUP))})


def load_provider(spec: str) -> DeviceProvider:
    """The provider that ``NAME`` or ``NAME:ARGUMENT`` means.

    NAME is an entry point or, failing that, a package with a function ``device_provider(argument)``: that is how a
    checkout offers virtual devices. LocalError(NOT_FOUND) with the known names if it is neither.
    """
    name, _, argument = spec.partition(":")
    if not _NAME.fullmatch(name):
        raise LocalError(LocalReason.BAD_ADDRESS, f"{spec!r} is not NAME or NAME:ARGUMENT", hint=_hint())
    return _factory(name)(argument)


def _hint() -> str:
    return f"known: {', '.join(known_providers())}"


def _factory(name: str) -> Callable[[str], DeviceProvider]:
    for point in entry_points(group=GROUP, name=name):
        return cast("Callable[[str], DeviceProvider]", point.load())
    return _BUILT_IN.get(name) or _from_package(name)


def _from_package(name: str) -> Callable[[str], DeviceProvider]:
    try:
        package: Any = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0] and error.name != name:
            message = f"{name}: it needs the module {error.name}, which is not installed"
            raise LocalError(LocalReason.MISSING, message, hint=_hint()) from error
        hint = _EMULATOR_HINT if name == "emulator" else _hint()
        raise LocalError(LocalReason.NOT_FOUND, f"there is no device provider {name!r}", hint=hint) from error
    function = getattr(package, _FUNCTION, None)
    if not callable(function):
        raise LocalError(LocalReason.NOT_FOUND, f"{name!r} provides no devices", hint=_hint())
    return cast("Callable[[str], DeviceProvider]", function)
