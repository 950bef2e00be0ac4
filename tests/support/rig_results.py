"""Invented results of a rig: a night with every outcome, measurements of both sides, and a hostile device's name."""

from __future__ import annotations

import math
import random

from hil.report.results import (
    Attempt,
    Better,
    CaseResult,
    Comparison,
    DeviceFacts,
    Measurement,
    Outcome,
    Results,
    RigFacts,
)  # fmt: skip
from hil.rig.quarantine import Trouble

__all__ = ["HOSTILE", "a_night"]

HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover="alert(3)\x1b[31m\u202e{{7*7}}'
"""What a device may call itself."""

_SUITE = "hil/suite"
_KINDS = {
    "stick": ("storage", 0x0951, 0x1666, "60A44C413E4AE2B0", "high", "destructive", "uhubctl 1-1 port 2"),
    "uart": ("serial-loopback", 0x0403, 0x6001, "A50285BI", "full", "reversible", "ykush YK21001 port 1"),
    "headset": ("audio", 0x046D, 0x0A44, "", "full", "reversible", "manual"),
    "zero": ("source-sink", 0x0525, 0xA4A0, "0123456789", "high", "destructive", "bench"),
}
_TROUBLE = Trouble(
    key="046d:0a44:1-3", name="headset", failing=3, since="2026-11-20T01:10:00+00:00", last="2026-11-22T01:10:00+00:00",
    reason="3 gaps in a minute",
)  # fmt: skip
_HELD = f"{_TROUBLE}; 'python -m hil release headset' lets it take part again"
_ANY = (
    "test_descriptors.py::test_the_guest_sees_the_same_descriptors",
    "test_descriptors.py::test_the_fingerprint_is_that_of_the_rig_file",
    "test_hotplug.py::test_a_power_cycle_brings_it_back_to_the_guest",
    "test_hotplug.py::test_killing_the_agent_gives_the_device_back_to_the_host",
    "test_chapter9.py::test_standard_requests",
)
_OF_TRAIT = {
    "storage": (
        "test_storage.py::test_what_is_written_is_read", "test_storage.py::test_a_file_system_survives_a_power_cut",
        "test_storage.py::test_throughput",
    ),
    "serial-loopback": (
        "test_serial.py::test_nothing_is_lost_or_swapped", "test_serial.py::test_modem_lines",
        "test_serial.py::test_break",
    ),
    "audio": ("test_audio.py::test_an_hour_without_gaps", "test_audio.py::test_drift"),
    "source-sink": ("test_usbtest.py::test_all_cases", "test_usbtest.py::test_unlink_under_load"),
}  # fmt: skip


def a_night(seed: int = 1, *, name: str = "bench-1") -> Results:
    """One run with all outcomes; the same for the same seed."""
    chance = random.Random(seed)
    tests = []
    for device, (trait, *_) in _KINDS.items():
        ids = (*_ANY, "test_performance.py::test_latency", *_OF_TRAIT[trait])
        tests += [_passed(chance, f"{_SUITE}/{each}[{device}]", device, trait) for each in ids]
    tests.append(
        CaseResult(f"{_SUITE}/test_rig.py::test_the_clocks_agree", Outcome.PASSED, "The clocks agree.", seconds=0.3)
    )
    by_name = {test.name: test for test in tests}
    _throughput(chance, by_name["test_throughput[stick]"])
    for device in _KINDS:
        _latency(chance, by_name[f"test_latency[{device}]"], slow=device == "uart")
    _mishaps(by_name)
    rig = RigFacts(
        name, "real", f"{name}.toml",
        {"hostname": "lab-3", "kernel": "6.12.57", "system": "Debian 12", "libusb": "1.0.26", "cpu": "4 cores"},
        {"kernel": "6.6.87.2", "system": "Debian 13", "clock": "+0.4 ms", "connection": "vsock:2"},
    )  # fmt: skip
    command = ["pytest", _SUITE, "--rig", f"{name}.toml", "--destructive", "stick"]
    versions = {"wslusb": "0.1.0", "python": "3.11.2", "pytest": "9.2.0"}
    seconds = sum(test.seconds for test in tests)
    return Results(rig, "2026-11-23T01:00:00+00:00", seconds, versions, 20261123, command, _devices(), tests)


def _devices() -> list[DeviceFacts]:
    found = []
    for name, (trait, vid, pid, serial, speed, safety, power) in _KINDS.items():
        fingerprint = f"sha256:{random.Random(name).randbytes(32).hex()}"
        state, notes = ("quarantined", [f"in quarantine: {_HELD}"]) if name == "headset" else ("present", [])
        found.append(DeviceFacts(name, vid, pid, serial, [trait], safety, speed, fingerprint, power, state, notes))
    found.append(DeviceFacts("camera", traits=["video", "iso"], state="absent"))
    return found


