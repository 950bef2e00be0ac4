"""``wslusb report`` beside a real service: one file with everything in it, and with no secret that was planted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.importers import import_device
from tests.support.usb import read_zeroes
from tests.support.vhci import MadeVhci
from tests.support.waiting import PATIENCE, until
from tests.support.world import Guest, World
from wslusb.control.server import ControlServer
from wslusb.device import sync
from wslusb.guest import nodes
from wslusb.guest.agent import Agent
from wslusb.guest.requests import GuestRequests
from wslusb.host.requests import HostRequests
from wslusb.replay.reading import read
from wslusb.usb.setup import Setup

SERIAL, OTHER, THIRD = "SNOFMINE0042", "SNOFANOTHER7", "SNOFATHIRD13"
HOST, USER, HOME, PEER = "planted-host", "planteduser", "plantedhome", "planted-peer"
ADDRESS, UUID = "02:42:ac:11:00:0a", "3f333df6-90a4-4fda-8dd3-9485d27cee36"
PLANTED = (SERIAL, OTHER, THIRD, HOST, USER, HOME, PEER, ADDRESS, UUID)
DMESG = f"""#!/bin/sh
echo '2026-11-22T18:01:22,000000+00:00 usb 1-4: SerialNumber: {THIRD}'
echo '2026-11-22T18:01:22,000001+00:00 usb-storage: {HOST}: /home/{HOME}/x of {USER}, {UUID}'
echo '2026-11-22T18:01:22,000002+00:00 cdc_ether 1-5:2.0 usb0: register, CDC Ethernet Device, {ADDRESS}'
"""
LOG = f"wslusb 0.1.0 ({PEER}, Linux 6.12) is connected\nserial {SERIAL} and {OTHER} of {USER}@{HOST}\n"


class Reporter:
    """A machine of a reporter: a service with two devices, names, and a kernel that talks."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world, self.path = folder, world, folder / "out/bug.zip"
        self.path.parent.mkdir()
        (folder / "bin").mkdir()
        (folder / "log.txt").write_text(LOG)
        self.program("dmesg", DMESG)
        self.program("journalctl", "#!/bin/sh\necho -- No entries --\n")

    def program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ, "WSLUSB_RUNTIME_DIR": str(self.folder), "WSLUSB_STATE_DIR": str(self.folder / "state"),
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOSTNAME": HOST, "SUDO_USER": USER,
        }  # fmt: skip
        command = [sys.executable, "-m", "wslusb", "report", "-o", str(self.path), *arguments]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
        return said

    @property
    def members(self) -> dict[str, bytes]:
        with zipfile.ZipFile(self.path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def use(self) -> None:
        """Ask for all strings, and move something."""
        guest = Guest(self.world)
        for index in range(5):
            sync.control(guest.device, Setup(0x80, 6, 0x0300 | index, 0x0409 if index else 0, 255))
        read_zeroes(guest.device)
        guest.close()

    def ended(self) -> None:
        """Nothing is left beside the bundle."""
        assert list(self.path.parent.iterdir()) in ([], [self.path])


@pytest.fixture
def reporter(folder: Path) -> Iterator[Reporter]:
    with World(folder, f"loopback:serial={SERIAL},storage:serial={OTHER}") as world:
        world.service.bind("9-1")
        server = ControlServer(folder / "service.sock", HostRequests(world.service))
        yield Reporter(folder, world)
        server.close()


def told(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"it ended, and did not say {words!r}")


def leaks(members: dict[str, bytes]) -> list[tuple[str, str]]:
    forms = [(value, form) for value in PLANTED for form in (value.encode(), value.encode("utf-16-le"))]
    return [(name, value) for name, data in members.items() for value, form in forms if form in data]


def test_a_live_capture_until_ctrl_c_and_nothing_that_was_planted(reporter: Reporter) -> None:
    process = reporter.start("9-1", "--log", str(reporter.folder / "log.txt"))
    told(process, "capturing: reproduce the problem now, then press Ctrl-C.")
    reporter.use()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert f"wrote {reporter.path}" in said
    found = reporter.members
    assert set(found) == {
        "README.md", "capture.pcapng", "device.toml", "lsusb.txt", "doctor.txt", "doctor.json", "state.json",
        "versions.txt", "kernel.txt", "logs/1.txt",
    }  # fmt: skip
    assert leaks(found) == []
    assert b"second scan clean" in found["capture.pcapng"]
    assert b"none was found" in found["README.md"]
    token = json.loads(found["state.json"])["service"]["devices"][0]["serial"]
    assert len(token) == len(SERIAL)
    for name in ("device.toml", "lsusb.txt", "logs/1.txt"):
        assert token.encode() in found[name]
    assert token.encode("utf-16-le") in found["capture.pcapng"]
    reporter.ended()
    story = read(reporter.path)
    assert any(each.request.endpoint == 0x81 for each in story.exchanges)
    assert import_device(reporter.path).model.gadget.device.vendor == 0x0525


def test_what_a_ring_has_kept_needs_nobody_to_wait(reporter: Reporter) -> None:
    reporter.world.service.captures.keep_ring("9-1", 1 << 20)
    reporter.use()
    reporter.run("9-1")
    assert leaks(reporter.members) == []
    assert b"what the ring had kept" in reporter.members["README.md"]
    assert len(read(reporter.path).exchanges) > 5


def test_a_device_that_a_guest_has_is_described_by_what_is_known_of_it(reporter: Reporter) -> None:
    guest = Guest(reporter.world)
    reporter.run("9-1", "--seconds", "0.05")
    guest.close()
    found = reporter.members
    assert b"it is attached to " in found["device.toml"]
    assert leaks(found) == []
    imported = import_device(reporter.path).model.gadget
    assert tuple(each.pack() for each in imported.configurations) == reporter.world.info().configurations


def test_raw_keeps_all_of_it(reporter: Reporter) -> None:
    reporter.world.service.captures.keep_ring("9-1", 1 << 20)
    reporter.use()
    said = reporter.run("9-1", "--raw", "--log", str(reporter.folder / "log.txt"))
    assert "is not redacted" in said
    assert {value for _, value in leaks(reporter.members)} == set(PLANTED)


def test_a_device_that_nobody_uses_is_said_to_be_silent(reporter: Reporter) -> None:
    said = reporter.run("9-1", "--seconds", "0.05")
    assert "reproduce the problem within 0.05 seconds" in said
    assert "without URBs in the capture: none went by" in said


def test_without_a_device_it_is_about_the_machine(reporter: Reporter) -> None:
    reporter.run()
    found = reporter.members
    assert "capture.pcapng" not in found
    assert "lsusb.txt" not in found
    assert leaks(found) == []


def test_a_service_that_dies_leaves_what_it_had_sent(reporter: Reporter) -> None:
    process = reporter.start("9-1")
    told(process, "reproduce")
    reporter.use()
    hub = reporter.world.service.captures
    until(lambda: not any(sink.peek() for sink in hub._sinks), "all is sent")
    for sink in list(hub._sinks):
        sink.take = None  # type: ignore[method-assign,assignment]  # what runs into that ends without an ending
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "without the end of the capture: the service has gone meanwhile" in said
    assert leaks(reporter.members) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_after_the_capture_leaves_no_file(reporter: Reporter, number: signal.Signals) -> None:
    reporter.program("dmesg", f"#!/bin/sh\ntouch {reporter.folder}/asked\nexec sleep 60\n")
    process = reporter.start("9-1", "--seconds", "0.05")
    until((reporter.folder / "asked").exists, "the kernel is asked")
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.splitlines()[-1]) == (4, "wslusb: error: cancelled.")
    assert list(reporter.path.parent.iterdir()) == []


