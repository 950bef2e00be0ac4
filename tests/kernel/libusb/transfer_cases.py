"""LibusbDevice on real USB: transfers in order, whole, cancelled, and within usbfs' memory."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from pathlib import Path

from tests.integration.device_bench import PATIENCE, Bench
from tests.kernel.libusb.hardware import BULK, ECHO, MIB, STICK, wait_until
from wslusb.device.libusb import shared_budget
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, Urb, UrbFlag


def command(bench: Bench, cdb: bytes, length: int) -> None:
    """Begin a SCSI command that reads ``length`` bytes (USB Mass Storage, Bulk-Only Transport, 5.1)."""
    data = struct.pack("<4sIIBBB16s", b"USBC", 7, length, 0x80, 0, len(cdb), cdb)
    assert bench.write(STICK, data).wait().status == Status.OK


def read_blocks(bench: Bench, block: int, count: int, chunk: int) -> bytes:
    command(bench, struct.pack(">BBIBHB", 0x28, 0, block, 0, count, 0), count * 512)
    reads = [bench.read(STICK, chunk) for _ in range(count * 512 // chunk)]
    status = bench.read(STICK, 13)
    assert {each.wait().status for each in reads} == {Status.OK}
    assert (status.wait().status, status.data[-1]) == (Status.OK, 0)
    return b"".join(each.data for each in reads)


def test_stick_reads_what_is_on_it(stick: Bench) -> None:
    expected = Path("/dev/shm/stick.img").read_bytes()  # noqa: S108
    assert read_blocks(stick, 0, 4096, MIB) == expected[: 2 * MIB]
    assert read_blocks(stick, 100, 128, 4096) == expected[100 * 512 : 228 * 512]


def test_trap_completions_of_one_endpoint_keep_order_through_failures(zero: Bench) -> None:
    """URBs that fail at submit, before and after others that take their time, are told in their turn."""
    pendings = []
    for number in range(24):
        pendings.append(zero.read(BULK, 512 * (1 + number % 7)))
        bad = zero.in_urb(BULK, 9 * MIB) if number % 3 else replace_stream(zero.in_urb(BULK, 512))
        pendings.append(zero.start(bad))
    statuses = [pending.wait().status for pending in pendings]
    assert zero.order[-48:] == [pending.urb.sequence for pending in pendings]
    assert set(statuses[::2]) == {Status.OK}
    assert set(statuses[1::2]) == {Status.NO_MEMORY, Status.NOT_SUPPORTED}


def replace_stream(urb: Urb) -> Urb:
    urb.stream = 1
    return urb


def test_trap_cancel_of_finished_transfer_is_a_lost_race(zero: Bench) -> None:
    """NOT_FOUND is what libusb says to one that is done and not reaped: here are cancels at every moment."""
    statuses = set()
    for number in range(300):
        pending = zero.read(BULK, 512)
        for _ in range(number % 60):
            time.sleep(0)
        zero.device.cancel(pending.urb)
        completion = pending.wait()
        statuses.add(completion.status)
        assert completion.actual_length == (512 if completion.status == Status.OK else 0)
    assert statuses <= {Status.OK, Status.CANCELLED}
    assert Status.OK in statuses


def test_trap_cancel_tells_the_actual_length(echo: Bench) -> None:
    """When the bytes come is the device's matter: reads are cancelled until they are there, and none is lost."""
    sent, arrived = bytes(range(256)) * 16, b""
    echo.write(ECHO, sent).wait()
    deadline = time.monotonic() + PATIENCE
    while len(arrived) < len(sent):
        assert time.monotonic() < deadline, f"{len(arrived)} bytes of {len(sent)}"
        reader = echo.read(ECHO, 64 * 1024)
        reader.finished.wait(0.01)  # it never is: that is how often is looked
        echo.device.cancel(reader.urb)
        assert (reader.wait().status, reader.completions[0].actual_length) == (Status.CANCELLED, len(reader.data))
        arrived += reader.data
    assert arrived == sent


def test_cancelled_urb_is_not_held_back_by_an_earlier_one(echo: Bench) -> None:
    first, second = echo.read(ECHO, 512), echo.read(ECHO, 512)
    held = echo.start(echo.in_urb(ECHO, 9 * MIB))
    echo.device.cancel(second.urb)
    assert second.wait().status == Status.CANCELLED
    assert not first.finished.is_set()
    assert not held.finished.is_set()
    echo.device.cancel(held.urb)
    assert held.wait().status == Status.NO_MEMORY
    echo.device.cancel(first.urb)
    assert first.wait().status == Status.CANCELLED


