"""wslusb.guest.vhci on a made-up sysfs."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from wslusb.errors import LocalError, LocalReason
from wslusb.guest.vhci import Port, Vhci
from wslusb.usb.ids import Speed

STATUS = """hub port sta spd dev      sockfd local_busid
hs  0000 006 003 00010002 000003 1-1
hs  0001 004 000 00000000 000000 0-0
hs  0002 005 003 00010003 000004 0-0
ss  0003 004 000 00000000 000000 0-0
"""
STATUS_1 = """hub port sta spd dev      sockfd local_busid
hs  0004 004 000 00000000 000000 0-0
ss  0005 006 005 00010009 000007 4-1
"""


@pytest.fixture
def controller(tmp_path: Path) -> Path:
    folder = tmp_path / "devices/platform/vhci_hcd.0"
    folder.mkdir(parents=True)
    (folder / "status").write_text(STATUS)
    (folder / "status.1").write_text(STATUS_1)
    for name in ("attach", "detach"):
        (folder / name).write_text("")
    return folder


@pytest.fixture
def vhci(tmp_path: Path, controller: Path) -> Vhci:
    return Vhci(tmp_path)


@pytest.fixture
def end() -> Iterator[socket.socket]:
    one, two = socket.socketpair()
    yield one
    one.close()
    two.close()


def test_ports(vhci: Vhci) -> None:
    ports = vhci.ports()
    assert [port.number for port in ports] == [0, 1, 2, 3, 4, 5]
    assert ports[0] == Port(0, False, 6, 0x10002, "1-1")
    assert [port.free for port in ports] == [False, True, False, True, True, False]
    assert ports[2].busid == "", "it has no address yet"
    assert [port.superspeed for port in ports] == [False, False, False, True, False, True]
    assert vhci.port(5) == ports[5]
    assert vhci.port(99) is None


@pytest.mark.parametrize(
    ("speed", "number"), [(Speed.LOW, 1), (Speed.HIGH, 1), (Speed.SUPER, 3), (Speed.SUPER_PLUS, 3)]
)
def test_attach_chooses_a_free_port_of_the_speed(
    vhci: Vhci, controller: Path, end: socket.socket, speed: Speed, number: int
) -> None:
    assert vhci.attach(end, 0x10005, speed) == number
    assert (controller / "attach").read_text() == f"{number} {end.fileno()} {0x10005} {int(speed)}"


def test_no_port_is_free(vhci: Vhci, controller: Path, end: socket.socket) -> None:
    (controller / "status").write_text(STATUS.replace(" 004 ", " 006 "))
    (controller / "status.1").write_text(STATUS_1.replace(" 004 ", " 006 "))
    for speed, kind in ((Speed.HIGH, "high-speed"), (Speed.SUPER, "SuperSpeed")):
        with pytest.raises(LocalError, match=kind) as caught:
            vhci.attach(end, 1, speed)
        assert caught.value.reason is LocalReason.REFUSED


def test_a_port_that_somebody_else_took(vhci: Vhci, end: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def write(_self: Vhci, _name: str, text: str) -> None:
        written.append(text)
        if len(written) == 1:
            raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(Vhci, "_write", write)
    assert vhci.attach(end, 1, Speed.HIGH) == 4
    assert [text.split()[0] for text in written] == ["1", "4"]


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EACCES, LocalReason.ACCESS_DENIED), (errno.EINVAL, LocalReason.REFUSED)]
)
def test_attach_is_refused(
    vhci: Vhci, end: socket.socket, monkeypatch: pytest.MonkeyPatch, number: int, reason: LocalReason
) -> None:
    def write(_self: Vhci, _name: str, _text: str) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(Vhci, "_write", write)
    with pytest.raises(LocalError) as caught:
        vhci.attach(end, 1, Speed.HIGH)
    assert caught.value.reason is reason


@pytest.mark.parametrize("speed", [Speed.SUPER_PLUS, Speed.SUPER, Speed.HIGH])
def test_a_kernel_that_does_not_know_super_plus(
    vhci: Vhci, controller: Path, end: socket.socket, monkeypatch: pytest.MonkeyPatch, speed: Speed
) -> None:
    """It gets SUPER. Slower devices that are refused are refused."""
    written: list[str] = []
    write = Vhci._write

    def old_kernel(self: Vhci, name: str, text: str) -> None:
        written.append(text)
        if speed is not Speed.SUPER_PLUS or text.endswith(f" {int(Speed.SUPER_PLUS)}"):
            raise OSError(errno.EINVAL, "invalid speed")
        write(self, name, text)

    monkeypatch.setattr(Vhci, "_write", old_kernel)
    if speed is not Speed.SUPER_PLUS:
        with pytest.raises(LocalError):
            vhci.attach(end, 7, speed)
        assert len(written) == 1
        return
    assert vhci.attach(end, 7, speed) == 3
    assert len(written) == 2
    assert (controller / "attach").read_text() == f"3 {end.fileno()} 7 {int(Speed.SUPER)}"


def test_detach(vhci: Vhci, controller: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vhci.detach(3)
    assert (controller / "detach").read_text() == "3"
    raised = OSError(errno.EINVAL, "closed already")

    def write(_self: Vhci, _name: str, _text: str) -> None:
        raise raised

    monkeypatch.setattr(Vhci, "_write", write)
    vhci.detach(3)
    raised = PermissionError(errno.EACCES, "no")
    with pytest.raises(LocalError) as caught:
        vhci.detach(3)
    assert caught.value.reason is LocalReason.ACCESS_DENIED


def test_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    vhci = Vhci(tmp_path / "sys")
    assert not vhci.present
    with pytest.raises(LocalError) as caught:
        vhci.load()
    assert (caught.value.reason, "modprobe" in caught.value.hint) == (LocalReason.MISSING, True)
    assert vhci.ports() == []


def test_a_module_that_is_there_is_not_loaded(vhci: Vhci, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    vhci.load()


@pytest.mark.parametrize(
    ("state", "devnum", "resetting"),
    [
        ("configured", "5", False),
        ("default", "5", True),
        ("addressed", "5", True),
        (None, "0", True),
        (None, "5", False),
        (None, None, False),
    ],
)
def test_resetting(vhci: Vhci, tmp_path: Path, state: str | None, devnum: str | None, resetting: bool) -> None:
    device = tmp_path / "bus/usb/devices/1-1"
    (device / "port").mkdir(parents=True)
    if state is not None:
        (device / "port/state").write_text(state + "\n")
    if devnum is not None:
        (device / "devnum").write_text(devnum + "\n")
    assert vhci.resetting(0) is resetting
    assert not vhci.resetting(1), "no device"
    assert not vhci.resetting(77), "no port"