def test_a_device_that_is_not_there_is_an_error_and_no_bundle(reporter: Reporter) -> None:
    process = reporter.start("7-7")
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "no device is called '7-7'" in said
    assert list(reporter.path.parent.iterdir()) == []


def test_a_guest_reports_a_device_that_it_has_not_attached(
    reporter: Reporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent's ring has what its kernel asked for; the descriptors of the device are not in this machine's sysfs."""
    monkeypatch.setattr(nodes, "_SETTLE", 0.01)
    vhci, met = MadeVhci(tmp_path / "sys"), threading.Event()
    agent = Agent(reporter.world.address, vhci, lambda _host: met.set())
    thread = threading.Thread(target=agent.run)
    thread.start()
    server = ControlServer(reporter.folder / "agent", GuestRequests(agent))
    assert met.wait(PATIENCE)
    agent.captures.keep_ring("9-1", 1 << 20)
    agent.attach("9-1")
    kernel = vhci.kernels[0]
    kernel.control(7, 0x80, 6, 0x0303, 0x0409, 255)
    assert SERIAL.encode("utf-16-le") in kernel.answer().data
    try:
        said = reporter.run(SERIAL, "--control", str(reporter.folder / "agent"))
    finally:
        agent.stop()
        thread.join(PATIENCE)
        server.close()
        vhci.close()
    assert "without the descriptors: the device is not here" in said
    found = reporter.members
    assert leaks(found) == []
    assert b"Device: " in found["README.md"]
    assert len(read(reporter.path).exchanges) >= 1
    assert json.loads(found["state.json"])["agent"]["attached"][0]["busid"] == "9-1"


def test_where_nothing_runs_the_bundle_says_what_it_lacks(folder: Path) -> None:
    with World(folder) as world:  # it listens for guests, and has no control socket
        reporter = Reporter(folder, world)
        reporter.program("dmesg", "#!/bin/sh\necho no such luck >&2\nexit 1\n")
        said = reporter.run()
    text = reporter.members["README.md"].decode()
    assert "without the service and the agent: none runs here" in said
    assert "- the service and the agent: none runs here" in text
    assert "sudo wslusb report" in text
    assert leaks(reporter.members) == []
