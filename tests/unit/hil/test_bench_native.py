from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from hil.bench import __main__ as command
from hil.bench import native, record
from hil.bench.codec import codec_costs
from hil.bench.load import Case, Cost, plain, urbs
from hil.bench.native import count_for, running
from hil.bench.record import Report
from hil.errors import RigError

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
CASES = [Case("control", 2, 1), Case("in", 4096, 4), Case("out", 70000, 16), Case("in", 1 << 20, 1)]


def test_loads_go_through_the_protocol_and_through_plain_sockets() -> None:
    with running() as bench:
        for case in CASES:
            for cost in (urbs(bench.device, bench.service, case, 20), plain(bench.sock, bench.echo, case, 20)):
                assert cost.count == 20
                assert min(cost.seconds, cost.near_cpu, cost.far_cpu) > 0


def test_a_transfer_that_fails_is_an_error_and_no_sample() -> None:
    with running() as bench, pytest.raises(RuntimeError, match="10 transfers failed, the first with status 0x"):
        urbs(bench.device, bench.service, Case("out", 0x7FFFFF + 2, 1), 10)


def test_costs_are_told_a_transfer() -> None:
    cost = Cost(count=100, seconds=2.0, near_cpu=0.01, far_cpu=0.02)
    assert (cost.per_second, cost.near_us, cost.far_us) == (50, 100, 200)


def test_names_of_loads() -> None:
    assert [case.name for case in CASES[:3]] == ["GET_STATUS", "bulk in 4 KiB, depth 4", "bulk out 68 KiB, depth 16"]


def test_samples_are_long_enough_and_not_too_long() -> None:
    assert count_for(Case("in", 512, 1), quick=False) == 1500
    assert count_for(Case("in", 1 << 20, 16), quick=False) == 64
    assert count_for(Case("in", 1 << 20, 16), quick=True) == 32


def test_codec_costs_are_measured() -> None:
    assert min(codec_costs(20).values()) > 0


def test_the_command_prints_a_table_and_saves_the_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(native, "cases", lambda: CASES[:2])
    monkeypatch.setattr(record.Report.save, "__defaults__", (tmp_path,))
    monkeypatch.setattr(sys, "argv", ["hil.bench", "--quick", "--rounds", "1"])
    assert command.main() == 0
    said = capsys.readouterr().out
    assert "bulk in 4 KiB, depth 4" in said
    assert "medians of 1 interleaved rounds" in said
    assert len(list(tmp_path.glob("native-*.json"))) == 1


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(*_arguments: Any, **_options: Any) -> Report:
        raise RigError("Run: apt-get install something")

    monkeypatch.setattr(command, "kernel_bench", missing)
    assert command.main(["--kernel", "--quick"]) == 1
    assert "apt-get install something" in capsys.readouterr().out
