"""The virtual serial port under cdc_acm, used by a terminal program."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab

SIZE, SEED = 64 << 10, 7


def digest() -> str:
    return hashlib.sha256(random.Random(SEED).randbytes(SIZE)).hexdigest()


@pytest.mark.parametrize("speed", ["full", "high", "super"])
def test_64_kib_go_both_ways_unchanged(lab: Lab, kernel: UmlMachine, speed: str) -> None:
    with lab.plug(f"serial:speed={speed}") as plugged:
        port = plugged.node("/dev/ttyACM")
        said = lab.run(kernel, "hil.clients.terminal", port, "both", str(SIZE), str(SEED), "115200")
        assert said.split()[0] == digest()
        print(f"{speed}: {2 * SIZE / 1024 / float(said.split()[1]):.0f} KiB/s")


def test_a_terminal_program_sees_lines_and_errors_and_sets_the_format(lab: Lab, kernel: UmlMachine) -> None:
    record = lab.rig.shared / "serial-record"
    with lab.plug(f"serial:answer=shell,banner=welcome,record={record}") as plugged:
        lab.run(
            kernel, "hil.clients.terminal", plugged.node("/dev/ttyACM"), "script", "write", "expect > ",
            "lines cts dcd dsr", "format 57600 7E2", "write format", "expect 57600 7E2",
            "write outputs", "expect dtr rts",
            "drive rts", "write outputs", "expect \nrts", "drive dtr rts", "expect welcome> ",
            "write lines ring", "lines cts ring", "write lines dsr", "lines cts dsr",
            "write break", "count break 1", "write overrun", "count overrun 1", "write frame", "count frame 1",
            "write parity", "count parity 1", "break",
        )  # fmt: skip
    lines = record.read_text().splitlines()
    assert [line for line in lines if line != "format 9600 8N1"] == [
        "lines dtr rts", "format 57600 7E2", "lines rts", "lines dtr rts", "break on", "break off", "lines -",
    ]  # fmt: skip


def test_a_modem_answers(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("serial:answer=modem,lines=dsr") as plugged:
        lab.run(
            kernel, "hil.clients.terminal", plugged.node("/dev/ttyACM"), "script", "write ATI", "expect OK",
            "lines cts dsr", "format 38400 8N1", "write ATDT123", "expect CONNECT 38400",
            "lines cts dsr dcd", "write hello",
            "expect hello", "drive rts", "lines cts dsr",
        )  # fmt: skip


def test_a_terminal_of_the_host_talks_with_one_of_the_guest(lab: Lab, kernel: UmlMachine) -> None:
    link = Path("/run/far-end")
    with lab.plug(f"serial:pty={link}") as plugged:
        far = lab.python(lab.host, str(Path(__file__).parents[1] / "programs/echo_port.py"), str(link), str(SIZE))
        poll(lambda: "ready" in far.output, 10, "the far end runs")
        said = lab.run(kernel, "hil.clients.terminal", plugged.node("/dev/ttyACM"), "both", str(SIZE), str(SEED))
        assert said.split()[0] == digest()
        assert not far.wait(10).returncode
