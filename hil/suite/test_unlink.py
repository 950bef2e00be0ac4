"""URBs that are taken back, readers that are killed, resets and sleep while data are on their way."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from hil.errors import CommandFailedError
from hil.harness.fixtures import Both
from hil.health import hung
from hil.live.device import LiveDevice
from hil.live.side import Side, probe
from hil.probes.stream import STREAMING
from hil.suite.loopbacks import loop_words
from hil.waiting import poll

pytestmark = pytest.mark.safety("reversible")

_SEED = 17
_NATURAL = {"OK", "CANCELLED"}
_STREAM_SECONDS = 30.0
_ASLEEP_SECONDS = 15.0


def _beside(side: Side, name: str, **words: Any) -> Any:
    """A probe that leaves the device to its driver."""
    return probe(side.daemons, side.place, name, busid=side.busid, **words)


def test_cancelled_reads(both: Both, effort: float) -> None:
    """Reads on every interrupt and bulk IN endpoint, taken back at random: each is answered once, and as natively."""
    native, passthrough = both.probe("unlink", 180, rounds=max(3, round(25 * effort)), seed=_SEED)
    if not native:
        pytest.skip("the device has no interrupt or bulk IN endpoint")
    assert [each["endpoint"] for each in passthrough] == [each["endpoint"] for each in native]
    for here, there in zip(passthrough, native, strict=True):
        name = f"endpoint {here['endpoint']:#04x} ({here['transfer']})"
        assert not here["wrong"], f"{name}: {here['wrong'][0]}"
        strange = here["statuses"].keys() - there["statuses"].keys() - _NATURAL
        assert not strange, f"{name}: URBs ended with {', '.join(strange)}; natively with {there['statuses']}"
    # The device lives, and so does its way.
    assert both.probe("descriptors")[1]["device"]


@pytest.mark.trait("bulk-loopback")
def test_cancelled_reads_lose_no_data(both: Both, dut: LiveDevice, effort: float) -> None:
    """A stream comes back whole and in order, though every third read is taken back while it waits."""
    writes = max(20, round(200 * effort))
    for side in both:
        seen = side.probe("unlink_load", 180, writes=writes, seed=_SEED, **loop_words(dut))
        assert not seen["wrong"], f"{side}: {seen['wrong'][0]}"
        assert seen["same"], f"{side}: {seen['received']} bytes came back of {seen['sent']}, or not the same ones"
        assert seen["statuses"].get("CANCELLED"), f"{side}: no read was caught while it waited, so this shows nothing"


def _is_gone(side: Side, number: str) -> bool:
    return not side.place.run(f"grep -sE '^State:.[^ZX]' /proc/{number}/status || true").stdout


def test_a_killed_reader_leaves_nothing_behind(passthrough: Side, effort: float) -> None:
    """A program that reads from every IN endpoint is killed with -9: it goes at once, and the device works."""
    before = passthrough.probe("descriptors")
    for _ in range(max(1, round(3 * effort))):
        reader = passthrough.daemons.python(
            passthrough.place, "hil.probes.__main__", "stream",
            json.dumps({"target": passthrough.target, "busid": passthrough.busid}),
        )  # fmt: skip
        reader.wait_for_output(STREAMING, _STREAM_SECONDS)
        number = reader.stdout.split("streaming ", 1)[1].split()[0]
        passthrough.place.run(["kill", "-9", number], check=False)
        poll(functools.partial(_is_gone, passthrough, number), 10, f"the killed reader {number} is gone")
        reader.kill()
        assert not hung(passthrough.place)
    assert passthrough.probe("descriptors") == before


@pytest.mark.trait("source-sink")
def test_reset_under_load(both: Both, effort: float) -> None:
    """The port is reset under reads and writes: each is answered once, and the device works at once afterwards."""
    rounds = max(2, round(5 * effort))
    before = both.probe("descriptors")
    for side, seen in zip(("native", "passthrough"), both.probe("reset_load", rounds=rounds), strict=True):
        assert not seen["wrong"], f"{side}: {seen['wrong'][0]}"
        assert seen["after"] == {"OK": rounds}, f"{side}: reads after the resets ended with {seen['after']}"
    assert both.probe("descriptors") == before


@pytest.mark.trait("storage")
def test_reset_while_a_disk_is_read(passthrough: Side, effort: float) -> None:
    """The disk driver reads on through port resets, and gets what it gets without."""
    disk = passthrough.node("/dev/sd")
    size = max(1, round(8 * effort))
    dd = f"dd if={disk} bs=64k count={16 * size} iflag=direct 2>/dev/null | sha256sum"
    expected = passthrough.place.run(dd, timeout=120).stdout
    reading = passthrough.place.start(dd)
    _beside(passthrough, "reset_node", times=max(1, round(3 * effort)))
    assert reading.wait(120).stdout == expected, f"{disk} reads otherwise while its port is reset"
    assert passthrough.place.run(dd, timeout=120).stdout == expected


def test_configuration_zero_and_back(passthrough: Side) -> None:
    """Unconfigured, it has no drivers; configured again, it has those that it had."""
    file = f"/sys/bus/usb/devices/{passthrough.busid}/bConfigurationValue"
    value = passthrough.place.run(["cat", file]).stdout.strip()
    before = passthrough.probe("descriptors")
    passthrough.place.run(f"echo 0 >{file}")
    try:
        assert not passthrough.place.run(["cat", file]).stdout.strip()
        assert not passthrough.place.run(f"ls -d {file.rpartition('/')[0]}/*:* 2>/dev/null", check=False).stdout
    finally:
        passthrough.place.run(f"echo {value} >{file}")
    assert passthrough.place.run(["cat", file]).stdout.strip() == value
    assert passthrough.probe("descriptors") == before
    assert len(_beside(passthrough, "nodes") or []) == len(passthrough.nodes or [])


@pytest.fixture
def power(passthrough: Side) -> Iterator[str]:
    """The folder of the device's power files in the guest's sysfs; they are as they were afterwards."""
    folder = f"/sys/bus/usb/devices/{passthrough.busid}/power"
    names = ("control", "autosuspend_delay_ms")
    try:
        values = passthrough.place.run(f"cd {folder} && cat {' '.join(names)}").stdout.split()
    except CommandFailedError:
        pytest.skip("the guest's kernel has no power management of USB devices")
    yield folder
    undo = "; ".join(f"echo {value} >{folder}/{name}" for name, value in zip(names, values, strict=True))
    passthrough.place.run(undo, check=False)


def test_sleep(passthrough: Side, power: str) -> None:
    """Suspended by the guest's kernel and woken by being used, it is the same device."""
    before = passthrough.probe("descriptors")
    passthrough.place.run(f"echo 0 >{power}/autosuspend_delay_ms; echo auto >{power}/control")

    def asleep() -> bool:
        return passthrough.place.run(["cat", f"{power}/runtime_status"]).stdout.strip() == "suspended"

    try:
        poll(asleep, _ASLEEP_SECONDS, "the guest's kernel has suspended the device")
    except AssertionError:
        pytest.skip("a driver of the guest keeps the device awake")
    assert passthrough.probe("descriptors") == before
    assert not hung(passthrough.place)
