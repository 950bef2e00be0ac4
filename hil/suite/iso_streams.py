"""The isochronous endpoints of a device with the trait ``iso``, and how a program may drive each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hil.live.device import LiveDevice
from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.ids import Speed, TransferType, is_in

__all__ = ["Stream", "stream_in", "streams"]

_URB_SECONDS = 0.008
_SECONDS = 2.0
_FRAME, _MICROFRAME = 1e-3, 125e-6
_USAGE = 0x30
"""Bits 5..4 of bmAttributes: 1 is a feedback endpoint (USB 2.0, table 9-13)."""


@dataclass(slots=True, frozen=True)
class Stream:
    """An isochronous endpoint in one alternate setting."""

    interface: Interface
    endpoint: Endpoint
    speed: Speed
    numbered: bool = False

    @property
    def period(self) -> float:
        """Seconds from a packet to the next (USB 2.0, table 9-13: an exponent at every speed)."""
        unit = _MICROFRAME if self.speed >= Speed.HIGH else _FRAME
        return float(unit * self.interval)

    @property
    def interval(self) -> int:
        """The same in frames or microframes."""
        return 1 << max(0, min(16, self.endpoint.interval) - 1)

    @property
    def length(self) -> int:
        """Bytes in a packet, with the additional transactions of a microframe."""
        return self.endpoint.packet_size * (self.endpoint.transactions if self.speed == Speed.HIGH else 1)

    def words(self, effort: float) -> dict[str, Any]:
        """For the probe; whole milliseconds a URB."""
        packets = max(1, min(64, round(_URB_SECONDS / self.period)))
        urbs = max(20, round(_SECONDS * effort / (packets * self.period)))
        return {
            "interface": self.interface.number, "alternate": self.interface.alternate, "length": self.length,
            "endpoint": self.endpoint.address, "interval": self.interval, "packets": packets, "urbs": urbs,
            "due": packets * self.period, "numbered": self.numbered,
        }  # fmt: skip

    def __str__(self) -> str:
        way = "IN" if is_in(self.endpoint.address) else "OUT"
        setting = f"interface {self.interface.number}, setting {self.interface.alternate}"
        return f"endpoint {self.endpoint.address:#04x} {way} of {setting}, {self.length} bytes a packet"


def streams(dut: LiveDevice) -> list[Stream]:
    """Of each endpoint the setting with the largest packets."""
    best: dict[int, Stream] = {}
    for stream in _all(dut):
        address = stream.endpoint.address
        if stream.length and stream.length > getattr(best.get(address), "length", 0):
            best[address] = stream
    assert best, f"{dut.name}: no isochronous endpoint in its first configuration"
    return list(best.values())


def stream_in(dut: LiveDevice, interface: int, alternate: int) -> Stream:
    """The one of an alternate setting that has one."""
    return next(
        each for each in _all(dut) if (each.interface.number, each.interface.alternate) == (interface, alternate)
    )


def _all(dut: LiveDevice) -> Iterator[Stream]:
    info = dut.info()
    numbered = bool(dut.entry.options.get("iso", {}).get("numbered"))
    first = Configuration.readable(info.configurations)[:1]
    for interface in (each for configuration in first for each in configuration.interfaces):
        for endpoint in interface.endpoints:
            if endpoint.transfer == TransferType.ISOCHRONOUS and endpoint.attributes & _USAGE != 0x10:
                yield Stream(interface, endpoint, info.speed, numbered)