def _passed(chance: random.Random, identifier: str, device: str, trait: str) -> CaseResult:
    title = identifier.partition("::test_")[2].partition("[")[0].replace("_", " ").capitalize() + "."
    traits = [trait] if trait in identifier or "test_descriptors" not in identifier else ["any"]
    return CaseResult(identifier, Outcome.PASSED, title, device, traits, round(chance.lognormvariate(0.5, 1), 3))


def _latency(chance: random.Random, test: CaseResult, *, slow: bool) -> None:
    for size in (64, 4096):
        base = 110 + size / 90
        native = [base * chance.lognormvariate(0, 0.08) for _ in range(400)]
        ours = [base * (3.4 if slow else 1.9) * chance.lognormvariate(0, 0.22) for _ in range(400)]
        ours[:4] = [each * 6 for each in ours[:4]]
        test.measurements.append(Measurement.of("latency", "us", native, ours, limit=3.0, at={"size": size}))


def _throughput(chance: random.Random, test: CaseResult) -> None:
    for power in range(9, 21):
        size = 1 << power
        native = 41 * (1 - math.exp(-size / 20000))
        ours = 37 * (1 - math.exp(-size / 60000))
        both = [[base * chance.gauss(1, 0.04) for _ in range(12)] for base in (native, ours)]
        test.measurements.append(
            Measurement.of("throughput", "MB/s", *both, limit=0.25, better=Better.HIGHER, at={"size": size})
        )


def _mishaps(by_name: dict[str, CaseResult]) -> None:
    failed = by_name["test_what_is_written_is_read[stick]"]
    _end(failed, Outcome.FAILED, "16 MiB read back through the guest differ from what was written, first at byte 4,096")
    failed.details = (
        "def test_what_is_written_is_read(sides):\n>   assert read == wrote\nE   AssertionError: byte 4096: 00 for 5a\n"
    )
    failed.comparison = Comparison("sha256 of 16 MiB", "5a1f7c08e2", "91bb40c7aa")
    failed.artefacts = "failures/test_what_is_written_is_read-stick/"
    failed.attempts = [
        Attempt(Outcome.FAILED, failed.message, 4.2),
        Attempt(Outcome.FAILED, "again, after a power-cycle", 4.0),
    ]
    failed.seconds = 8.2
    slow = by_name["test_latency[uart]"]
    _end(slow, Outcome.FAILED, "latency at 64 bytes: 3.41 times native, and the rig file allows 3.0")
    slow.details = "E   hil.suite.limits.Exceeded: 3.41 > 3.0"
    hostile = by_name["test_the_guest_sees_the_same_descriptors[zero]"]
    _end(hostile, Outcome.FAILED, f"the product string differs: {HOSTILE}")
    hostile.comparison = Comparison("string descriptor 2", "Gadget Zero", HOSTILE)
    hostile.details = f"E   assert 'Gadget Zero' == {HOSTILE!r}"
    flaky = by_name["test_nothing_is_lost_or_swapped[uart]"]
    _end(flaky, Outcome.FLAKY, "64 bytes were missing at 921,600 baud")
    flaky.attempts = [Attempt(Outcome.FAILED, flaky.message, 3.0), Attempt(Outcome.PASSED, "", 3.1)]
    _end(
        by_name["test_a_power_cycle_brings_it_back_to_the_guest[zero]"],
        Outcome.INFRASTRUCTURE,
        "the hub did not answer uhubctl: exit code 1",
    )
    for name in ("test_an_hour_without_gaps[headset]", "test_drift[headset]", "test_latency[headset]"):
        _end(by_name[name], Outcome.QUARANTINED, _HELD)
    for name, reason in {
        "test_modem_lines[uart]": "the rig file allows read-only tests of uart, and this one is reversible",
        "test_break[uart]": "uart has no second end that sees a break",
        "test_a_power_cycle_brings_it_back_to_the_guest[headset]": "no power switch for headset, and no --guided",
        "test_a_power_cycle_brings_it_back_to_the_guest[uart]": "no power switch for uart, and no --guided",
        "test_unlink_under_load[zero]": "it may destroy what is on zero: --destructive zero lets it",
    }.items():
        _end(by_name[name], Outcome.SKIPPED, reason)


def _end(test: CaseResult, outcome: Outcome, message: str) -> None:
    test.outcome, test.message = outcome, message
    if outcome in (Outcome.SKIPPED, Outcome.QUARANTINED):
        test.seconds = 0.0
        test.measurements = []
