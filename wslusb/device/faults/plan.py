"""A plan of faults: where, when, what. Plain dataclasses; ``reading.py`` has them as TOML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from ...usb.ids import TransferType
from ...usb.info import DeviceInfo
from ...usb.setup import Setup
from ...usb.urb import Urb
from .course import lane_of
from .what import What, wrong

__all__ = ["DIRECTIONS", "TRANSFERS", "Fault", "Plan", "SetupMatch", "When", "Where"]

DIRECTIONS = ("", "in", "out")
TRANSFERS = {each.name.lower(): each for each in TransferType}


@dataclass(slots=True, frozen=True, kw_only=True)
class SetupMatch:
    """Fields that a SETUP packet must have; those that are None may be anything (USB 2.0, 9.3)."""

    request_type: int | None = None
    request: int | None = None
    value: int | None = None
    index: int | None = None
    length: int | None = None

    def fits(self, setup: Setup | None) -> bool:
        """Whether a control transfer opens with it."""
        if setup is None:
            return False
        asked = ((getattr(self, each.name), getattr(setup, each.name)) for each in fields(self))
        return all(want is None or want == got for want, got in asked)


@dataclass(slots=True, frozen=True, kw_only=True)
class Where:
    """The URBs that a fault may befall. What is left out may be anything.

    ``endpoint`` is a bEndpointAddress (0 for control), ``direction`` is "in" or "out", ``transfer`` "control",
    "isochronous", "bulk" or "interrupt", ``length`` the size of the transfer buffer in bytes, ``device`` a VID:PID or
    a serial number.
    """

    endpoint: int | None = None
    direction: str = ""
    transfer: str = ""
    length: int | None = None
    setup: SetupMatch | None = None
    device: str = ""

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise wrong(f"direction: is in or out, not {self.direction!r}")
        if self.transfer and self.transfer not in TRANSFERS:
            raise wrong(f"transfer: is {', '.join(TRANSFERS)}, not {self.transfer!r}")
        if self.endpoint is not None and self.endpoint & ~0x8F:
            raise wrong(f"endpoint: {self.endpoint:#x} is no endpoint address")

    def fits(self, urb: Urb) -> bool:
        """Whether a URB is one of them."""
        return (
            (self.endpoint is None or self.endpoint == lane_of(urb))
            and (not self.direction or urb.is_in == (self.direction == "in"))
            and (not self.transfer or urb.transfer == TRANSFERS[self.transfer])
            and (self.length is None or self.length == urb.length)
            and (self.setup is None or self.setup.fits(urb.setup))
        )

    def fits_device(self, info: DeviceInfo) -> bool:
        """Whether a device is meant."""
        return not self.device or self.device.lower() in (info.hardware_id, info.serial.lower())


@dataclass(slots=True, frozen=True, kw_only=True)
class When:
    """Which of them it befalls; all by default.

    First ``after_urbs`` of them, and ``after_seconds`` since the device was first opened, go by. Of those that follow:
    the ``nth`` (counted from 1), or each ``every``-th, or each with a ``probability``; ``at_most`` so many in all (0:
    no end). URBs are counted on each endpoint by itself.
    """

    nth: tuple[int, ...] = ()
    every: int = 0
    probability: float = 0.0
    after_urbs: int = 0
    after_seconds: float = 0.0
    at_most: int = 0

    def __post_init__(self) -> None:
        if sum(map(bool, (self.nth, self.every, self.probability))) > 1:
            raise wrong("nth: only one of nth, every and probability can be")
        if not 0 <= self.probability <= 1:
            raise wrong(f"probability: is between 0 and 1, not {self.probability}")
        if any(number < 1 for number in self.nth):
            raise wrong("nth: is counted from 1")


@dataclass(slots=True, frozen=True)
class Fault:
    """One entry of a plan. ``name`` is for the record; with one, its random stream stays when others are added."""

    what: What
    where: Where = field(default_factory=Where)
    when: When = field(default_factory=When)
    name: str = ""


@dataclass(slots=True, frozen=True)
class Plan:
    """Faults, in the order in which they are looked at. ``seed`` None means that whoever runs it chooses one."""

    faults: Sequence[Fault] = ()
    seed: int | None = None
    source: str = ""
    """Where it was read from."""

    def __post_init__(self) -> None:
        names = self.names()
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise wrong(f"name: two faults are called {twice.pop()!r}")

    def names(self) -> list[str]:
        """What each fault is called: by name, or by kind and place ("stall 1")."""
        return [each.name or f"{each.what.kind} {number}" for number, each in enumerate(self.faults, 1)]
