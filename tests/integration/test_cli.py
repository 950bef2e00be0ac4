"""The command line as users run it: real processes, a real service with virtual devices, an agent beside it.

This machine's kernel has no vhci_hcd or is not to be touched: what happens inside a guest is in tests/kernel/.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until

WSLUSB = [sys.executable, "-m", "wslusb"]
VHCI = Path("/sys/devices/platform/vhci_hcd.0")


class Daemon:
    """A running ``wslusb serve`` or ``wslusb agent``. What it says goes to a file."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*WSLUSB, *arguments], stderr=log, env=environment(folder))

    def wait_for(self, pattern: str) -> str:
        until(lambda: re.search(pattern, self.text) or self.process.poll() is not None, f"{pattern!r} in {self.log}")
        assert re.search(pattern, self.text), self.text
        return self.text

    @property
    def text(self) -> str:
        return self.log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


def environment(folder: Path) -> dict[str, str]:
    mine = {"WSLUSB_STATE_DIR": str(folder / "state"), "WSLUSB_RUNTIME_DIR": str(folder / "run"), "WSLUSB_DEBUG": ""}
    return {**os.environ, **mine}


class Machine:
    """A folder with a service in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix:{folder}/s"
        self.daemons: list[Daemon] = []
        self.service = self.start(
            "serve", "--listen", self.address, "--device", "emulator:loopback,storage:serial=STICK"
        )
        self.service.wait_for("serving 2 devices at unix:")

    def start(self, *arguments: str) -> Daemon:
        self.daemons.append(Daemon(self.folder, f"{arguments[0]}{len(self.daemons)}", *arguments))
        return self.daemons[-1]

    def agent(self) -> Daemon:
        daemon = self.start("agent", "--host", self.address)
        daemon.wait_for("connected to wslusb")
        return daemon

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*WSLUSB, *arguments], capture_output=True, text=True, timeout=30, check=False, env=environment(self.folder)
        )
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def states(self) -> list[str]:
        return [device["state"] for device in self.json("list")["devices"]]

    def close(self) -> None:
        for daemon in self.daemons:
            daemon.kill()


@pytest.fixture
def machine(folder: Path) -> Iterator[Machine]:
    made = Machine(folder)
    try:
        yield made
    finally:
        made.close()


def test_share_and_stop_sharing(machine: Machine) -> None:
    assert machine.states() == ["not_shared", "not_shared"]
    assert machine.run("bind", "STICK").returncode == 0
    assert machine.states() == ["not_shared", "shared"]
    again = machine.run("bind", "9-2")
    assert (again.returncode, "is shared already" in again.stderr) == (0, True)
    assert machine.run("unbind", "--all").returncode == 0
    assert machine.states() == ["not_shared", "not_shared"]


def test_list_for_people(machine: Machine) -> None:
    machine.run("bind", "9-2")
    lines = machine.run("list").stdout.splitlines()
    assert lines[0].split() == ["BUSID", "VID:PID", "DEVICE", "STATE"]
    assert lines[1].startswith("9-1    0525:a4a0")
    assert lines[2].endswith("  Shared")


def test_sharing_outlives_the_service(machine: Machine) -> None:
    machine.run("bind", "9-1")
    assert machine.service.stop() == 0
    machine.start("serve", "--listen", machine.address, "--device", "emulator:loopback").wait_for("serving 1 device")
    assert machine.states() == ["shared"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_service_ends_cleanly(machine: Machine, number: int) -> None:
    assert machine.service.stop(number) == 0
    assert not list(machine.folder.rglob("*.sock"))
    assert not (machine.folder / "s").exists()
    assert "Traceback" not in machine.service.text


def test_a_service_that_was_killed_can_be_started_again(machine: Machine) -> None:
    machine.service.kill()
    assert machine.run("attach", "9-1").returncode == 1
    machine.start("serve", "--listen", machine.address, "--device", "emulator:loopback").wait_for("serving 1 device")


def test_one_service_at_a_time(machine: Machine) -> None:
    second = machine.run("serve", "--listen", f"{machine.address}2", "--device", "emulator:loopback")
    assert second.returncode == 1
    assert "another service is running already" in second.stderr
    assert machine.service.process.poll() is None
    other = machine.run(
        "serve", "--listen", machine.address, "--device", "emulator:loopback", "--control", f"{machine.folder}/c"
    )
    assert other.returncode == 1
    assert "cannot listen on unix:" in other.stderr
    assert machine.states() == ["not_shared", "not_shared"], "the first one goes on"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--listen", "pigeon:7"], 2, "is not an address"),
        (["--listen", "unix:/nowhere/at/all"], 1, "cannot listen on unix:/nowhere/at/all: No such file or directory"),
        (["--device", "nonsense"], 1, "there is no device provider 'nonsense'"),
        (["--log-level", "loud"], 2, "--log-level"),
    ],
)
def test_a_service_that_cannot_start(folder: Path, arguments: list[str], code: int, text: str) -> None:
    defaults = ["--listen", f"unix:{folder}/s", "--device", "emulator:loopback"]
    given = [each for each in zip(defaults[::2], defaults[1::2], strict=True) if each[0] not in arguments]
    command = [*WSLUSB, "serve", *arguments, *(word for pair in given for word in pair)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment(folder))
    assert (done.returncode, text in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr
    assert not [path for path in folder.rglob("*") if path.is_socket()]


def test_attach_from_the_host_needs_an_agent(machine: Machine) -> None:
    machine.run("bind", "9-1")
    done = machine.run("attach", "9-1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "wslusb: error: no agent of a guest is connected.",
        "wslusb: hint: run 'wslusb agent' in the guest.",
    ]


@pytest.mark.skipif(VHCI.exists(), reason="this kernel has vhci_hcd: the test would attach a device to it")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets as far as the kernel")
def test_a_kernel_without_vhci(machine: Machine) -> None:
    machine.run("bind", "9-1")
    agent = machine.agent()
    agent.wait_for("wslusb: warning: this kernel has no vhci_hcd: attach will fail.\nwslusb: hint: ")
    in_guest = machine.run("attach", "9-1")
    assert in_guest.returncode == 1
    assert in_guest.stderr.startswith(
        "wslusb: error: this kernel has no vhci_hcd.\nwslusb: hint: run 'modprobe vhci-hcd'"
    )
    on_host = machine.run("attach", "9-1", "--guest", "0")
    assert on_host.returncode == 1
    assert "this kernel has no vhci_hcd; in the guest: run 'modprobe vhci-hcd'" in on_host.stderr
    assert machine.states() == ["shared", "not_shared"]


def test_the_guest_sees_what_is_shared(machine: Machine) -> None:
    agent = machine.agent()
    control = str(machine.folder / "run/agent.sock")
    empty = machine.run("list", "--control", control)
    assert (empty.returncode, empty.stdout) == (0, "")
    assert "the host shares no devices" in empty.stderr
    machine.run("bind", "9-2")
    assert [each["busid"] for each in machine.json("list", "--control", control)["devices"]] == ["9-2"]
    assert machine.run("detach", "9-2").stderr.endswith("is not attached.\n")
    assert machine.run("bind", "9-2", "--control", control).returncode == 1
    assert agent.stop() == 0


def test_state_and_doctor(machine: Machine) -> None:
    agent = machine.agent()
    state = machine.json("state")
    assert state["service"]["listening"] == [machine.address]
    assert state["agent"]["connected"] is True
    checks = {
        check["name"]: check for check in json.loads(machine.run("doctor", "--role", "host", "--json").stdout)["checks"]
    }
    assert checks["service"]["outcome"] == "pass"
    assert checks["versions"]["outcome"] == "pass"
    assert checks["vsock_host"]["outcome"] == "skip", "the service listens on a Unix socket"
    agent.stop()


def test_the_agent_comes_back_when_the_service_does(machine: Machine) -> None:
    agent = machine.agent()
    machine.service.stop()
    until(lambda: "the host is lost" in agent.text, "the agent notices")
    assert machine.json("state")["agent"]["connected"] is False
    machine.start("serve", "--listen", machine.address, "--device", "emulator:loopback").wait_for("serving")
    until(
        lambda: agent.text.count("connected to wslusb") >= 4, "the agent is connected again"
    )  # a log line and ours, twice
    assert agent.stop() == 0


def test_an_agent_without_a_host_can_be_ended(folder: Path) -> None:
    daemon = Daemon(folder, "agent", "agent", "--host", f"unix:{folder}/nobody")
    try:
        daemon.wait_for("will try again")
        assert daemon.stop() == 0
    finally:
        daemon.kill()


def test_a_closed_pipe(machine: Machine) -> None:
    command = [*WSLUSB, "list", "--json"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=30,
        env=environment(machine.folder),
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_terminal_without_unicode(machine: Machine) -> None:
    """Its encoding has no such letter. Click itself takes an ASCII one for UTF-8."""
    env = {**environment(machine.folder), "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([*WSLUSB, "bind", "\u30de"], capture_output=True, text=True, check=False, timeout=30, env=env)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, r"wslusb: error: no device is called '\u30de'.")


AS_NOBODY = """
import importlib, os, sys
from wslusb.cli.program import VERBS, program
for name in (*VERBS, "direct"):
    importlib.import_module(f"wslusb.cli.{name}")
