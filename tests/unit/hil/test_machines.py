from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from hil.errors import QmpError, RigError
from hil.kernel.debian import StockKernel
from hil.vm.hardware import SerialPort, Stick, UasDisk, default_hardware
from hil.vm.machine import kernel_words
from hil.vm.qemu import QemuMachine
from hil.vm.qmp import Qmp
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
    for piece in hardware:
        if isinstance(piece, Stick):
            piece.size = 4096
    machine = QemuMachine("m", tmp_path, tmp_path, kernel=kernel, hardware=hardware, vsock=Path("/s"))
    words = [str(word) for word in machine.command_line()]
    devices = [json.loads(word) for word in words if word.startswith("{")]
    ports = [device["port"] for device in devices if "port" in device]
    assert len(ports) == len(set(ports)) == 5
    assert machine.piece(UasDisk).disk()["bus"] == "uas.0"
    assert machine.piece(SerialPort).id == "serial"
    assert len(machine.piece(Stick).content(0, 512)) == 512
    machine.stop()


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
    ]  # fmt: skip
    with ours, theirs:
        theirs.sendall(b"".join(json.dumps(line).encode() + b"\r\n" for line in lines))
        monitor = Qmp(ours)
        assert monitor.execute("query-x", some_key=1) == [1]
        with pytest.raises(QmpError, match="device_del: no such device"):
            monitor.execute("device_del", id="y")
        assert monitor.wait_event("DEVICE_DELETED", device="x")["data"]["path"] == "/p"
        sent = [json.loads(line) for line in theirs.recv(65536).splitlines()]
        assert sent[1] == {"execute": "query-x", "arguments": {"some-key": 1}}
        timer = threading.Timer(0.05, theirs.shutdown, [socket.SHUT_RDWR])
        timer.start()
        with pytest.raises(QmpError, match="gone"):
            monitor.wait_event("NEVER", 5)
        timer.join()
