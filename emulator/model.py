"""A kind of device that can be asked for by name, and one such device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .firmware import Firmware
from .gadget import Gadget
from .options import Options

__all__ = ["Kind", "Model"]


@dataclass(slots=True, frozen=True)
class Model:
    """A device that can be plugged in: what it is and what it does. It keeps its state over plugs."""

    gadget: Gadget
    firmware: Firmware


@dataclass(slots=True, frozen=True, kw_only=True)
class Kind:
    """What a module of ``emulator/devices``, or a user's own device file, offers as ``KIND``.

    ``make`` takes the options that it knows out of :class:`Options`; ``options`` says in a few words what each is.
    ``driver`` is the Linux driver that binds to it, for people to read.
    """

    name: str
    summary: str
    make: Callable[[Options], Model]
    options: Mapping[str, str] = field(default_factory=dict)
    driver: str = ""
