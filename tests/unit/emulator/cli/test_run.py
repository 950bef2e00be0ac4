"""python -m emulator run: devices that a guest can attach, until Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import wslusb.guest
from emulator.cli.program import program


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_devices_are_served_and_shared_until_a_signal(ending: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator", "run", "storage", "loopback"], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = "".join(iter(process.stdout.readline, "  device = usb.core.find(idVendor=0x0525, backend=backend)\n"))
        assert "  sudo wslusb attach 9-1\n" in said
        address = re.search(r"Served at (unix:\S+),", said)
        assert address, said
        assert f'  backend = wslusb.guest.pyusb_backend("{address[1]}")\n' in said
        backend = wslusb.guest.pyusb_backend(address[1])
        found = [vars(backend.get_device_descriptor(device))["idProduct"] for device in backend.enumerate_devices()]
        assert sorted(found) == [0xA4A0, 0xA4A5]
    finally:
        process.send_signal(ending)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.splitlines()[-1]) == (0, "emulator: info: ended.")
    assert not Path(address[1].removeprefix("unix:")).parent.exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_service_starts_leaves_nothing_behind(ending: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator", "run", "storage"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)}, start_new_session=True,
    )  # fmt: skip
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 20
    while not (service := children.read_text().split()) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(ending)
    said, errors = process.communicate(timeout=20)
    assert (process.returncode, said, errors.splitlines()[-1]) == (0, "", "emulator: info: ended.")
    assert not Path(f"/proc/{service[0]}").exists()
    assert not list(tmp_path.iterdir())


def test_sigterm_ends_it_well_where_a_shell_has_made_it_deaf_to_ctrl_c(tmp_path: Path) -> None:
    """A shell without job control starts what stands before & with SIGINT ignored (POSIX, Shell Command Language)."""
    script = f"{sys.executable} -m emulator run storage & echo $!; wait $!"
    shell = subprocess.Popen(
        ["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert shell.stdout is not None
    pid = int(shell.stdout.readline())
    assert any("Served at" in line for line in shell.stdout)
    os.kill(pid, signal.SIGTERM)
    _, errors = shell.communicate(timeout=20)
    assert (shell.returncode, errors.splitlines()[-1]) == (0, "emulator: info: ended.")
    assert not list(tmp_path.iterdir())


def test_what_is_wrong_with_a_device_is_said_before_anything_starts() -> None:
    result = CliRunner().invoke(program, ["run", "storage:nonsense=1"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "storage has no option nonsense" in result.stderr
