"""What goes wrong on the bus is told in the guest as what it is: by faults of the service, docs/faults.md."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

import pytest

from hil.live.device import LiveDevice
from hil.live.side import Side, probe
from hil.stateful.on_rig import bench_on
from hil.stateful.steps import Walk
from hil.suite.iso_streams import Stream, streams
from wslusb.usb.ids import is_in

pytestmark = pytest.mark.safety("reversible")

_LENGTH = 1024
"""Whole packets at every speed."""
_COUNT = 6
_BAD = 3
_READ_ERRORS = {
    '"stall"': "STALL 0",
    '"babble"': "OVERRUN 0",
    '"crc"': "PROTOCOL 0",
    '"protocol"': "PROTOCOL 0",
    '"zero-length"': "OK 0",
    '{ kind = "short", bytes = 100 }': "OK 100",
    '{ kind = "crc", bytes = 100 }': "PROTOCOL 100",
}
"""By the fault: how the read ends, as libusb tells it (it has one word for CRC and protocol errors)."""
_EVERY = 5
_PATIENCE = 60.0
_PACKETS = 8


@contextlib.contextmanager
def _faulty(dut: LiveDevice, what: str, where: str, when: str) -> Iterator[Side]:
    plan = f"[[fault]]\nwhat = {what}\nwhere = {{ {where} }}\nwhen = {{ {when} }}\n"
    with bench_on(dut, Walk((), dut.entry.traits, plan, seed=1)):
        yield dut.passthrough()


@pytest.mark.trait("source-sink")
@pytest.mark.parametrize("what", _READ_ERRORS, ids=lambda what: what.replace('"', "").strip("{ }"))
def test_a_read_that_goes_wrong(dut: LiveDevice, what: str) -> None:
    """One read of six fails: it says so, and the others have their data."""
    with _faulty(dut, what, 'transfer = "bulk", direction = "in"', f"nth = {_BAD}") as side:
        seen = side.probe("reads", count=_COUNT, length=_LENGTH)
    expected = [f"OK {_LENGTH}"] * _COUNT
    expected[_BAD - 1] = _READ_ERRORS[what]
    assert seen == expected


def _stream_in(dut: LiveDevice) -> Stream:
    for stream in streams(dut):
        if is_in(stream.endpoint.address):
            return stream
    pytest.skip("the device has no isochronous IN endpoint")


@pytest.mark.trait("iso")
def test_isochronous_packets_that_go_wrong(dut: LiveDevice, effort: float) -> None:
    """A packet in every fifth URB has a CRC error: so many errors are told, and no packet of another URB has one."""
    stream = _stream_in(dut)
    words = stream.words(effort)
    what = '{ kind = "iso-errors", packets = [1], error = "crc" }'
    with _faulty(dut, what, 'transfer = "isochronous", direction = "in"', f"every = {_EVERY}") as side:
        found = side.probe("iso", seconds=_PATIENCE + 30, patience=_PATIENCE, **words)
    bad = sum(count for status, count in found["statuses"].items() if status != "OK") + found["late_errors"]
    assert not found["misplaced"], f"{stream}: {found['misplaced']} packets are not the ones that are due"
    injected = words["urbs"] / _EVERY
    assert abs(bad - injected) <= 1, f"{stream}: {bad} packets had errors where {injected:.0f} had been made"


@pytest.mark.trait("source-sink")
def test_a_short_read_that_is_none_for_its_driver(dut: LiveDevice) -> None:
    """A read that may not be short (URB_SHORT_NOT_OK) says so with what it has brought; one that may is a success."""
    short = '{ kind = "short", bytes = 100 }'
    for not_ok, status in ((True, -errno.EREMOTEIO), (False, 0)):
        with _faulty(dut, short, 'transfer = "bulk", direction = "in"', f"nth = {_BAD}") as side:
            seen = side.probe("raw_reads", count=_COUNT, length=_LENGTH, short_not_ok=not_ok)
        expected = [[0, _LENGTH]] * _COUNT
        expected[_BAD - 1] = [status, 100]
        assert seen == expected


@pytest.mark.trait("iso")
def test_isochronous_errors_are_counted(dut: LiveDevice) -> None:
    """A URB's count of errors is the number of its packets that have one."""
    stream = _stream_in(dut)
    what = '{ kind = "iso-errors", packets = [1, 2], error = "crc" }'
    with _faulty(dut, what, 'transfer = "isochronous", direction = "in"', f"every = {_EVERY}") as side:
        seen = probe(
            side.daemons, side.place, "raw_iso", busid=side.busid, interface=stream.interface.number,
            alternate=stream.interface.alternate, endpoint=stream.endpoint.address, length=stream.length,
            packets=_PACKETS, count=2 * _EVERY,
        )  # fmt: skip
    assert sum(each["bad"] for each in seen) >= 4, f"{stream}: no errors of packets in {seen}"
    wrong = [each for each in seen if each["error_count"] != each["bad"]]
    assert not wrong, f"{stream}: {wrong}"
