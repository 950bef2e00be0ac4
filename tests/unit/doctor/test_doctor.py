"""wslusb.doctor: each check against a made-up machine. Nothing of this one is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import wslusb
from wslusb.cli import doctor as verb
from wslusb.cli.program import program
from wslusb.doctor import Outcome, Side, Surroundings, diagnose, side_of
from wslusb.doctor.surroundings import Asked
from wslusb.errors import LocalError, LocalReason
from wslusb.system.api import HostDevice
from wslusb.usb.info import DeviceInfo

SERVICE: dict[str, Any] = {
    "version": wslusb.__version__,
    "listening": ["vsock:"],
    "guests": [{"name": f"wslusb {wslusb.__version__} (vm)", "agent": True}],
    "devices": [{"busid": "1-1", "state": "attached"}],
}
AGENT: dict[str, Any] = {
    "version": wslusb.__version__,
    "host": "vsock:2",
    "connected": True,
    "host_name": f"wslusb {wslusb.__version__} (Linux)",
    "attached": [],
}
STATUS = """hub port sta spd dev      sockfd local_busid
hs  0000 004 000 00000000 000000 0-0
ss  0008 004 000 00000000 000000 0-0
"""


PORTS = "sys/devices/platform/vhci_hcd.0/status"


class World:
    """A machine where all is well, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.devices = [
            HostDevice(info=DeviceInfo(busid="1-1", vendor=1, product=2), bus=1, address=2, drivers={0: "usbfs"})
        ]
        self.service, self.agent = Asked(SERVICE), Asked(AGENT)
        self.libusb: Callable[[], str] = lambda: "1.0.26"
        self.cid: Callable[[Path], int] = lambda _path: 42
        self.python, self.root = (3, 11, 0), True
        self.write("dev/bus/usb/001/002")
        self.write("dev/vhost-vsock")
        self.write("dev/vsock")
        self.write("sys/devices/platform/vhci_hcd.0/attach")
        self.write(PORTS, STATUS)
        (folder / "state").mkdir()

    def write(self, name: str, text: str = "") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def surroundings(self) -> Surroundings:
        here = self.folder
        return Surroundings(
            sysfs=here / "sys", proc=here / "proc", dev=here / "dev", modules=here / "modules",
            state_dir=here / "state", python=self.python, root=self.root,
            devices=lambda: self.devices, libusb_version=self.libusb, local_cid=self.cid,
            service=lambda: self.service, agent=lambda: self.agent,
        )  # fmt: skip

    def finding(self, name: str) -> tuple[Outcome, str, str]:
        for result in diagnose(self.surroundings(), list(Side)):
            if result.name == name:
                return result.finding.outcome, result.finding.text, result.finding.fix
        raise AssertionError(name)

    def outcomes(self, sides: Sequence[Side]) -> set[Outcome]:
        return {result.finding.outcome for result in diagnose(self.surroundings(), sides)}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.delenv("SUDO_USER", raising=False)
    return World(tmp_path)


def test_where_all_is_well(world: World) -> None:
    assert world.outcomes([Side.HOST]) == {Outcome.PASS}
    assert world.outcomes([Side.GUEST]) == {Outcome.PASS, Outcome.SKIP}, "root needs no groups"


def test_every_failure_has_a_fix(world: World) -> None:
    broken(world)
    for result in diagnose(world.surroundings(), list(Side)):
        assert result.finding.fix or result.finding.outcome is not Outcome.FAIL, result
    assert sum(r.finding.outcome is Outcome.FAIL for r in diagnose(world.surroundings(), list(Side))) >= 7


def broken(world: World) -> None:
    def no_libusb() -> str:
        raise OSError("libusb-1.0.so.0: cannot open shared object file")

    world.libusb, world.python = no_libusb, (3, 10, 9)
    world.service = world.agent = Asked()
    for name in ("dev/bus/usb/001/002", "dev/vhost-vsock", "dev/vsock", "sys/devices/platform/vhci_hcd.0/attach"):
        world.remove(name)
    (world.folder / "state").rmdir()
    world.write("state")


