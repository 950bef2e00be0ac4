"""LibusbDevice on real USB: run by pytest inside a UML machine, as root, by ``test_libusb_device.py``.

The hardware is the Linux kernel's own gadgets: Gadget Zero (SourceSink and Loopback), a USB stick, a modem.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hil import gadgets
from tests.integration.device_bench import PATIENCE, Bench
from tests.integration.device_contract import DeviceContract, Pair, Traits
from wslusb.device.api import Device
from wslusb.device.libusb import LibusbDevice, shared_budget
from wslusb.device.provider import LibusbProvider
from wslusb.errors import DeviceError, LocalError
from wslusb.usb.ids import Speed
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

BULK = Pair(configuration=1, source=0x81, sink=0x02, max_packet=512)
ECHO = Pair(configuration=2, source=0x81, sink=0x02, max_packet=512)
STICK = Pair(configuration=1, source=0x81, sink=0x02, max_packet=512)
MIB = 1 << 20
STICK_SIZE = 32 * MIB
SYSFS = Path("/sys/bus/usb/devices")


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture(scope="session", autouse=True)
def hardware(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    image = gadgets.make_image(Path("/dev/shm/stick.img"), STICK_SIZE, seed=1)  # noqa: S108 - the machine's own
    for gadget in (gadgets.source_sink(), gadgets.mass_storage(image), gadgets.acm()):
        gadget.create()
    provider = LibusbProvider()
    wait_until(lambda: len(provider.devices()) == 3 and all(each.active_configuration for each in provider.devices()))
    wait_until(lambda: driver("SN77") == "usb-storage" and driver("ACM1") == "cdc_acm")
    provider.close()
    yield
    for name in gadgets.gadgets():
        gadgets.remove(name)


@pytest.fixture(scope="session")
def provider(hardware: None) -> Iterator[LibusbProvider]:
    provider = LibusbProvider()
    yield provider
    provider.close()


@pytest.fixture
def open_by_serial(provider: LibusbProvider) -> Iterator[Callable[[str], LibusbDevice]]:
    with contextlib.ExitStack() as stack:

        def open_one(serial: str) -> LibusbDevice:
            info = next(each for each in provider.devices() if each.serial == serial)
            device = provider.open(info)
            stack.callback(device.close)
            return device

        yield open_one


Opener = Callable[[str], LibusbDevice]


@pytest.fixture
def zero(open_by_serial: Opener) -> Bench:
    bench = Bench(open_by_serial("ZERO"))
    bench.use(BULK)
    return bench


@pytest.fixture
def echo(open_by_serial: Opener) -> Bench:
    bench = Bench(open_by_serial("ZERO"))
    bench.use(ECHO)
    return bench


@pytest.fixture
def stick(open_by_serial: Opener) -> Bench:
    return Bench(open_by_serial("SN77"))


def folder(serial: str) -> Path:
    for path in SYSFS.glob("*-*"):
        with contextlib.suppress(OSError):
            if (path / "serial").read_text().strip() == serial:
                return path
    return Path("/none")


def driver(serial: str, interface: int = 0) -> str:
    for link in folder(serial).glob(f"*:*.{interface}/driver"):
        return link.readlink().name
    return ""


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


class TestContract(DeviceContract):
    """The contract, as far as the kernel's gadget can: its dummy host controller has no isochronous transfers."""

    traits = Traits(bulk=BULK, echo=ECHO)

    @pytest.fixture(autouse=True)
    def _opener(self, provider: LibusbProvider) -> None:
        self.provider = provider

    def open_device(self) -> Device:
        return self.provider.open(next(each for each in self.provider.devices() if each.serial == "ZERO"))


def test_listing_and_opening(provider: LibusbProvider, open_by_serial: Opener) -> None:
    info = next(each for each in provider.devices() if each.serial == "SN77")
    assert (info.hardware_id, info.speed, info.description) == ("46f4:00aa", Speed.HIGH, "wslusb gadget")
    assert driver("SN77") == "usb-storage"
    device = open_by_serial("SN77")
    assert isinstance(device, Device)
    assert driver("SN77") == "usbfs"
    device.close()
    wait_until(lambda: driver("SN77") == "usb-storage")


def test_all_interfaces_of_a_composite_device_are_given_back(open_by_serial: Opener) -> None:
    device = open_by_serial("ACM1")
    assert (driver("ACM1", 0), driver("ACM1", 1)) == ("usbfs", "usbfs")
    device.close()
    wait_until(lambda: (driver("ACM1", 0), driver("ACM1", 1)) == ("cdc_acm", "cdc_acm"))


