"""``wslusb capture`` beside a real service, while virtual devices are used: what is in the file, and what is not."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.usb import bulk_in, bulk_out, read_zeroes
from tests.support.vhci import MadeVhci
from tests.support.waiting import PATIENCE, until
from tests.support.world import Guest, World
from wslusb.capture import pcapfile, usbmon, vsockmon
from wslusb.capture.record import Record
from wslusb.control.server import ControlServer
from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.guest import nodes
from wslusb.guest.agent import Agent
from wslusb.guest.requests import GuestRequests
from wslusb.host.requests import HostRequests
from wslusb.host.service import Service
from wslusb.usb.descriptors import Configuration, DeviceDescriptor
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, Urb

SECRET = b"Correct-Horse-Battery-Staple-42!"
KINDS = ("keyboard", "storage", "serial", "fido", "ccid", "printer", "ethernet")
SERIALS = [f"SNR{kind.upper()}0042" for kind in KINDS]
MODELS = ",".join(
    f"{kind}:serial={serial}" + (",text=swordfish,wait=0" if kind == "keyboard" else "")
    for kind, serial in zip(KINDS, SERIALS, strict=True)
)


class Capture:
    """A running ``wslusb capture``."""

    def __init__(self, daemon: Service | Agent, control: Path, folder: Path, *arguments: str, others: int = 0) -> None:
        self.path = folder / "out.pcapng"
        command = [sys.executable, "-m", "wslusb", "capture", "--control", str(control), *arguments]
        self._process = subprocess.Popen([*command, "-o", str(self.path)], stderr=subprocess.PIPE, text=True)
        hub = daemon.captures
        until(lambda: len(hub._sinks) > others or self._process.poll() is not None, "the capture has begun")
        # Before the first block is there, Ctrl-C is not yet the end of a capture.
        until(lambda: self._begun or self._process.poll() is not None, "the file has begun")

    def stop(self, how: signal.Signals = signal.SIGINT) -> str:
        """Ctrl-C, or another signal; what it said at the end."""
        self._process.send_signal(how)
        _, said = self._process.communicate(timeout=20)
        assert self._process.returncode == (-how if how == signal.SIGKILL else 0), said
        return said

    @property
    def _begun(self) -> bool:
        return self.path.exists() and self.bytes.startswith(b"\n\r\r\n")

    @property
    def bytes(self) -> bytes:
        return self.path.read_bytes()

    @property
    def records(self) -> list[Record]:
        found = (usbmon.read(each.data) for each in self.packets if each.link_type == 220)
        return [each for each in found if each is not None]

    @property
    def own_records(self) -> int:
        """Records of URBs that are in the file already; descriptors that were put before them do not count."""
        there = self.path.exists() and self.bytes
        return sum(each.key < 1 << 33 for each in self.records) if there else 0

    @property
    def packets(self) -> list[pcapfile.Packet]:
        return list(pcapfile.packets(io.BytesIO(self.bytes)))


@pytest.fixture
def host(folder: Path) -> Iterator[World]:
    with World(folder, MODELS) as world:
        for info in world.provider.devices():
            world.service.bind(info.busid)
        server = ControlServer(folder / "control", HostRequests(world.service))
        yield world
        server.close()


@pytest.fixture
def loopback(folder: Path) -> Iterator[World]:
    with World(folder, "loopback,loopback") as world:
        for busid in ("9-1", "9-2"):
            world.service.bind(busid)
        server = ControlServer(folder / "control", HostRequests(world.service))
        yield world
        server.close()


def use(device: Device) -> None:
    """Read the strings, then put the secret into every place that takes bytes."""
    sync.control(device, Setup(0, 9, 1, 0, 0))
    for index in range(8):
        sync.control(device, Setup(0x80, 6, 0x0300 | index, 0x0409 if index else 0, 255))
    configuration = Configuration.unpack(device.info.configurations[0])
    for interface in configuration.interfaces:
        if interface.alternate:
            sync.control(device, Setup(1, 11, interface.alternate, interface.number, 0))
        for request in (0x00, 0x09, 0x40):
            sync.control(device, Setup(0x21, request, 0x0300, interface.number, len(SECRET)), SECRET)
        sync.control(device, Setup(0x41, 0x01, 0, interface.number, len(SECRET)), SECRET)
        if interface.interface_class == 8:
            write_and_read(device)
            continue
        for endpoint in interface.endpoints:
            if endpoint.transfer in (TransferType.BULK, TransferType.INTERRUPT) and endpoint.address < 0x80:
                data = (SECRET * 2).ljust(64, b"\0")
                urb = Urb(0, endpoint.address, endpoint.transfer, len(data), data=data)
                sync.transfer(device, urb, 0.05)


def write_and_read(device: Device) -> None:
    for opcode, direction in ((0x2A, 0), (0x28, 0x80)):
        block = struct.pack("<4sIIBBB", b"USBC", 7, 512, direction, 0, 10) + struct.pack(
            ">BBIBHB6x", opcode, 0, 5, 0, 1, 0
        )
        assert sync.transfer(device, bulk_out(block, endpoint=2), 5).status == Status.OK
        if direction:
            assert SECRET in sync.transfer(device, bulk_in(512), 5).data
        else:
            assert sync.transfer(device, bulk_out(SECRET * 16, endpoint=2), 5).status == Status.OK
        assert sync.transfer(device, bulk_in(13), 5).data[12] == 0


def type_all(device: Device) -> list[bytes]:
    """What a driver reads of the keyboard until it has typed all."""
    reports: list[bytes] = []
    while sum(1 for each in reports if each[2]) < len("swordfish"):
        result = sync.transfer(device, Urb(0, 0x81, TransferType.INTERRUPT, 8), 5)
        assert result.status == Status.OK
        reports.append(result.data)
    return reports


def use_all(host: World) -> list[bytes]:
    client, reports = host.client(), []
    for info in list(host.provider.devices()):
        device = client.open(info)
        use(device)
        if info.serial == SERIALS[0]:
            reports = type_all(device)
        device.close()
    client.close()
    return reports


def places_of(host: World) -> list[bytes]:
    """Every way in which a planted value may be written."""
    values = [SECRET, SECRET[:16], SECRET[-16:]]
    for serial in SERIALS:
        values += [serial.encode(), serial.encode("utf-16-le")]
    return values


def test_nothing_that_was_planted_is_in_the_file(host: World, folder: Path) -> None:
    capture = Capture(host.service, folder / "control", folder, "--all")
    reports = use_all(host)
    said = capture.stop()
    whole = capture.bytes
    assert [value for value in places_of(host) if value in whole] == []
    pressed = {report for report in reports if any(report)}
    assert len(pressed) == 8
    messages = [vsockmon.read(each.data) for each in capture.packets if each.link_type == 271]
    shown = {each.data[-8:] for each in capture.records} | {each.data[-8:] for each in messages if each}
    assert not pressed & shown
    assert b"second scan clean" in whole
    assert re.search(r"\d+ URBs, \d+ bytes, 0 records dropped", said)
    keys = {byte for each in capture.records if each.transfer == TransferType.INTERRUPT for byte in each.data[2:]}
    assert keys == {0, 4}
    commands = [each.data[15] for each in capture.records if each.data[:4] == b"USBC"]
    assert commands == [0x2A, 0x28]
    address = mac_string(host)
    assert address
    assert address.encode("utf-16-le") not in whole


def mac_string(host: World) -> str:
    """What the network card says its address is."""
    client = host.client()
    info = next(each for each in host.provider.devices() if each.serial == SERIALS[-1])
    device = client.open(info)
    names = {DeviceDescriptor.unpack(info.device_descriptor).serial}
    texts = [
        sync.control(device, Setup(0x80, 6, 0x0300 | i, 0x0409, 255)).data[2:].decode("utf-16-le")
        for i in range(1, 8)
        if i not in names
    ]
    device.close()
    client.close()
    return next((text for text in texts if re.fullmatch("[0-9A-F]{12}", text)), "")


def test_raw_has_all_of_it(host: World, folder: Path) -> None:
    capture = Capture(host.service, folder / "control", folder, "--all", "--raw")
    reports = use_all(host)
    assert "not redacted" in capture.stop()
    whole = capture.bytes
    assert [value for value in places_of(host) if value not in whole] == []
    assert all(report in whole for report in reports)


def test_other_devices_are_not_in_the_file(loopback: World, folder: Path) -> None:
    capture = Capture(loopback.service, folder / "control", folder, "9-2", "--raw")
    guests = [Guest(loopback, "9-1"), Guest(loopback, "9-2")]
    for guest in guests:
        read_zeroes(guest.device)
        guest.close()
    capture.stop()
    assert {each.device for each in capture.records} == {2}
    assert capture.bytes.count(b"wslusb:9-1") == 0


def test_it_starts_and_stops_in_the_middle_and_changes_nothing(loopback: World, folder: Path) -> None:
    guest = Guest(loopback)
    read_zeroes(guest.device)
    capture = Capture(loopback.service, folder / "control", folder, "9-1")
    for _ in range(50):
        read_zeroes(guest.device)
    capture.stop()
    for _ in range(50):
        read_zeroes(guest.device)
    guest.close()
    mine = [each for each in capture.records if each.key < 1 << 33]
    assert [each.kind for each in mine[:2]] == ["S", "C"]
    assert sum(each.kind == "C" and each.status == 0 for each in mine) >= 50
    times = [each.time for each in mine]
    assert times == sorted(times)
    messages = [vsockmon.read(each.data) for each in capture.packets if each.link_type == 271]
    assert {each.to_host for each in messages if each} == {True, False}
    assert mine[0].device == 1


def test_what_the_queue_cannot_hold_is_counted_and_told(loopback: World, folder: Path) -> None:
    guest = Guest(loopback)
    read_zeroes(guest.device)
    capture = Capture(loopback.service, folder / "control", folder, "9-1", "--queue", "1K")
    for _ in range(200):
        read_zeroes(guest.device, 4096)
    said = capture.stop()
    guest.close()
    dropped = int(re.search(r"(\d+) records dropped", said)[1])  # type: ignore[index]
    assert dropped > 0
    assert b"were dropped" in capture.bytes
    numbers = statistics(capture.bytes)
    assert sum(lost for _, lost in numbers) == dropped
    kept = len(capture.packets) - sum(each.key >= 1 << 33 for each in capture.records)
    assert sum(came - lost for came, lost in numbers) == kept


def statistics(whole: bytes) -> list[tuple[int, int]]:
    """Received and dropped, of every statistics block."""
    found, at = [], 0
    while at < len(whole):
        kind, length = struct.unpack_from("<II", whole, at)
        if kind == 5:
            found.append((struct.unpack_from("<Q", whole, at + 24)[0], struct.unpack_from("<Q", whole, at + 36)[0]))
        at += length
    assert at == len(whole)
    return found


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wslusb", "capture", "--control", str(folder / "control"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_a_ring_is_written_after_it_happened(loopback: World, folder: Path) -> None:
    path = folder / "ring.pcapng"
    assert run(folder, "9-1", "--save-ring", "-o", str(path)).returncode == 1
    assert not path.exists()
    kept = run(folder, "9-1", "--ring", "1M")
    assert (kept.returncode, "'wslusb capture 9-1 --save-ring -o bug.pcapng' writes them" in kept.stderr) == (0, True)
    guest = Guest(loopback)
    for _ in range(20):
        read_zeroes(guest.device)
    guest.close()
    done = run(folder, "9-1", "--save-ring", "-o", str(path))
    assert done.returncode == 0, done.stderr
    records = [
        usbmon.read(each.data) for each in pcapfile.packets(io.BytesIO(path.read_bytes())) if each.link_type == 220
    ]
    assert len(records) >= 40
    assert run(folder, "9-1", "--ring", "0").returncode == 0
    assert not loopback.service.captures._sinks


def test_a_file_needs_a_name_and_a_device_must_be_there(loopback: World, folder: Path) -> None:
    assert run(folder, "9-1").returncode == 2
    assert run(folder, "7-7", "-o", str(folder / "x")).returncode == 1
    assert not (folder / "x").exists()


def refused(folder: Path, path: Path) -> str:
    """What ``wslusb capture`` says of a place where it cannot write."""
    command = [sys.executable, "-m", "wslusb", "capture", "--control", str(folder / "control"), "-a", "-o", str(path)]
    done = subprocess.run([*command, "--seconds", "0.1"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_places_that_take_no_file(loopback: World, folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert "fifo: " in refused(folder, tmp_path / "fifo")
    if Path("/dev/full").exists():
        assert "/dev/full: No space left on device" in refused(folder, Path("/dev/full"))
    until(lambda: not loopback.service.captures._sinks, "nothing is captured any more")


def test_a_file_that_was_there_is_its_owners_alone_from_now_on(loopback: World, folder: Path) -> None:
    there = folder / "out.pcapng"
    there.write_bytes(b"everybody may read this")
    there.chmod(0o644)
    Capture(loopback.service, folder / "control", folder, "-a").stop()
    assert there.stat().st_mode & 0o777 == 0o600
    assert b"everybody" not in there.read_bytes()


def test_an_agent_captures_what_its_kernel_asks_for(
    host: World, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "_SETTLE", 0.01)
    vhci, met = MadeVhci(tmp_path / "sys"), threading.Event()
    agent = Agent(host.address, vhci, lambda _host: met.set())
    thread = threading.Thread(target=agent.run)
    thread.start()
    server = ControlServer(folder / "agent", GuestRequests(agent))
    assert met.wait(PATIENCE)
    info, _ = agent.attach(SERIALS[1])
    capture = Capture(agent, folder / "agent", folder, SERIALS[1])
    kernel = vhci.kernels[0]
    kernel.control(7, 0x80, 6, 0x0303, 0x0409, 255)
    assert SERIALS[1].encode("utf-16-le") in kernel.answer().data
    capture.stop()
    assert [(each.kind, each.status) for each in capture.records if each.key == 7] == [("S", -115), ("C", 0)]
    assert f"wslusb:{info.busid}".encode() in capture.bytes
    assert SERIALS[1].encode("utf-16-le") not in capture.bytes
    messages = [vsockmon.read(each.data) for each in capture.packets if each.link_type == 271]
    assert [each.to_host for each in messages if each] == [True, False]
    agent.stop()
    thread.join(PATIENCE)
    server.close()
    vhci.close()


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_decodes_it_down_to_the_class(host: World, folder: Path) -> None:
    busid = next(info.busid for info in host.provider.devices() if info.serial == SERIALS[1])
    capture = Capture(host.service, folder / "control", folder, busid)
    guest = Guest(host, busid)
    use(guest.device)
    guest.close()
    capture.stop()
    done = subprocess.run(["tshark", "-r", str(capture.path)], capture_output=True, text=True, timeout=60, check=True)
    assert "SCSI: Write(10)" in done.stdout
    assert "SCSI: Response LUN: 0x00 (Write(10)) (Good)" in done.stdout
    assert "GET DESCRIPTOR Response STRING" in done.stdout
    assert "damaged" not in done.stderr


def test_two_captures_of_a_device_have_counts_of_their_own(loopback: World, folder: Path, tmp_path: Path) -> None:
    guest = Guest(loopback)
    small = Capture(loopback.service, folder / "control", folder, "9-1", "--queue", "1K")
    whole = Capture(loopback.service, folder / "control", tmp_path, "--all", others=1)
    for _ in range(100):
        read_zeroes(guest.device, 4096)
    said = [small.stop(), whole.stop()]
    guest.close()
    dropped = [int(re.findall(r"(\d+) records dropped", each)[0]) for each in said]
    assert dropped[0] > 0
    assert dropped[1] == 0
    counts = [statistics(each.bytes) for each in (small, whole)]
    assert sum(lost for _, lost in counts[0]) == dropped[0]
    assert [lost for _, lost in counts[1]] == [0, 0]
    assert b"were dropped" not in whole.bytes
    asked = [each for each in whole.records if each.key < 1 << 33 and each.first]
    assert len(asked) == 100


def test_a_file_whose_writer_was_killed_ends_with_a_whole_block(loopback: World, folder: Path) -> None:
    guest = Guest(loopback)
    capture = Capture(loopback.service, folder / "control", folder, "9-1")
    read_zeroes(guest.device)
    until(lambda: capture.own_records == 2, "it is in the file")
    capture.stop(signal.SIGKILL)
    guest.close()
    assert statistics(capture.bytes) == []
    assert b"second scan pending" in capture.bytes


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_tshark_opens_what_a_signal_has_left(loopback: World, folder: Path, how: signal.Signals) -> None:
    guest = Guest(loopback)
    capture = Capture(loopback.service, folder / "control", folder, "9-1")
    read_zeroes(guest.device)
    until(lambda: capture.own_records == 2, "it is in the file")
    capture.stop(how)
    guest.close()
    command = ["tshark", "-r", str(capture.path), "-Y", "usb.transfer_type == 3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert len(done.stdout.splitlines()) == 2
    assert "cut short" not in done.stderr
