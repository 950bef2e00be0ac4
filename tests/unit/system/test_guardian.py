"""The guardian: its protocol, its process, and what it does on a made sysfs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.system.sysfs import Tree
from wslusb.system.guardian import Guardian, guard
from wslusb.system.linux import LinuxSystem


@pytest.fixture
def system(tree: Tree, tmp_path: Path) -> LinuxSystem:
    tree.add("1-1", 2, drivers={0: "", 1: "", 2: "usbhid"})
    tree.add("1-2", 3, drivers={0: ""})
    return LinuxSystem(tree.root, tmp_path / "dev")


def test_trap_drivers_are_bound_again_when_a_service_is_dead(tree: Tree, system: LinuxSystem) -> None:
    assert guard([b"claim 1 2\n", b"claim 1 3\n"], system) == 2
    assert tree.probed() == ["1-1:1.0", "1-1:1.1", "1-2:1.0"]


def test_released_devices_are_left_alone(tree: Tree, system: LinuxSystem) -> None:
    assert guard([b"claim 1 2\n", b"release 1 2\n", b"claim 1 3\n", b"junk\n", b"\n"], system) == 1
    assert tree.probed() == ["1-2:1.0"]


def test_goodbye_ends_it(tree: Tree, system: LinuxSystem) -> None:
    assert guard([b"claim 1 2\n", b"release 1 2\n", b"goodbye\n", b"claim 1 3\n"], system) == 0
    assert tree.probed() == []


def test_goodbye_does_not_forget_what_is_still_claimed(tree: Tree, system: LinuxSystem) -> None:
    assert guard([b"claim 1 3\n", b"goodbye\n"], system) == 1
    assert tree.probed() == ["1-2:1.0"]


def test_a_module_in_the_folder_where_the_service_was_started_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "contextlib.py").write_text("open('poisoned', 'w').close()")
    monkeypatch.chdir(tmp_path)
    guardian = Guardian()
    guardian.claim(999, 999)
    guardian.close()
    assert not (tmp_path / "poisoned").exists()


def test_another_device_in_the_same_port_is_left_alone(tree: Tree, system: LinuxSystem) -> None:
    assert guard([b"claim 1 9\n"], system) == 0
    assert tree.probed() == []


def test_it_waits_until_the_kernel_has_closed_the_dead_ones_files(
    tree: Tree, system: LinuxSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.bind("1-2", 0, "usbfs")
    steps: list[float] = []

    def sleep(seconds: float) -> None:
        steps.append(seconds)
        if len(steps) == 3:
            (tree.devices / "1-2/1-2:1.0/driver").unlink()

    monkeypatch.setattr(time, "sleep", sleep)
    assert guard([b"claim 1 3\n"], system) == 1
    assert len(steps) == 3
    assert tree.probed() == ["1-2:1.0"]


def test_without_root_the_devices_own_node_is_asked(
    tree: Tree, system: LinuxSystem, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    really_open = Path.open

    def refuse(self: Path, *arguments: Any, **keywords: Any) -> Any:
        if self.name == "drivers_probe":
            raise PermissionError
        return really_open(self, *arguments, **keywords)

    monkeypatch.setattr(Path, "open", refuse)
    assert guard([b"claim 1 3\n"], system) == 1
    assert "001/003" in caplog.text


def has_process(guardian: Guardian) -> bool:
    return guardian._process is not None


def wait_for_end(process: subprocess.Popen[bytes]) -> int:
    return process.wait(20)


def test_process_ignores_the_groups_signals_and_ends_with_goodbye() -> None:
    guardian = Guardian()
    guardian.release(1, 2)
    assert not has_process(guardian), "started before it was needed"
    guardian.claim(250, 99)
    process = guardian._process
    assert process is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, number)
    guardian.release(250, 99)
    guardian.close()
    guardian.close()
    assert wait_for_end(process) == 0, "it was ended by a signal, not by the goodbye"


def test_process_has_none_of_the_services_files(tmp_path: Path) -> None:
    with (tmp_path / "socket").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        guardian = Guardian()
        guardian.claim(250, 99)
        assert guardian._process is not None
        links = [link.readlink() for link in Path(f"/proc/{guardian._process.pid}/fd").iterdir()]
        assert tmp_path / "socket" not in links
        guardian.close()


def test_process_ends_when_the_service_is_killed() -> None:
    code = (
        "import signal\n"
        "from wslusb.system.guardian import Guardian\n"
        "guardian = Guardian()\n"
        "guardian.claim(250, 99)\n"
        "print(guardian._process.pid, flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as service:
        assert service.stdout
        child = int(service.stdout.readline())
        service.kill()
    deadline = time.monotonic() + 20
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_guardian_that_is_gone_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    guardian = Guardian()
    guardian.claim(250, 99)
    process = guardian._process
    assert process is not None
    process.kill()
    process.wait()
    guardian.release(250, 99)
    guardian.close()
    assert "guardian is gone" in caplog.text


def test_no_guardian_is_a_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    guardian = Guardian()
    guardian.claim(1, 2)
    guardian.claim(1, 3)
    guardian.close()
    assert caplog.text.count("no guardian") == 1
