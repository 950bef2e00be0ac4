"""QEMU's USB devices on its xHCI controller, under a stock Debian kernel, used by the guest's own class drivers."""

from __future__ import annotations

import array
import hashlib
import itertools
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.vm.hardware import Bridge, Disk, SerialPort, Speaker
from hil.vm.qemu import QemuMachine
from tests.kernel.support import MIB, Passthrough, copying, program, taken_ports, tools

Hardware = Passthrough[QemuMachine]
KEYBOARD, SERIAL_PORT, SPEAKER, UAS, STICK = "0627:0001", "0403:6001", "46f4:0002", "46f4:0003", "STICK1"
KEY_A, KEY_LEFTSHIFT, KEY_B = 30, 42, 48
TONE = 1000
SECONDS = 3


@pytest.fixture(scope="module", autouse=True)
def shared(qemu_daemons: Hardware) -> None:
    """All of it is shared at once: the stock kernel's Python is slow."""
    qemu_daemons.ready()
    qemu_daemons.at_once(qemu_daemons.host, "bind", (KEYBOARD, SERIAL_PORT, SPEAKER, STICK, UAS))


def read_and_write(hardware: Hardware, disk: str, piece: Disk) -> None:
    """What is on the disk is read, what is written comes back and is in the image."""
    guest = hardware.guest
    assert guest.run(f"head -c {4 * MIB} {disk} | sha256sum").stdout.split()[0] == digest(piece.content(0, 4 * MIB))
    data = random.Random(5).randbytes(2 * MIB)
    (hardware.rig.shared / "written").write_bytes(data)
    guest.run(f"dd if={hardware.rig.shared}/written of={disk} bs=1M seek=16 oflag=direct conv=fsync status=none")
    written = piece.content(16 * MIB, len(data))
    wrong = [at for at in range(0, len(data), 512) if written[at : at + 512] != data[at : at + 512]]
    assert not wrong, f"{len(wrong)} sectors differ in the image, from byte {wrong[0]} on"
    read = guest.run(f"dd if={disk} bs=1M skip=16 count=2 iflag=direct status=none | sha256sum").stdout
    assert read.split()[0] == digest(data)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_superspeed_stick_goes_to_a_superspeed_port(hardware: Hardware) -> None:
    disk = hardware.disk(STICK)
    (port,) = taken_ports(hardware.guest)
    assert port.startswith("ss ")
    speed = hardware.guest.run("cat $(dirname $(grep -lsx STICK1 /sys/bus/usb/devices/*/serial))/speed").stdout
    assert speed.strip() == "5000"
    read_and_write(hardware, disk, hardware.host.piece(Disk))


def test_a_uas_disk(hardware: Hardware) -> None:
    disk = hardware.disk(UAS, "host")
    driver = "readlink /sys/bus/usb/devices/*/*:1.0/driver"
    assert "uas" in {line.rpartition("/")[2] for line in hardware.guest.run(driver).stdout.split()}
    read_and_write(hardware, disk, hardware.host.piece(Bridge).disk)


def test_a_serial_line_carries_bytes_both_ways(hardware: Hardware) -> None:
    """FTDI: every packet of 64 bytes begins with two of status, and the driver reads all the time."""
    (node,) = hardware.attach(SERIAL_PORT)
    assert node.startswith("/dev/ttyUSB")
    for size in (100, 24 << 10):
        through_the_line(hardware, node, size)


def through_the_line(hardware: Hardware, node: str, size: int) -> None:
    """So many bytes in one burst to the guest, and then from it."""
    line = hardware.host.piece(SerialPort).line
    with hardware.guest.start(program("serial_line", node, "receive", str(size), "1")) as receiver:
        receiver.wait_for_output("ready")
        line.sendall(random.Random(1).randbytes(size))
        assert f"received {size}" in receiver.wait(60).stdout
    with hardware.guest.start(program("serial_line", node, "send", str(size), "2")) as sender:
        expected = random.Random(2).randbytes(size)
        got = b""
        while len(got) < size:
            got += line.recv(65536)
        assert got == expected
        sender.wait_for_output("sent")


def test_keys_arrive_in_the_guest(hardware: Hardware) -> None:
    """Interrupt IN: each press is a report, and none comes twice or out of order."""
    nodes = hardware.attach(KEYBOARD)
    assert any(node.startswith("/dev/hidraw") for node in nodes)
    node = next(node for node in nodes if node.startswith("/dev/input/event"))
    with hardware.guest.start(program("keys", node)) as keys:
        keys.wait_for_output("ready")
        expected = []
        for _ in range(5):
            hardware.host.press("a")
            expected += [(KEY_A, 1), (KEY_A, 0)]
            keys.wait_for_output("\n".join(f"key {code} {value}" for code, value in expected), 10)
        hardware.host.press("shift", "b")
        expected += [(KEY_LEFTSHIFT, 1), (KEY_B, 1)]
        keys.wait_for_output("\n".join(f"key {code} {value}" for code, value in expected), 10)
        keys.wait_for_output(f"key {KEY_LEFTSHIFT} 0", 10)
        keys.wait_for_output(f"key {KEY_B} 0", 10)


