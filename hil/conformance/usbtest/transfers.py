"""Cases 1 to 8, 17 to 20, 25, 26: bulk and interrupt transfers, one at a time and in lists."""

from __future__ import annotations

from collections.abc import Iterator

from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.urb import Buffer, Status, Urb, UrbFlag

from ..case import Cases
from ..subject import Failed, NotApplicable, Subject, expect
from .pipes import PARAMETERS, pipes
from .queue import run_list

__all__ = ["CASES", "lengths", "one", "zeroes"]

CASES = Cases()

_IO_SECONDS = 10.0
_MAPPED = "DMA mapping is the kernel's; a program only sees buffers, and cases 17 and 18 have those"


def lengths(count: int, endpoint: Endpoint, *, vary: bool) -> Iterator[int]:
    """``count`` lengths in bytes: all the longest, or each longer than the one before, and in the end short again.

    They are whole packets: a read that ends within a packet would be an overrun (USB 2.0, 5.8.3).
    """
    most, step = PARAMETERS.length, max(PARAMETERS.vary, endpoint.packet_size)
    length = most
    for _ in range(count):
        yield length
        length = (length + step) % most or step if vary else most


def zeroes(endpoint: Endpoint, length: int) -> Urb:
    """A URB for ``length`` bytes of pattern 0: short reads are errors, writes end with an empty packet if need be."""
    reading = is_in(endpoint.address)
    data = b"" if reading else bytes(length)
    return Urb(0, endpoint.address, endpoint.transfer, length, 0 if reading else UrbFlag.ZERO_PACKET, data, interval=8)


def one(subject: Subject, endpoint: Endpoint, length: int, data: Buffer | None = None) -> None:
    """One transfer, which must move all its bytes, zeroes if it reads."""
    urb = zeroes(endpoint, length)
    if data is not None:
        urb.data = data
    result = subject.transfer(urb, _IO_SECONDS)
    expect(Status(result.status).name, "OK", f"{length} bytes")
    expect(result.actual_length, length, "bytes moved")
    if any(result.data):
        raise Failed(f"byte {next(at for at, byte in enumerate(result.data) if byte)} is not zero")


def _single(subject: Subject, transfer: TransferType, reading: bool, vary: bool = False) -> None:
    pair = pipes(subject, transfer)
    endpoint = pair.source if reading else pair.sink
    if endpoint is None:
        raise NotApplicable(f"no {transfer.name.lower()} endpoint in that direction")
    for length in lengths(PARAMETERS.iterations, endpoint, vary=vary):
        one(subject, endpoint, length)


def _lists(subject: Subject, reading: bool, vary: bool = False) -> None:
    pair = pipes(subject, TransferType.BULK)
    endpoint = pair.source if reading else pair.sink
    if endpoint is None:
        raise NotApplicable("no bulk endpoint in that direction")
    for _ in range(PARAMETERS.iterations):
        run_list(subject, [zeroes(endpoint, length) for length in lengths(PARAMETERS.depth, endpoint, vary=vary)])


@CASES.case("usbtest", "1")
def write(subject: Subject) -> None:
    """Bulk writes, one at a time."""
    _single(subject, TransferType.BULK, reading=False)


@CASES.case("usbtest", "2")
def read(subject: Subject) -> None:
    """Bulk reads, one at a time."""
    _single(subject, TransferType.BULK, reading=True)


@CASES.case("usbtest", "3")
def write_varied(subject: Subject) -> None:
    """Bulk writes of varying length."""
    _single(subject, TransferType.BULK, reading=False, vary=True)


@CASES.case("usbtest", "4")
def read_varied(subject: Subject) -> None:
    """Bulk reads of varying length."""
    _single(subject, TransferType.BULK, reading=True, vary=True)


@CASES.case("usbtest", "5")
def write_list(subject: Subject) -> None:
    """Bulk writes, a list of URBs queued at once."""
    _lists(subject, reading=False)


@CASES.case("usbtest", "6")
def read_list(subject: Subject) -> None:
    """Bulk reads, a list of URBs queued at once."""
    _lists(subject, reading=True)


@CASES.case("usbtest", "7")
def write_list_varied(subject: Subject) -> None:
    """Bulk writes of varying length, a list of URBs queued at once."""
    _lists(subject, reading=False, vary=True)


@CASES.case("usbtest", "8")
def read_list_varied(subject: Subject) -> None:
    """Bulk reads of varying length, a list of URBs queued at once."""
    _lists(subject, reading=True, vary=True)


@CASES.case("usbtest", "17")
def write_from_odd_address(subject: Subject) -> None:
    """Bulk writes from an odd address."""
    sink = pipes(subject, TransferType.BULK).sink
    if sink is None:
        raise NotApplicable("no bulk OUT endpoint")
    for length in lengths(PARAMETERS.iterations, sink, vary=False):
        one(subject, sink, length, memoryview(bytearray(length + 1))[1:])


@CASES.case("usbtest", "18")
def read_to_odd_address(_subject: Subject) -> None:
    """Bulk reads to an odd address."""
    source_buffers_are_the_devices()


@CASES.case("usbtest", "19")
def write_from_odd_mapped_address(_subject: Subject) -> None:
    """Bulk writes from an odd address of a buffer that was mapped before."""
    raise NotApplicable(_MAPPED)


@CASES.case("usbtest", "20")
def read_to_odd_mapped_address(_subject: Subject) -> None:
    """Bulk reads to an odd address of a buffer that was mapped before."""
    raise NotApplicable(_MAPPED)


@CASES.case("usbtest", "25")
def interrupt_write(subject: Subject) -> None:
    """Interrupt writes, one at a time."""
    _single(subject, TransferType.INTERRUPT, reading=False)


@CASES.case("usbtest", "26")
def interrupt_read(subject: Subject) -> None:
    """Interrupt reads, one at a time."""
    _single(subject, TransferType.INTERRUPT, reading=True)


def source_buffers_are_the_devices() -> None:
    """Why a program cannot choose where a read goes."""
    raise NotApplicable("a Device reads into buffers of its own: a program cannot choose the address")