import wslusb.control.client, wslusb.system.linux
wslusb.__version__
os.setgroups([]); os.setgid(65534); os.setuid(65534)  # after the imports: another user may not read this checkout
program(sys.argv[1:])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user(machine: Machine) -> None:
    """Told to use sudo, with the exit code for that; and still shown what is plugged in."""
    machine.folder.chmod(0o755)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", AS_NOBODY, *arguments]
        env = environment(machine.folder)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env=env)

    for verb in (["bind", "9-1"], ["unbind", "--all"], ["attach", "9-1"], ["detach", "--all"], ["state"]):
        done = run(*verb)
        assert (done.returncode, done.stderr.splitlines()[-1]) == (3, "wslusb: hint: use sudo."), done.stderr
    listing = run("list")
    assert (listing.returncode, "the service belongs to root" in listing.stderr) == (0, True), listing.stderr
    assert machine.states() == ["not_shared", "not_shared"]


def has_a_socket(process: int) -> bool:
    """Whether a process of this machine has one open."""
    with contextlib.suppress(FileNotFoundError):  # it may close one while we look
        return any("socket:" in str(link.resolve()) for link in Path(f"/proc/{process}/fd").iterdir())
    return False


def test_cancelled(machine: Machine) -> None:
    """Ctrl-C while a verb waits."""
    machine.service.process.send_signal(signal.SIGSTOP)
    try:
        waiting = subprocess.Popen(
            [*WSLUSB, "list"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(machine.folder),
            start_new_session=True,
            # Whoever runs the tests in the background has SIGINT ignored, and a child inherits that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        until(lambda: has_a_socket(waiting.pid), "the verb talks to the service")
        waiting.send_signal(signal.SIGINT)
        _, error = waiting.communicate(timeout=10)
    finally:
        machine.service.process.send_signal(signal.SIGCONT)
    assert (waiting.returncode, error.strip()) == (4, "wslusb: error: cancelled.")
