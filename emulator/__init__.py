"""Virtual USB devices behind the Device seam of wslusb, for tests and for trying things out. Not part of the wheel.

``wslusb serve --device emulator:loopback,storage`` finds :func:`device_provider` by the name of this package.
"""

from __future__ import annotations

from .catalogue import parse_models
from .provider import EmulatorProvider

__all__ = ["device_provider"]


def device_provider(argument: str = "loopback") -> EmulatorProvider:
    """A provider of the virtual devices that ``argument`` names (:func:`emulator.catalogue.parse_models`)."""
    return EmulatorProvider(parse_models(argument))
