"""Isochronous endpoints by URBs: every packet moves as natively, at its own pace."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

import pytest

from hil.harness.fixtures import Both, Measure
from hil.live.device import LiveDevice
from hil.rig.traits import configurations
from wslusb.usb.descriptors import Endpoint, Interface
from wslusb.usb.ids import Speed, TransferType, is_in

pytestmark = [pytest.mark.trait("iso"), pytest.mark.safety("reversible")]

_URB_SECONDS = 0.008
_SECONDS = 2.0
_PATIENCE = 60.0
_FRAME, _MICROFRAME = 1e-3, 125e-6
_USAGE = 0x30
"""Bits 5..4 of bmAttributes: 1 is a feedback endpoint (USB 2.0, table 9-13)."""


@dataclass(slots=True, frozen=True)
class Stream:
    """An isochronous endpoint in one alternate setting."""

    interface: Interface
    endpoint: Endpoint
    speed: Speed

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
        size = self.endpoint.max_packet_size
        more = 1 + (size >> 11 & 3) if self.speed == Speed.HIGH else 1
        return (size & 0x7FF) * more

    def words(self, effort: float) -> dict[str, Any]:
        """For the probe; whole milliseconds a URB."""
        packets = max(1, min(64, round(_URB_SECONDS / self.period)))
        urbs = max(20, round(_SECONDS * effort / (packets * self.period)))
        return {
            "interface": self.interface.number, "alternate": self.interface.alternate, "length": self.length,
            "endpoint": self.endpoint.address, "interval": self.interval, "packets": packets, "urbs": urbs,
            "due": packets * self.period,
        }  # fmt: skip

    def __str__(self) -> str:
        way = "IN" if is_in(self.endpoint.address) else "OUT"
        setting = f"interface {self.interface.number}, setting {self.interface.alternate}"
        return f"endpoint {self.endpoint.address:#04x} {way} of {setting}, {self.length} bytes a packet"


def _streams(dut: LiveDevice) -> list[Stream]:
    """Of each endpoint the setting with the largest packets."""
    info = dut.info()
    best: dict[int, Stream] = {}
    for interface in (each for configuration in configurations(info)[:1] for each in configuration.interfaces):
        for endpoint in interface.endpoints:
            if endpoint.transfer != TransferType.ISOCHRONOUS or endpoint.attributes & _USAGE == 0x10:
                continue
            stream = Stream(interface, endpoint, info.speed)
            if stream.length and stream.length > getattr(best.get(endpoint.address), "length", 0):
                best[endpoint.address] = stream
    assert best, f"{dut.name}: no isochronous endpoint in its first configuration"
    return list(best.values())


def _typical(found: dict[str, Any]) -> set[str]:
    """The lengths of more than a tenth of all packets: of 44.1 kHz, nine of ten have 44 samples and one has 45."""
    lengths = found["lengths"]
    return {length for length, count in lengths.items() if count * 20 > sum(lengths.values())}


def _bad(found: dict[str, Any]) -> dict[str, int]:
    return {status: count for status, count in found["statuses"].items() if status != "OK"}


def test_packets_move_as_natively(dut: LiveDevice, both: Both, measure: Measure, effort: float) -> None:
    """A stream at each endpoint: packets with errors, short, missing; what is in them; the time from URB to URB.

    A stream has a hole when its program is late (it is counted, and shown); whatever else is lost, is lost.
    """
    for stream in _streams(dut):
        words = stream.words(effort)
        native, passthrough = both.probe("iso", seconds=_PATIENCE + 30, patience=_PATIENCE, **words)
        due = words["due"] * 1e6
        at: dict[str, float | str] = {"endpoint": f"{stream.endpoint.address:#04x}"}
        measure("time from URB to URB", "us", native["gaps"], passthrough["gaps"], **at)
        measure("holes in the stream", "", [native["late"]], [passthrough["late"]], **at)
        for side, found in (("natively", native), ("in the guest", passthrough)):
            assert found["finished"], f"{stream}: {side} the stream stopped: {found['statuses']}"
            assert not found["disorder"], f"{stream}: {side} {found['disorder']} URBs ended before an earlier one"
        _compare(stream, native, passthrough)
        # The bus sets the pace. Slower is late; faster is a stream whose packets are not on any bus.
        pace = statistics.fmean(passthrough["gaps"])
        assert pace > 0.9 * due, f"{stream}: a URB of {due:.0f} us takes {pace:.0f} us in the guest"


def _compare(stream: Stream, native: dict[str, Any], passthrough: dict[str, Any]) -> None:
    bad_before, bad = _bad(native), _bad(passthrough)
    packets = sum(passthrough["statuses"].values())
    assert bad.keys() <= bad_before.keys(), f"{stream}: of {packets} packets in the guest {bad}, natively {bad_before}"
    assert sum(bad.values()) <= max(2, 2 * sum(bad_before.values())), f"{stream}: errors of packets {bad_before}, {bad}"
    assert _typical(passthrough) == _typical(native), (
        f"{stream}: packets by their length natively {native['lengths']}, in the guest {passthrough['lengths']}"
    )
    if native["contents"] is not None:
        assert passthrough["contents"] == native["contents"], f"{stream}: what is in its packets differs"
