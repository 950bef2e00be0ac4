"""wslusb.cli.daemon: signals, and sockets that are taken."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from wslusb.cli import daemon
from wslusb.control.server import ControlServer
from wslusb.errors import LocalError, LocalReason


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_wait_and_is_named(number: signal.Signals, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    before = signal.getsignal(number)
    with daemon.Stop() as stop:
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
        stop.wait()
    assert signal.getsignal(number) is before
    assert caplog.messages == [f"ending, by {number.name}"]


def test_a_later_signal_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    now = [10.0]
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr("wslusb.cli.daemon.time.monotonic", lambda: now[0])
    with daemon.Stop():
        signal.raise_signal(signal.SIGTERM)
        now[0] += 0.9
        signal.raise_signal(signal.SIGTERM)
        assert codes == []
        now[0] += 0.1
        signal.raise_signal(signal.SIGTERM)
    assert codes == [4]


@pytest.mark.parametrize("distance", [0.0, 0.002, 0.01, 0.05])
def test_two_signals_in_quick_succession_leave_no_socket_behind(folder: Path, distance: float) -> None:
    """As timeout(1) sends them: the whole end of the agent is still there for the second."""
    path = folder / "agent.sock"
    command = [sys.executable, "-m", "wslusb", "agent", "--host", f"unix:{folder}/none", "--control", str(path)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.exists()
        process.send_signal(signal.SIGTERM)
        time.sleep(distance)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    finally:
        process.kill()
        process.wait()
    assert not path.exists()


def test_a_thread_can_end_the_wait() -> None:
    with daemon.Stop() as stop:
        threading.Timer(0.05, stop.wake).start()
        stop.wait()


def test_a_second_one_is_refused(folder: Path) -> None:
    path = folder / "run/service.sock"
    daemon.refuse_second(path, "service")
    assert path.parent.stat().st_mode & 0o777 == 0o755 & ~current_umask()
    server = daemon.serve_control(path, "service", lambda _request: {})
    try:
        for attempt in (daemon.refuse_second, lambda path, what: daemon.serve_control(path, what, lambda _: {})):
            with pytest.raises(LocalError, match="another service is running already, at") as caught:
                attempt(path, "service")
            assert caught.value.reason is LocalReason.ALREADY_RUNNING
    finally:
        server.close()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_a_dead_service_left_is_no_obstacle(folder: Path) -> None:
    path = folder / "service.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    daemon.refuse_second(path, "service")
    daemon.serve_control(path, "service", lambda _request: {}).close()


def test_a_place_that_cannot_be_had(folder: Path) -> None:
    long = folder / ("x" * 120)
    with pytest.raises(LocalError, match="cannot listen at") as caught:
        daemon.serve_control(long, "service", lambda _request: {})
    assert "--control" in caught.value.hint


def test_log_lines_have_a_time(capfd: pytest.CaptureFixture[str]) -> None:
    import logging

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        daemon.start_logging("info")
        logging.getLogger("wslusb.test").info("it happened")
    finally:
        for handler in root.handlers[:]:
            root.removeHandler(handler)
        root.handlers[:], root.level = handlers, level
    assert capfd.readouterr().err.rstrip().endswith("INFO wslusb.test: it happened")


def test_the_server_is_what_serve_control_says(folder: Path) -> None:
    server = daemon.serve_control(folder / "s", "agent", lambda _request: {})
    assert isinstance(server, ControlServer)
    server.close()
