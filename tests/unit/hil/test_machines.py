from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from hil.errors import QmpError, RigError
from hil.kernel.debian import StockKernel
from hil.vm.hardware import Bridge, Disk, SerialPort, UsbHardware, assign_ports, default_hardware
from hil.vm.machine import kernel_words
from hil.vm.qemu import QemuMachine
from hil.vm.qmp import Qmp
from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine


def test_white_space_cannot_hide_in_a_kernel_argument() -> None:
    assert kernel_words({"a": 1, "b": Path("/x")}) == ["a=1", "b=/x"]
    with pytest.raises(RigError, match="white space"):
        kernel_words({"a": "b c"})


def test_uml_command_line(tmp_path: Path) -> None:
    machine = UmlMachine(
        "m", tmp_path, tmp_path / "shared", kernel=Path("/k"), vsock=Path("/s"), memory=99, kernel_args=["x=y"]
    )
    words = [str(word) for word in machine.command_line()]
    assert {"mem=99M", "virtio_uml.device=/s:19", "x=y", f"rig.shared={tmp_path}/shared"} <= set(words)
    assert words[0] == "/k"
    machine.stop()


def test_qemu_command_line_has_each_piece_on_a_port_of_its_own(tmp_path: Path) -> None:
    kernel = StockKernel(Path("/image"), Path("/modules"), Path("/initramfs"))
    hardware = default_hardware()
    for piece in (each for whole in hardware for each in (whole, *whole.behind)):
        if isinstance(piece, Disk):
            piece.size = 4096
    machine = QemuMachine("m", tmp_path, tmp_path, kernel=kernel, hardware=hardware, vsock=Path("/s"))
    words = [str(word) for word in machine.command_line()]
    ports = [part for word in words for part in word.split(",") if part.startswith("port=")]
    assert len(ports) == len(set(ports)) == 5
    assert "usb-storage,drive=stick-file,id=stick,bus=xhci.0,port=1,serial=STICK1" in words
    assert words.index("usb-uas,id=uas,bus=xhci.0,port=15") < words.index(
        "scsi-hd,drive=uas-disk-file,id=uas-disk,bus=uas.0"
    )
    assert machine.piece(SerialPort).id == "serial"
    assert len(machine.piece(Disk).content(0, 512)) == len(machine.piece(Bridge).disk.content(0, 512)) == 512
    machine.stop()


def test_hubs_of_the_rig_stand_behind_the_controller_and_before_what_goes_into_them(tmp_path: Path) -> None:
    kernel = StockKernel(Path("/image"), Path("/modules"), Path("/initramfs"))
    behind = UsbHardware(id="mouse", driver="usb-mouse", port="9.1")
    qemu_args = ["-device", "usb-hub,bus=xhci.0,port=9"]
    machine = QemuMachine("m", tmp_path, tmp_path, kernel=kernel, hardware=[behind], qemu_args=qemu_args)
    words = [str(word) for word in machine.command_line()]
    order = ["qemu-xhci,id=xhci,p2=15,p3=8", qemu_args[1], "usb-mouse,id=mouse,bus=xhci.0,port=9.1"]
    assert [words.index(each) for each in order] == sorted(words.index(each) for each in order)
    machine.stop()


def test_a_port_that_is_asked_for_is_nobody_else_s() -> None:
    pieces = [
        UsbHardware(id="a", driver="usb-kbd"), UsbHardware(id="b", driver="usb-kbd", port="1"),
        UsbHardware(id="c", driver="usb-uas"), UsbHardware(id="d", driver="usb-uas"),
        UsbHardware(id="e", driver="usb-kbd", bus="uhci.0"),
    ]  # fmt: skip
    assign_ports(pieces, ["-device", "usb-hub,bus=xhci.0,port=2", "-device", "usb-hub,bus=xhci.0,port=15"])
    assert [piece.port for piece in pieces] == ["3", "1", "14", "13", "1"]


def test_qemu_s_own_words_are_told_when_it_does_not_start(tmp_path: Path) -> None:
    class Refused(QemuMachine):
        def command_line(self) -> list[str | Path]:
            return ["printf", "%s\\n", "qemu-system: -device x: backend must be one of:", "nss-emulated", "cards"]

    kernel = StockKernel(Path("/image"), Path("/modules"), Path("/initramfs"))
    with Refused("m", tmp_path, tmp_path, kernel=kernel) as machine, pytest.raises(RigError) as error:
        machine.power_on()
    first, *rest = str(error.value).splitlines()
    assert "backend must be one of" in first
    assert rest[-1] == "cards"


def test_a_machine_that_is_off_says_so(tmp_path: Path) -> None:
    machine = UmlMachine("m", tmp_path, tmp_path, kernel=Path("/k"))
    assert not machine.alive
    with pytest.raises(RigError, match="not switched on"):
        machine.run("true")
    machine.stop()


def test_qmp() -> None:
    ours, theirs = socket.socketpair()
    lines = [
        {"QMP": {}}, {"return": {}}, {"event": "DEVICE_DELETED", "data": {"device": "x", "path": "/p"}},
        {"return": [1]}, {"error": {"class": "GenericError", "desc": "no such device"}},
        {"return": "Error: no port\r\n"},
    ]  # fmt: skip
    with ours, theirs:
        theirs.sendall(b"".join(json.dumps(line).encode() + b"\r\n" for line in lines))
        monitor = Qmp(ours)
        assert monitor.execute("query-x", some_key=1) == [1]
        with pytest.raises(QmpError, match="device_del: no such device"):
            monitor.execute("device_del", id="y")
        assert monitor.wait_event("DEVICE_DELETED", device="x")["data"]["path"] == "/p"
        with pytest.raises(QmpError, match='device_add usb-kbd,serial=a"b: no port'):
            monitor.typed("device_add", 'usb-kbd,serial=a"b')
        sent = [json.loads(line) for line in theirs.recv(65536).splitlines()]
        assert sent[1] == {"execute": "query-x", "arguments": {"some-key": 1}}
        assert sent[3]["arguments"] == {"command-line": 'device_add "usb-kbd,serial=a\\"b"'}
        timer = threading.Timer(0.05, theirs.shutdown, [socket.SHUT_RDWR])
        timer.start()
        with pytest.raises(QmpError, match="gone"):
            monitor.wait_event("NEVER", 5)
        timer.join()
        theirs.close()
        with pytest.raises(QmpError, match="device_del: QEMU is gone"):
            monitor.execute("device_del", id="y")


def test_a_machine_whose_switch_has_ended_is_not_joined_to_any_other(tmp_path: Path) -> None:
    with Rig[UmlMachine](tmp_path) as rig:
        assert rig._is_joined()
        switch = rig._start_switch(here=True)
        assert rig._is_joined()
        switch._process.kill()
        switch._process.wait()
        assert not rig._is_joined()
