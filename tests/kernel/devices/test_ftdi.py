"""The virtual FT232R under ftdi_sio, used by a terminal program."""

from __future__ import annotations

import hashlib
import random

from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab

SIZE, SEED = 64 << 10, 9


def test_64_kib_go_both_ways_unchanged(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("ftdi") as plugged:
        port = plugged.node("/dev/ttyUSB")
        said = lab.run(kernel, "hil.clients.terminal", port, "both", str(SIZE), str(SEED), "115200")
        assert said.split()[0] == hashlib.sha256(random.Random(SEED).randbytes(SIZE)).hexdigest()
        assert "Detected FT232R" in lab.kernel_said(kernel)


def test_lines_errors_and_rates(lab: Lab, kernel: UmlMachine) -> None:
    record = lab.rig.shared / "ftdi-record"
    with lab.plug(f"ftdi:answer=shell,record={record}") as plugged:
        port = plugged.node("/dev/ttyUSB")
        lab.run(
            kernel, "hil.clients.terminal", port, "script", "write", "expect > ", "lines cts dcd dsr",
            "format 57600 7E2", "write outputs", "expect dtr rts",
            "drive rts", "write outputs", "expect \nrts", "drive dtr rts",
            "write lines ring", "lines ring", "write lines dsr", "lines dsr", "write break", "count break 1",
            "format 230400 8N1", "format 2000000 8N1", "break",
        )  # fmt: skip
        timer = f"/sys/bus/usb-serial/devices/{port.rpartition('/')[2]}/latency_timer"
        assert kernel.run(f"cat {timer}; echo 3 >{timer}; cat {timer}").stdout.split() == ["16", "3"]
    lines = record.read_text().splitlines()
    rates = [line.split()[1] for line in lines if line.startswith("format")]
    assert "57554" in rates, "57600 within the divisor's steps"
    assert rates[-1] == "2000000"
    assert [line for line in lines if not line.startswith("format")] == [
        "lines dtr rts", "lines rts", "lines dtr rts", "break on", "break off", "lines -",
    ]  # fmt: skip
