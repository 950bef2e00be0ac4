"""Cases 15, 16, 22, 23, 27 and 28: rings of isochronous and bulk URBs."""

from __future__ import annotations

import dataclasses
import time

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

from ..case import Cases
from ..subject import Failed, NotApplicable, Subject
from .pipes import PARAMETERS, payload, pipes
from .queue import Ring
from .transfers import source_buffers_are_the_devices, zeroes

__all__ = ["CASES"]

CASES = Cases()

_TOLERATED = 0.1
"""Share of isochronous packets that may fail: they are not retried."""
_BULK_LENGTH = 65536


def _endpoint(subject: Subject, transfer: TransferType, reading: bool) -> Endpoint:
    pair = pipes(subject, transfer)
    endpoint = pair.source if reading else pair.sink
    if endpoint is None:
        raise NotApplicable(f"no {transfer.name.lower()} endpoint in that direction")
    return endpoint


def _iso_urb(subject: Subject, endpoint: Endpoint, offset: int) -> Urb:
    size, left, packets = payload(endpoint, subject.speed), PARAMETERS.length, []
    while left:
        packets.append(min(size, left))
        left -= packets[-1]
    data = b"" if is_in(endpoint.address) else memoryview(bytes(sum(packets) + offset))[offset:]
    interval = 1 << endpoint.interval - 1
    return Urb(
        0, endpoint.address, TransferType.ISOCHRONOUS, sum(packets), UrbFlag.ISO_ASAP, data, interval=interval,
        iso_lengths=tuple(packets),
    )  # fmt: skip


def _isochronous(subject: Subject, reading: bool, offset: int = 0) -> str:
    endpoint = _endpoint(subject, TransferType.ISOCHRONOUS, reading)
    urbs = [_iso_urb(subject, endpoint, offset) for _ in range(PARAMETERS.depth)]
    ring = Ring(subject, urbs, len(urbs) * PARAMETERS.iterations, _only_status)
    ring.run()
    if ring.bad_packets > ring.packets * _TOLERATED:
        raise Failed(f"{ring.bad_packets} of {ring.packets} packets failed")
    return f"{ring.packets} packets, {ring.bad_packets} failed"


def _only_status(completion: Completion) -> str:
    return "" if completion.status == Status.OK else Status(completion.status).name


def _bulk(subject: Subject, reading: bool) -> str:
    endpoint = _endpoint(subject, TransferType.BULK, reading)
    parameters = dataclasses.replace(PARAMETERS, length=_BULK_LENGTH)
    urbs = [zeroes(endpoint, parameters.length) for _ in range(parameters.depth)]
    count, started = len(urbs) * parameters.iterations, time.monotonic()
    Ring(subject, urbs, count, _only_status).run()
    return f"{count * parameters.length / (time.monotonic() - started) / 1e6:.0f} MB/s"


@CASES.case("usbtest", "15")
def isochronous_write(subject: Subject) -> str:
    """Isochronous writes, queued again and again."""
    return _isochronous(subject, reading=False)


@CASES.case("usbtest", "16")
def isochronous_read(subject: Subject) -> str:
    """Isochronous reads, queued again and again."""
    return _isochronous(subject, reading=True)


@CASES.case("usbtest", "22")
def isochronous_write_from_odd_address(subject: Subject) -> str:
    """Isochronous writes from an odd address."""
    return _isochronous(subject, reading=False, offset=1)


@CASES.case("usbtest", "23")
def isochronous_read_to_odd_address(_subject: Subject) -> None:
    """Isochronous reads to an odd address."""
    source_buffers_are_the_devices()


@CASES.case("usbtest", "27")
def bulk_write_performance(subject: Subject) -> str:
    """Bulk writes, queued again and again: how fast."""
    return _bulk(subject, reading=False)


@CASES.case("usbtest", "28")
def bulk_read_performance(subject: Subject) -> str:
    """Bulk reads, queued again and again: how fast."""
    return _bulk(subject, reading=True)