# -- isochronous OUT


def test_a_tone_played_in_the_guest_is_in_the_wave_file(hardware: Hardware) -> None:
    """ALSA in the guest, snd-usb-audio, vhci, vsock, libusb, xHCI, QEMU's sound card: no gap, no other pitch."""
    tools("aplay")
    (hardware.rig.shared / "tone").write_bytes(sine(TONE, SECONDS, 48000))
    nodes = hardware.attach(SPEAKER)
    card = next(node for node in nodes if node.startswith("/dev/snd/pcm"))[len("/dev/snd/pcmC")]
    wav = hardware.host.piece(Speaker).wav
    assert wav is not None
    before = wav.stat().st_size
    command = f"aplay -q -D hw:{card} -f S16_LE -c 2 -r 48000 -t raw {hardware.rig.shared}/tone"
    played = hardware.guest.run(command, timeout=60)
    assert "underrun" not in played.output
    print(f"{SECONDS} s of sound took {played.seconds:.1f} s")
    hardware.detach(SPEAKER)
    windows = pitches(wav, before)
    print(f"{len(windows)} windows of 20 ms: {sorted(set(windows))}")
    # QEMU keeps the last few kilobytes until it ends; the first and the last window hold the edge of the tone.
    assert len(windows) >= (SECONDS - 0.5) * 50
    assert all(abs(pitch - TONE) <= 50 for pitch in windows[1:-1])


def sine(frequency: int, seconds: int, rate: int) -> bytes:
    """Stereo, 16 bits, little-endian."""
    samples = array.array("h")
    for at in range(seconds * rate):
        samples.extend([round(20000 * math.sin(2 * math.pi * frequency * at / rate))] * 2)
    return samples.tobytes()


def pitches(wav: Path, offset: int) -> list[float]:
    """The frequency of each window of 20 ms, by its rising edges, from the first sound to the last.

    The header is not written before QEMU ends: 44 bytes, stereo, 16 bits, 44100 samples a second.
    """
    data = wav.read_bytes()[max(offset, 44) :]
    samples = array.array("h", data[: len(data) // 4 * 4])[::2]
    loud = [at for at, sample in enumerate(samples) if abs(sample) > 1000]
    assert loud, "there is no sound in the file"
    sound, width = samples[loud[0] : loud[-1] + 1], 882
    found = []
    for start in range(0, len(sound) - width - 1, width):
        window = sound[start : start + width + 1]
        edges = sum(1 for before, after in itertools.pairwise(window) if before < 0 <= after)
        found.append(edges * 44100 / width)
    return found


# -- hot-plug


@pytest.fixture
def plugged(hardware: Hardware) -> Iterator[None]:
    """Whatever the test did, the stick is plugged in afterwards."""
    yield
    if STICK not in hardware.host.run("cat /sys/bus/usb/devices/*/serial").stdout:
        hardware.host.plug("stick")


def test_a_stick_is_pulled_out_during_a_copy_and_put_back(hardware: Hardware, plugged: None) -> None:
    disk = hardware.disk(STICK)
    copy = copying(hardware.guest, disk, "read")
    waiting = hardware.guest.start(f"echo up; while [ -e {disk} ]; do sleep 0.02; done; echo gone")
    waiting.wait_for_output("up")
    started = time.monotonic()
    hardware.host.unplug("stick")
    waiting.wait_for_output("gone", 10)
    seconds = time.monotonic() - started
    print(f"the guest saw it go after {seconds:.2f} s")
    assert seconds < 2
    hardware.no_ghost()
    copy.wait(10)
    assert hardware.service is not None
    assert hardware.service.running
    hardware.host.plug("stick")
    hardware.wait_listed(STICK)
    disk = hardware.disk(STICK)
    expected = digest(hardware.host.piece(Disk).content(0, MIB))
    assert hardware.guest.run(f"head -c {MIB} {disk} | sha256sum").stdout.split()[0] == expected


def test_the_host_s_drivers_have_everything_back(hardware: Hardware) -> None:
    """After all that, nothing is attached, and the stock kernel uses its hardware as if nothing had been."""
    hardware.wait_driver(STICK, "usb-storage")
    hardware.host.wait_until("ls /sys/bus/usb/drivers/uas/*:1.0 >/dev/null", 20)
    disk = hardware.host_disk(STICK)
    expected = digest(hardware.host.piece(Disk).content(0, MIB))
    assert hardware.host.run(f"head -c {MIB} {disk} | sha256sum").stdout.split()[0] == expected
    hardware.host.wait_until("[ -c /dev/ttyUSB0 ] && grep -q USB-Audio /proc/asound/cards", 20)
