"""The rigs themselves: that the machines do what the other kernel tests take for granted."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.errors import CommandFailedError, CommandTimeoutError, MachineDiedError
from hil.vm.hardware import Disk, SerialPort, Speaker
from hil.vm.qemu import QemuMachine
from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine

LISTEN = """
import socket
server = socket.socket(socket.AF_VSOCK)
server.bind((socket.VMADDR_CID_ANY, {port}))
server.listen()
print("listening", flush=True)
peer, address = server.accept()
count = len(peer.recv(1))
peer.sendall(b"!")
while data := peer.recv(1 << 16):
    count += len(data)
print("got", count, "from", address[0], flush=True)
"""

CONNECT = """
import socket, time
peer = socket.socket(socket.AF_VSOCK)
peer.connect(({cid}, {port}))
peer.sendall(bytes({size}))
peer.recv(1)
print("connected", flush=True)
time.sleep({linger})
"""


@pytest.fixture
def lone_machine(tmp_path: Path) -> Iterator[UmlMachine]:
    with Rig.uml_single(tmp_path) as rig:
        yield rig.host


def test_machines_see_the_checkout_and_the_interpreter(uml_pair: Rig[UmlMachine]) -> None:
    for machine in (uml_pair.host, uml_pair.guest):
        said = machine.python("-c", "import sys, hil; print(sys.executable, hil.__path__[0])").stdout.split()
        assert said == [sys.executable, str(Path(__file__).parents[2] / "hil")]


def test_output_larger_than_any_buffer_arrives_whole(uml_pair: Rig[UmlMachine]) -> None:
    result = uml_pair.guest.run("seq 300000; seq 1000 >&2")
    assert result.stdout == "".join(f"{n}\n" for n in range(1, 300001))
    assert result.stderr.endswith("\n1000\n")
    assert len(result.output) == len(result.stdout) + len(result.stderr)


def test_commands_and_files_larger_than_a_terminal_buffer(uml_pair: Rig[UmlMachine]) -> None:
    data = random.Random(1).randbytes(200_000)
    uml_pair.guest.put("/root/blob", data)
    assert uml_pair.guest.get("/root/blob") == data
    assert uml_pair.guest.run("#" + "x" * 20_000 + "\necho done").stdout == "done\n"
    assert uml_pair.guest.run("wc -c", stdin=data).stdout == "200000\n"


def test_many_processes_at_once(uml_pair: Rig[UmlMachine]) -> None:
    processes = [uml_pair.guest.start(f"sleep 0.2; seq {n}; exit {n}") for n in range(1, 9)]
    results = [process.wait() for process in processes]
    assert [result.returncode for result in results] == list(range(1, 9))
    assert results[7].stdout.split() == [str(n) for n in range(1, 9)]


def test_signals_reach_the_whole_group(uml_pair: Rig[UmlMachine]) -> None:
    with uml_pair.guest.start("sleep 1000 & echo up; wait") as process:
        process.wait_for_output("up")
        process.kill(signal.SIGTERM)
        assert process.wait(10).returncode == -signal.SIGTERM
    assert uml_pair.guest.run("pgrep -x sleep", check=False).returncode == 1


def test_a_daemon_left_behind_does_not_keep_its_parent_from_ending(uml_pair: Rig[UmlMachine]) -> None:
    process = uml_pair.guest.start("sleep 1000 & echo left")
    assert process.wait(10).stdout == "left\n"
    process.kill()


def test_failures_are_errors_that_say_what_happened(uml_pair: Rig[UmlMachine]) -> None:
    with pytest.raises(CommandFailedError, match=r"ended with 3:\nouch"):
        uml_pair.host.run("echo ouch; exit 3")
    assert uml_pair.host.run("exit 3", check=False).returncode == 3
    with pytest.raises(CommandFailedError, match="/no/such/program"):
        uml_pair.host.run(["/no/such/program"])
    with pytest.raises(CommandTimeoutError, match="still here"):
        uml_pair.host.run("echo still here; sleep 1000", timeout=1)


def test_the_shared_directory_has_one_path(uml_pair: Rig[UmlMachine]) -> None:
    uml_pair.host.run(f"echo artefact > {uml_pair.shared}/x")
    assert (uml_pair.shared / "x").read_text() == "artefact\n"
    assert uml_pair.guest.run(["cat", uml_pair.shared / "x"]).stdout == "artefact\n"


def test_the_rest_of_the_file_system_is_not_written_back(uml_pair: Rig[UmlMachine], tmp_path: Path) -> None:
    uml_pair.host.run(f"mkdir -p {tmp_path} && touch {tmp_path}/x")
    assert not (tmp_path / "x").exists()


def test_vsock_from_guest_to_host(uml_pair: Rig[UmlMachine]) -> None:
    with uml_pair.host.start([sys.executable, "-c", LISTEN.format(port=5000)]) as server:
        server.wait_for_output("listening")
        uml_pair.guest.python("-c", CONNECT.format(cid=2, port=5000, size=10_000_000, linger=0))
        server.wait_for_output("got 10000000 from 42")


def test_vsock_from_host_to_guest(uml_pair: Rig[UmlMachine]) -> None:
    with uml_pair.guest.start([sys.executable, "-c", LISTEN.format(port=5001)]) as server:
        server.wait_for_output("listening")
        uml_pair.host.python("-c", CONNECT.format(cid=42, port=5001, size=1_000_000, linger=0))
        server.wait_for_output("got 1000000 from 2")


def test_a_connection_that_nobody_takes_is_refused(uml_pair: Rig[UmlMachine]) -> None:
    result = uml_pair.guest.python("-c", CONNECT.format(cid=2, port=9, size=1, linger=0), check=False)
    assert "ConnectionResetError" in result.stderr


def test_gadgets_are_hardware(uml_pair: Rig[UmlMachine]) -> None:
    host = uml_pair.host
    host.python("-m", "hil.gadgets", "mass-storage", "--size", "1M", "--serial", "RIG1", "--seed", "5")
    host.wait_until("[ -b /dev/sda ]", 10)
    assert host.get("/dev/sda") == random.Random(5).randbytes(1 << 20)
    host.python("-m", "hil.gadgets", "unplug", "rig1")
    host.wait_until("[ ! -b /dev/sda ]", 10)
    host.python("-m", "hil.gadgets", "remove", "rig1")
    assert host.python("-m", "hil.gadgets", "list").stdout == ""


def test_several_gadgets_side_by_side(lone_machine: UmlMachine) -> None:
    for name in ("source-sink", "acm", "hid"):
        lone_machine.python("-m", "hil.gadgets", name)
    lone_machine.wait_until("[ -e /sys/bus/usb/drivers/usbtest/*:1.0 -a -c /dev/ttyACM0 -a -c /dev/hidraw0 ]", 10)


@pytest.mark.parametrize(("speed", "megabits"), [("full", "12"), ("high", "480"), ("super", "5000")])
def test_gadget_speeds(tmp_path: Path, speed: str, megabits: str) -> None:
    with Rig.uml_single(tmp_path, kernel_args=["dummy_hcd.is_super_speed=1"]) as rig:
        rig.host.python("-m", "hil.gadgets", "mass-storage", "--size", "1M", "--speed", speed)
        rig.host.wait_until("grep -q SN77 /sys/bus/usb/devices/*/serial", 10)
        where = rig.host.run("dirname $(grep -l SN77 /sys/bus/usb/devices/*/serial)").stdout.strip()
        assert rig.host.get(f"{where}/speed").decode().strip() == megabits


@pytest.mark.parametrize("format_command", ["mkfs.ext2 -q", "mkfs.vfat"])
def test_file_systems_can_be_made_and_mounted(lone_machine: UmlMachine, format_command: str) -> None:
    lone_machine.python("-m", "hil.gadgets", "mass-storage", "--size", "8M")
    lone_machine.wait_until("[ -b /dev/sda ]", 10)
    script = (
        f"{format_command} /dev/sda && mount /dev/sda /mnt && echo hello >/mnt/x && umount /mnt && mount /dev/sda /mnt"
    )
    lone_machine.run(script)
    assert lone_machine.get("/mnt/x") == b"hello\n"


def test_a_machine_that_is_killed_takes_its_connections_with_it(tmp_path: Path) -> None:
    with Rig.uml_pair(tmp_path) as rig, rig.host.start([sys.executable, "-c", LISTEN.format(port=5000)]) as server:
        server.wait_for_output("listening")
        client = rig.guest.start([sys.executable, "-c", CONNECT.format(cid=2, port=5000, size=1000, linger=1000)])
        client.wait_for_output("connected")
        rig.guest.kill()
        server.wait_for_output("got 1000 from 42", timeout=2)
        with pytest.raises(MachineDiedError):
            client.wait(5)
        assert not rig.guest.alive


def test_a_machine_can_come_back(tmp_path: Path) -> None:
    with Rig.uml_pair(tmp_path) as rig:
        rig.restart_guest()
        with rig.host.start([sys.executable, "-c", LISTEN.format(port=5000)]) as server:
            server.wait_for_output("listening")
            rig.guest.python("-c", CONNECT.format(cid=2, port=5000, size=1000, linger=0))
            server.wait_for_output("got 1000 from 42")


def test_qemu_hardware_is_there(qemu_host: Rig[QemuMachine]) -> None:
    qemu_host.host.wait_until("[ -b /dev/sdb -a -c /dev/ttyUSB0 -a -d /proc/asound/card0 ]", 60)
    assert "STICK1" in qemu_host.host.run("cat /sys/bus/usb/devices/*/serial").stdout.split()


def test_qemu_serial_line_has_a_far_end(qemu_host: Rig[QemuMachine]) -> None:
    line = qemu_host.host.piece(SerialPort).line
    script = "stty -F /dev/ttyUSB0 raw -echo; exec 3<>/dev/ttyUSB0; echo ready; read -r x <&3; echo got $x >&3; sleep 1"
    with qemu_host.host.start(script) as process:
        process.wait_for_output("ready")
        line.sendall(b"hello\n")
        assert line.recv(100) == b"got hello\n"


def test_qemu_hot_plug(qemu_host: Rig[QemuMachine]) -> None:
    host = qemu_host.host
    disk = "/sys/bus/usb/devices/*/serial"
    host.unplug("stick")
    host.wait_until(f"! grep -q STICK1 {disk}", 20)
    host.plug("stick")
    host.wait_until(f"grep -q STICK1 {disk}", 20)
    assert len(host.piece(Disk).content(0, 4096)) == 4096


def test_vsock_from_uml_to_qemu(qemu_host: Rig[QemuMachine]) -> None:
    with qemu_host.host.start([sys.executable, "-c", LISTEN.format(port=5000)]) as server:
        server.wait_for_output("listening")
        qemu_host.guest.python("-c", CONNECT.format(cid=2, port=5000, size=1_000_000, linger=0))
        server.wait_for_output("got 1000000 from 42")


def test_qemu_speaker_leaves_a_wave_file(tmp_path: Path) -> None:
    with Rig.qemu_host(tmp_path, hardware=[Speaker(id="speaker")]) as rig:
        rig.host.wait_until("[ -d /proc/asound/card0 ]", 30)
        rig.host.run("head -c 192000 /dev/zero | aplay -q -D hw:0 -f S16_LE -c 2 -r 48000 -t raw", timeout=60)
        wav = rig.host.piece(Speaker).wav
    assert wav is not None
    assert wav.read_bytes()[:4] == b"RIFF"
    assert int.from_bytes(wav.read_bytes()[40:44], "little") > 150_000


def test_boot_is_fast_enough_to_be_used(tmp_path: Path) -> None:
    started = time.monotonic()
    with Rig.uml_pair(tmp_path):
        assert time.monotonic() - started < 10
