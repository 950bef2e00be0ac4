"""The suite on real hardware as a lab has it: pytest on the machine with the devices, whose kernel is the guest, too.

The machine is a virtual one and its devices are kernel gadgets; the suite does not know.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.vm.rig import Rig
from hil.vm.uml import UmlMachine

RIG = """
[rig]
name = "bench"

[host]
kind = "local"

[guest]
kind = "local"

[device.zero]
serial = "ZERO1"
traits = ["source-sink"]
safety = "reversible"
"""
ABSENT = """
[device.lost]
vid = 0x1234
pid = 0x5678
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig[UmlMachine]]:
    with Rig.uml_single(tmp_path_factory.mktemp("bench"), memory=768) as rig:
        rig.host.python("-m", "hil.gadgets", "source-sink", "--serial", "ZERO1")
        yield rig


def run_suite(bench: Rig[UmlMachine], rig: str, *arguments: str) -> tuple[int, str, dict[str, object]]:
    """The exit code, what was printed, and the outcomes by test."""
    path = Path(bench.shared / "rig.toml")
    path.write_text(rig)
    results = bench.shared / "results"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=120", "--rig", str(path)]
    ended = bench.host.run(
        [*command, "--results", str(results), *arguments], timeout=280, check=False,
        env={"WSLUSB_STATE_DIR": "/run/hil-state"},
    )  # fmt: skip
    tests = json.loads((results / "results.json").read_text())["tests"] if (results / "results.json").exists() else []
    return ended.returncode, ended.output, {test["id"].rpartition("::")[2]: test["outcome"] for test in tests}


def test_the_suite_runs_where_the_hardware_is(bench: Rig[UmlMachine]) -> None:
    code, output, tests = run_suite(bench, RIG, "hil/suite/test_enumeration.py", "hil/suite/test_requests.py")
    assert code == 0, output
    assert "test_descriptors_are_the_same_byte_for_byte[zero]" in tests
    assert set(tests.values()) == {"passed"}


def test_a_device_that_is_named_and_absent_is_a_failure(bench: Rig[UmlMachine]) -> None:
    code, output, tests = run_suite(
        bench, RIG + ABSENT, "hil/suite/test_enumeration.py", "-k", "fingerprint or rig_file"
    )
    assert code == 1, output
    assert tests == {
        "test_the_device_is_the_one_of_the_rig_file[zero]": "passed",
        "test_the_device_is_the_one_of_the_rig_file[lost]": "failed",
    }
    assert "no device has vid 0x1234, pid 0x5678" in output