def test_configuration_is_put_back_at_close(open_by_serial: Opener) -> None:
    device = open_by_serial("ZERO")
    before = (folder("ZERO") / "bConfigurationValue").read_text()
    device.select_configuration(2)
    assert (folder("ZERO") / "bConfigurationValue").read_text() != before
    device.close()
    assert (folder("ZERO") / "bConfigurationValue").read_text() == before


def test_open_of_a_device_that_is_in_use_says_busy(provider: LibusbProvider, open_by_serial: Opener) -> None:
    device = open_by_serial("SN77")
    with pytest.raises(DeviceError) as caught:
        provider.open(device.info)
    assert caught.value.status == Status.BUSY
    assert "stop it first" in caught.value.hint
    assert driver("SN77") == "usbfs"


def test_open_of_another_device_in_the_same_port_is_refused(provider: LibusbProvider) -> None:
    info = next(each for each in provider.devices() if each.serial == "SN77")
    for wrong in (replace(info, generation=info.generation + 1), replace(info, serial="other")):
        with pytest.raises(DeviceError) as caught:
            provider.open(wrong)
        assert caught.value.status == Status.GONE


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


def test_trap_set_configuration_to_the_current_value_is_not_busy(zero: Bench) -> None:
    for _ in range(3):
        zero.device.select_configuration(1)
        assert driver("ZERO") == "usbfs"
        assert zero.read(BULK, 1024).wait().status == Status.OK
        assert zero.write(BULK, bytes(1024)).wait().status == Status.OK


def test_trap_set_configuration_clears_a_halt(zero: Bench) -> None:
    assert zero.control(Setup(0x02, 3, 0, BULK.source, 0)).wait().status == Status.OK
    assert zero.read(BULK, 512).wait().status == Status.STALL
    zero.device.select_configuration(1)
    assert zero.read(BULK, 512).wait().status == Status.OK


def test_trap_urbs_killed_by_select_interface_are_not_reported_as_finished(echo: Bench) -> None:
    """The kernel kills them with ENOENT, which libusb takes for success with no data."""
    readers = [echo.read(ECHO, 512) for _ in range(4)]
    echo.device.select_interface(0, 0)
    assert all(reader.completions for reader in readers), "not given back before it returned"
    assert {reader.wait().status for reader in readers} == {Status.CANCELLED}


def test_trap_reset_takes_a_while_and_gives_back_what_was_in_flight(echo: Bench) -> None:
    readers = [echo.read(ECHO, 512) for _ in range(4)]
    start = time.monotonic()
    echo.device.reset()
    assert time.monotonic() - start < 3
    assert {reader.wait().status for reader in readers} == {Status.CANCELLED}
    assert driver("ZERO") == "usbfs"


def test_trap_exception_in_a_callback_loses_no_urb(zero: Bench) -> None:
    def fail(_: Completion) -> None:
        raise RuntimeError("as it should be")

    for _ in range(3):
        zero.device.submit(zero.in_urb(BULK, 512), fail)
    assert zero.read(BULK, 512).wait().status == Status.OK
    zero.device.close()
    assert shared_budget.in_flight == 0


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


def test_blocking_methods_refuse_to_be_called_from_done(zero: Bench) -> None:
    refused: list[str] = []
    finished = threading.Event()

    def done(_: Completion) -> None:
        for method in (zero.device.close, zero.device.reset, lambda: zero.device.clear_halt(0x81)):
            try:
                method()
            except LocalError as error:
                refused.append(error.reason.name)
        finished.set()

    zero.device.submit(zero.in_urb(BULK, 512), done)
    assert finished.wait(10)
    assert refused == ["BAD_STATE"] * 3


def test_same_urb_twice_is_refused(echo: Bench) -> None:
    reader = echo.read(ECHO, 512)
    with pytest.raises(LocalError):
        echo.device.submit(reader.urb, reader.done)
    echo.device.cancel(reader.urb)
    assert reader.wait().status == Status.CANCELLED


def test_close_completes_waiting_and_flying_urbs_and_ends_the_thread(echo: Bench) -> None:
    readers = [echo.read(ECHO, MIB) for _ in range(30)]
    echo.device.close()
    assert all(reader.completions for reader in readers)
    assert {reader.wait().status for reader in readers} == {Status.CANCELLED}
    assert shared_budget.in_flight == 0
    assert not [thread for thread in threading.enumerate() if "libusb" in thread.name]


