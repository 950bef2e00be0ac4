"""Isochronous endpoints by URBs: every packet moves as natively, at its own pace."""

from __future__ import annotations

from typing import Any

import pytest

from hil.harness.fixtures import Both, Measure
from hil.live.device import LiveDevice
from hil.suite.iso_streams import Stream, streams

pytestmark = [pytest.mark.trait("iso"), pytest.mark.safety("reversible")]

_PATIENCE = 60.0
_CATCH_UP_US = 1e5
"""A stream that waited in its first URBs, which are not looked at, may be faster for so long (emulator/iso.py)."""


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
    for stream in streams(dut):
        words = stream.words(effort)
        native, passthrough = both.probe("iso", seconds=_PATIENCE + 30, patience=_PATIENCE, **words)
        due = words["due"] * 1e6
        at: dict[str, float | str] = {"endpoint": f"{stream.endpoint.address:#04x}"}
        measure("time from URB to URB", "us", native["gaps"], passthrough["gaps"], **at)
        measure("holes in the stream", "", [native["late"]], [passthrough["late"]], **at)
        for side, found in (("natively", native), ("in the guest", passthrough)):
            assert found["finished"], f"{stream}: {side} the stream stopped: {found['statuses']}"
            assert not found["disorder"], f"{stream}: {side} {found['disorder']} URBs ended before an earlier one"
            assert not found["misplaced"], (
                f"{stream}: {side} {found['misplaced']} packets are not the ones that are due"
            )
        _compare(stream, native, passthrough)
        # The bus sets the pace. Slower is late; faster is a stream whose packets are not on any bus.
        took, least = sum(passthrough["gaps"]), 0.9 * due * len(passthrough["gaps"]) - _CATCH_UP_US
        assert took > least, f"{stream}: URBs of {due:.0f} us took {took:.0f} us in the guest, and not {least:.0f}"


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