@pytest.mark.parametrize(
    ("name", "change", "outcome", "text"),
    [
        ("python", lambda w: setattr(w, "python", (3, 10, 1)), Outcome.FAIL, "3.10.1 is too old"),
        ("permissions", lambda w: w.remove("dev/bus/usb/001/002"), Outcome.FAIL, "no node"),
        ("permissions", lambda w: w.devices.clear(), Outcome.SKIP, "no USB devices"),
        ("drivers", lambda w: setattr(w, "service", Asked()), Outcome.WARNING, "another program"),
        ("vsock_host", lambda w: w.remove("dev/vhost-vsock"), Outcome.FAIL, "no vhost_vsock"),
        ("vsock_guest", lambda w: w.remove("dev/vsock"), Outcome.FAIL, "no /dev/vsock"),
        ("vsock_guest", lambda w: setattr(w, "cid", lambda _path: 0xFFFFFFFF), Outcome.FAIL, "no CID"),
        ("service", lambda w: setattr(w, "service", Asked()), Outcome.FAIL, "not running"),
        ("agent", lambda w: setattr(w, "agent", Asked()), Outcome.FAIL, "not running"),
        ("agent", lambda w: setattr(w, "agent", Asked({**AGENT, "connected": False})), Outcome.FAIL, "not connected"),
        ("vhci", lambda w: w.write(PORTS, STATUS.replace("ss", "hs")), Outcome.FAIL, "2 high-speed, 0"),
        ("service", lambda w: setattr(w, "service", Asked({**SERVICE, "guests": []})), Outcome.WARNING, "0 agents"),
        ("versions", lambda w: setattr(w, "agent", Asked({**AGENT, "version": "9"})), Outcome.WARNING, "agent is 9"),
        ("versions", lambda w: setattr(w, "agent", Asked({**AGENT, "host_name": "wslusb 8"})), Outcome.WARNING, "is 8"),
    ],
)  # fmt: skip
def test_what_is_found(world: World, name: str, change: Callable[[World], None], outcome: Outcome, text: str) -> None:
    change(world)
    found = world.finding(name)
    assert found[0] is outcome
    assert text in found[1]


def test_modules_that_can_be_loaded(world: World) -> None:
    world.remove("dev/vhost-vsock")
    world.remove("sys/devices/platform/vhci_hcd.0/attach")
    world.write("modules/modules.dep", "kernel/drivers/usb/usbip/vhci-hcd.ko.xz: kernel/x.ko\nkernel/vhost_vsock.ko:\n")
    assert "sudo modprobe vhost_vsock" in world.finding("vsock_host")[2]
    assert world.finding("vhci")[0] is Outcome.WARNING


def test_a_driver_that_does_not_let_go(world: World) -> None:
    world.devices = [
        HostDevice(info=DeviceInfo(busid="1-1", vendor=1, product=2), bus=1, address=2, drivers={0: "usbip-host"})
    ]
    assert world.finding("drivers") == (Outcome.FAIL, "1-1 is held by usbip-host", "run 'sudo usbip unbind -b 1-1'")


def test_other_transports_need_no_vsock(world: World) -> None:
    world.service = Asked({**SERVICE, "listening": ["unix:/s"]})
    world.agent = Asked({**AGENT, "host": "unix:/s"})

    def forbidden(_path: Path) -> int:
        pytest.fail("/dev/vsock was opened")

    world.cid = forbidden
    assert world.finding("vsock_host")[0] is Outcome.SKIP
    assert world.finding("vsock_guest")[0] is Outcome.SKIP


def test_a_service_that_may_not_be_asked(world: World) -> None:
    world.service = Asked(problem=LocalError(LocalReason.ACCESS_DENIED, "no permission for /run/wslusb/service.sock"))
    assert world.finding("service")[::2] == (Outcome.FAIL, "use sudo")
    assert world.finding("permissions")[0] is Outcome.SKIP


def test_a_check_that_breaks_is_a_finding(world: World) -> None:
    def explode() -> str:
        raise ZeroDivisionError

    world.libusb = explode
    assert world.finding("libusb")[0] is Outcome.WARNING


@pytest.mark.parametrize(
    ("service", "agent", "files", "sides"),
    [
        (Asked(SERVICE), Asked(), [], [Side.HOST]),
        (Asked(), Asked(AGENT), [], [Side.GUEST]),
        (Asked(SERVICE), Asked(AGENT), [], [Side.HOST, Side.GUEST]),
        (Asked(), Asked(), [], [Side.HOST]),
        (Asked(), Asked(), ["sys/module/hv_sock/x"], [Side.GUEST]),
        (Asked(), Asked(), ["sys/module/vmw_vsock_virtio_transport/x", "dev/vhost-vsock"], [Side.HOST]),
    ],
)
def test_which_side(world: World, service: Asked, agent: Asked, files: list[str], sides: list[Side]) -> None:
    world.service, world.agent = service, agent
    world.remove("dev/vhost-vsock")
    for name in files:
        world.write(name)
    assert side_of(world.surroundings()) == sides


def test_the_verb(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "surroundings", world.surroundings)
    well = CliRunner().invoke(program, ["doctor", "--json"])
    answer = json.loads(well.stdout)
    assert (well.exit_code, answer["schema"], answer["ok"], answer["roles"]) == (
        0,
        "wslusb.doctor/1",
        True,
        ["host", "guest"],
    )
    assert set(answer["checks"][0]) == {"name", "title", "outcome", "text", "fix"}
    broken(world)
    ill = CliRunner().invoke(program, ["doctor", "--role", "guest"])
    assert ill.exit_code == 1
    assert "fail     vhci_hcd  this kernel has no vhci_hcd\n" in ill.stdout
    assert "fix: use a kernel with CONFIG_USBIP_VHCI_HCD" in ill.stdout
    assert "checks failed" in ill.stderr