def test_trap_usbfs_16_mb_budget(zero: Bench) -> None:
    """40 MiB at once: usbfs takes 15 and then says ENOMEM; here the rest waits, and all of it comes, in order."""
    reads = [zero.read(BULK, MIB) for _ in range(40)]
    assert shared_budget.in_flight <= 15 * MIB
    assert {each.wait().status for each in reads} == {Status.OK}
    assert zero.order[-40:] == [each.urb.sequence for each in reads]
    wait_until(lambda: shared_budget.in_flight == 0)


def test_trap_usbfs_16_mb_budget_is_one_for_two_devices(echo: Bench, stick: Bench) -> None:
    """Reads that may wait for ever fill it on one device; the other's commands go through; nothing is lost."""
    waiting = [echo.read(ECHO, MIB) for _ in range(20)]
    assert shared_budget.in_flight > 13 * MIB
    command(stick, b"\x12\0\0\0\x24\0", 36)
    assert len(stick.read(STICK, 512).wait().data) == 36
    assert stick.read(STICK, 13).wait().status == Status.OK
    large = stick.start(stick.out_urb(STICK, bytes(2 * MIB)))
    assert not large.finished.wait(0.2)
    stick.device.cancel(large.urb)
    assert large.wait().status == Status.CANCELLED
    for reader in reversed(waiting):
        echo.device.cancel(reader.urb)
    assert {each.wait().status for each in waiting} == {Status.CANCELLED}
    wait_until(lambda: shared_budget.in_flight == 0)
    assert len(read_blocks(stick, 0, 2048, MIB)) == MIB


def test_trap_usbfs_memory_taken_by_another_program(zero: Bench) -> None:
    """The kernel's ENOMEM below our own budget: URBs wait as long as that can help, or fail; none hangs."""
    limit = Path("/sys/module/usbcore/parameters/usbfs_memory_mb")
    before = limit.read_text()
    limit.write_text("4")
    try:
        reads = [zero.read(BULK, MIB) for _ in range(16)]
        assert {each.wait().status for each in reads} == {Status.OK}
        assert zero.order[-16:] == [each.urb.sequence for each in reads]
        assert zero.read(BULK, 8 * MIB).wait().status == Status.NO_MEMORY
    finally:
        limit.write_text(before)


def test_trap_transfer_larger_than_possible_is_no_memory(zero: Bench) -> None:
    assert zero.read(BULK, 16 * MIB).wait().status == Status.NO_MEMORY
    assert zero.read(BULK, 512).wait().status == Status.OK


def test_trap_urbs_exceed_128_kib(zero: Bench) -> None:
    for length in (128 * 1024 + 512, MIB, 2 * MIB):
        assert zero.read(BULK, length).wait().actual_length == length
        assert zero.write(BULK, bytes(length)).wait().actual_length == length


def test_trap_add_zero_packet(echo: Bench) -> None:
    """Without it the peer's read stays pending."""
    reader = echo.read(ECHO, 1024)
    assert echo.write(ECHO, b"a" * 512).wait().status == Status.OK
    assert not reader.finished.wait(0.3)
    echo.write(ECHO, b"").wait()
    assert (reader.wait().status, reader.data) == (Status.OK, b"a" * 512)
    reader = echo.read(ECHO, 1024)
    assert echo.write(ECHO, b"b" * 512, UrbFlag.ZERO_PACKET).wait().status == Status.OK
    assert (reader.wait().status, reader.data) == (Status.OK, b"b" * 512)


def test_trap_short_not_ok_never_reaches_libusb(echo: Bench) -> None:
    """With it, libusb would make an error of this and lose the five bytes."""
    reader = echo.read(ECHO, 1024, flags=0)
    echo.write(ECHO, b"short")
    assert (reader.wait().status, reader.data) == (Status.SHORT, b"short")
    descriptor = echo.descriptor(1, 64, flags=0)
    assert (descriptor.wait().status, len(descriptor.data)) == (Status.SHORT, 18)


def test_trap_zero_length_bulk_in(zero: Bench) -> None:
    """On a bus it takes one packet: with bytes in it that is an OVERFLOW. Exactly one answer, and life goes on."""
    pending = zero.read(BULK, 0)
    assert pending.wait().status in {Status.OK, Status.OVERRUN}
    assert pending.data == b""
    assert zero.read(BULK, 512).wait().status == Status.OK


def test_trap_control_of_more_than_4096_bytes(zero: Bench) -> None:
    """More than libusb passes on: what fits comes whole; what cannot be known to be whole is refused."""
    pending = zero.descriptor(2, 65535)
    assert (pending.wait().status, pending.data) == (Status.OK, zero.device.info.configurations[0])
    assert zero.control(Setup(0x40, 0x5B, 0, 0, 5000), bytes(5000)).wait().status == Status.NOT_SUPPORTED


def test_trap_endpoint_that_does_not_exist_is_invalid(zero: Bench) -> None:
    """The kernel says ENOENT, which is also how a cancelled URB ends."""
    assert zero.read(replace(BULK, source=0x8F), 512).wait().status == Status.INVALID