def test_close_while_others_wait_to_call_blocking_methods(zero: Bench) -> None:
    """Whoever waited while the device was being closed must not touch libusb's handle afterwards."""
    statuses: list[int] = []
    called = threading.Barrier(7)

    def call() -> None:
        try:
            zero.device.clear_halt(BULK.source)
            called.wait(PATIENCE)
            while True:
                zero.device.clear_halt(BULK.source)
        except DeviceError as error:
            statuses.append(error.status)

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    called.wait(PATIENCE)
    zero.device.close()
    for thread in threads:
        thread.join(10)
    assert statuses == [Status.GONE] * 6


def test_twenty_opens_leave_nothing_behind(open_by_serial: Opener) -> None:
    open_by_serial("SN77").close()
    before = len(os.listdir("/proc/self/fd")), threading.active_count()  # noqa: PTH208
    for _ in range(20):
        open_by_serial("SN77").close()
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before  # noqa: PTH208


def test_unplug_with_urbs_in_flight(provider: LibusbProvider, open_by_serial: Opener) -> None:
    bench = Bench(open_by_serial("ZERO"))
    bench.use(ECHO)
    readers = [bench.read(ECHO, 64 * 1024) for _ in range(300)]  # some fly, some wait
    changes = threading.Semaphore(0)
    watching = LibusbProvider()
    watching.watch(changes.release)
    before = next(each for each in provider.devices() if each.serial == "ZERO")
    gadgets.unplug("zero")
    try:
        # Until the hub notices, an empty port answers nothing (EPROTO), as with any controller.
        assert {reader.wait().status for reader in readers} <= {Status.GONE, Status.PROTOCOL}
        assert readers[-1].wait().status == Status.GONE
        assert bench.write(ECHO, b"late").wait().status == Status.GONE
        for call in (bench.device.reset, lambda: bench.device.select_configuration(1)):
            with pytest.raises(DeviceError) as caught:
                call()
            assert caught.value.status == Status.GONE
        assert changes.acquire(timeout=5), "no hot-plug event"
        bench.device.close()
        with pytest.raises(DeviceError):
            provider.open(before)
    finally:
        gadgets.plug("zero")
        wait_until(lambda: driver("ZERO") != "")
        watching.close()
    after = next(each for each in provider.devices() if each.serial == "ZERO")
    assert after.generation == before.generation + 1
    assert changes.acquire(timeout=5), "no hot-plug event"


def test_trap_hot_plug_comes_from_the_kernel_and_not_from_libusb(provider: LibusbProvider) -> None:
    """No udevd runs here, and no callback of libusb's: uevents, faster than the look at sysfs every two seconds."""
    changes = threading.Semaphore(0)
    watching = LibusbProvider()
    watching.watch(changes.release)
    try:
        for change in (gadgets.unplug, gadgets.plug):
            change("acm1")
            assert changes.acquire(timeout=1.5), f"{change.__name__} was not told"
    finally:
        watching.close()
        wait_until(lambda: driver("ACM1", 1) == "cdc_acm")


OWNER = """
import signal, sys
from wslusb.device.provider import LibusbProvider
provider = LibusbProvider()
devices = [provider.open(info) for info in provider.devices() if info.serial in ("SN77", "ACM1")]
print("open", provider._guardian._process.pid, flush=True)
if {orderly}:
    sys.stdin.read()
    for device in devices: device.close()
    provider.close()
else:
    signal.pause()
"""


@contextlib.contextmanager
def owner_of_two(*, orderly: bool) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A service that has the stick and the modem, and the process id of its guardian."""
    script, pipe = OWNER.format(orderly=orderly), subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, text=True) as owner:
        assert owner.stdout
        word, number = owner.stdout.readline().split()
        assert word == "open"
        assert (driver("SN77"), driver("ACM1", 1)) == ("usbfs", "usbfs")
        yield owner, int(number)


def test_guardian_gives_devices_back_after_sigkill() -> None:
    with owner_of_two(orderly=False) as (owner, guardian):
        links = [link.readlink() for link in Path(f"/proc/{guardian}/fd").iterdir()]
        assert not any("bus/usb" in str(link) for link in links)
        owner.kill()
    wait_until(lambda: driver("SN77") == "usb-storage" and driver("ACM1", 1) == "cdc_acm")
    wait_until(lambda: not is_running(guardian))


def is_running(process: int) -> bool:
    """Whether it is there, and no zombie that nobody waits for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_guardian_ends_with_an_orderly_service_and_ignores_its_signals() -> None:
    with owner_of_two(orderly=True) as (owner, guardian):
        os.kill(guardian, signal.SIGINT)
        os.kill(guardian, signal.SIGTERM)
        time.sleep(0.2)
        assert is_running(guardian)
        owner.communicate("")
    assert owner.returncode == 0
    wait_until(lambda: not is_running(guardian))
    wait_until(lambda: driver("SN77") == "usb-storage")
