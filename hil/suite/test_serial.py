"""Serial ports: no byte lost, doubled, moved or changed; lines, breaks and settings as on the host."""

from __future__ import annotations

import json
import struct

import pytest

from hil.harness.fixtures import Both, Measure
from hil.health import hung
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.suite.interfaces import of_class
from hil.suite.serial_ports import exchanged, port, rates, steps
from hil.waiting import poll
from wslusb.usb.ids import ClassCode

pytestmark = pytest.mark.safety("reversible")

_SEED = 20_211
_WRITE_SIZES = (1, 7, 63, 64, 65, 512, 4096)
_FORMATS = ("9600 8N1", "57600 7E2", "115200 8N1", "1200 8O1", "38400 8E1", "19200 7O2")
_ACM = 2
_CODINGS = ((19_200, 0, 0, 8), (115_200, 0, 0, 8))
_END_SECONDS = 15.0
loopback = pytest.mark.trait("serial", "serial-loopback")


def _size(rate: int, seconds: float) -> int:
    """Bytes that a line of this rate carries in so long: ten bits a byte."""
    return max(64, min(4 << 20, round(rate / 10 * seconds)))


@loopback
def test_what_is_sent_comes_back(dut: LiveDevice, both: Both, effort: float) -> None:
    """Random bytes both ways at once, at each rate that the wire is good for, from a byte a write to 4096."""
    cases = [
        (rate, min(16_384, 256 * size, _size(rate, 0.6 * effort)), size) for rate in rates(dut) for size in _WRITE_SIZES
    ]
    for side in both.with_kernel():
        found = steps(side, *(["exchange", *case, _SEED + number] for number, case in enumerate(cases)))
        for (rate, _, size), seen in zip(cases, found, strict=True):
            exchanged(side, f"{rate} baud, {size} bytes a write", seen)


@loopback
def test_a_long_transfer(dut: LiveDevice, both: Both, measure: Measure, effort: float) -> None:
    """Minutes' worth of bytes at the highest rate, both ways at once, as fast as the port takes them."""
    rate = rates(dut)[-1]
    size = _size(rate, 20 * effort)
    speeds: dict[str, list[float]] = {}
    for side in both:
        speeds[side.name] = []
        if side.has_kernel:
            (found,) = steps(side, ["exchange", rate, size, 4096, _SEED])
            exchanged(side, f"{size} bytes at {rate} baud", found)
            speeds[side.name] = [size / found["seconds"] / 1000]
    measure(
        "serial throughput", "kB/s", speeds["native"], speeds["passthrough"], better="higher", limit="throughput",
        baud=rate,
    )  # fmt: skip


@loopback
def test_one_byte_there_and_back(dut: LiveDevice, both: Both, measure: Measure, effort: float) -> None:
    """Each byte is sent when the one before has come back."""
    rate, count = rates(dut)[-1], max(20, round(100 * effort))
    taken = {
        side.name: steps(side, ["latency", rate, count])[0] if side.has_kernel else [] for side in both
    }  # fmt: skip
    measure("byte there and back", "us", taken["native"], taken["passthrough"], limit="latency", baud=rate)


@loopback
def test_cts_follows_rts(both: Both) -> None:
    """Of a plug that joins RTS and CTS, in every state of both outputs; where the host shows another, that one."""
    native, passthrough = (steps(side, ["lines"])[0] if side.has_kernel else None for side in both)
    if native is not None:
        assert passthrough == native
        return
    assert passthrough is not None
    if all("cts" in seen for seen in passthrough.values()):
        pytest.skip("its driver says that CTS is always up, as cdc_acm does: CDC has no word for it")
    for driven, seen in passthrough.items():
        assert ("cts" in seen) == ("rts" in driven), f"RTS and DTR driven: {driven}; lines that are up: {seen}"


@pytest.mark.trait("serial")
def test_lines_are_those_of_the_host(both: Both) -> None:
    """CTS, DSR, DCD and RI as they are natively, in every state of DTR and RTS."""
    native, passthrough = (steps(side, ["lines"])[0] if side.has_kernel else None for side in both)
    if native is None:
        pytest.skip("no kernel of the host has a device that is opened in process")
    assert passthrough == native


@loopback
def test_breaks(dut: LiveDevice, both: Both) -> None:
    """The driver counts as many as on the host, and the bytes after them are unharmed."""
    counted = {}
    for side in both.with_kernel():
        counted[side.name], found = steps(side, ["break", 3], ["exchange", rates(dut)[-1], 2048, 64, _SEED])
        exchanged(side, "after three breaks", found)
    assert counted["passthrough"] == counted.get("native", counted["passthrough"])


@pytest.mark.trait("serial")
def test_settings_are_taken_and_kept(both: Both) -> None:
    """Rates and formats, as the next program that opens the port finds them; the same as on the host."""
    native, passthrough = (
        steps(side, *(["settings", form] for form in _FORMATS)) if side.has_kernel else None for side in both
    )
    assert passthrough is not None
    if native is not None:
        assert passthrough == native
    taken = {(each["speed in"], each["control"]) for each in passthrough}
    assert len(taken) == len(_FORMATS), f"{len(taken)} different settings where {len(_FORMATS)} were set"


@pytest.mark.trait("serial")
def test_settings_after_attach(dut: LiveDevice) -> None:
    """They survive that the port goes and comes back exactly if they do so on the host."""
    survived = {}
    for side_of in (dut.native, dut.passthrough):
        side = side_of()
        if not side.has_kernel:
            continue
        (before,) = steps(side, ["settings", "57600 7E2"])
        (dut.passthrough if side.name == "native" else dut.detach)()
        (after,) = steps(side_of(), ["settings", None])
        survived[side.name] = before == after
        taken, again = steps(side_of(), ["settings", "57600 7E2"], ["settings", None])
        assert taken == again == before, f"{side}: settings after the port came back"
    if "native" in survived:
        assert survived["passthrough"] == survived["native"]


@loopback
def test_close_and_open_while_data_are_under_way(dut: LiveDevice, both: Both, effort: float) -> None:
    """Nothing hangs, and the next program that opens the port gets what it sent, whole."""
    rate, rounds = rates(dut)[-1], max(3, round(10 * effort))
    for side in both.with_kernel():
        closing, found = steps(
            side, ["interrupt", rate, 8192, rounds, _SEED], ["exchange", rate, 4096, 512, _SEED]
        )  # fmt: skip
        assert max(closing) < _END_SECONDS, f"{side}: to close the port took {max(closing):.1f} s"
        exchanged(side, f"after {rounds} programs that closed the port in mid-transfer", found)
        assert not hung(side.place)


@loopback
def test_a_detach_while_data_are_under_way(dut: LiveDevice, passthrough: Side) -> None:
    """The program that has the port open gets an error and ends; attached again, the port works."""
    rate = rates(dut)[-1]
    words = {"node": port(passthrough), "steps": [["exchange", rate, 4 << 20, 4096, _SEED]]}
    program = passthrough.daemons.python(
        passthrough.place, "hil.probes.__main__", "serial_port", json.dumps(words)
    )  # fmt: skip
    in_use = f"fuser -s {port(passthrough)} || ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q {port(passthrough)}"
    poll(lambda: not passthrough.place.run(in_use, check=False).returncode, 30, "the port is in use")
    dut.detach()
    poll(lambda: not program.running, _END_SECONDS, "the program that used the port has ended")
    assert program.returncode, "4 MiB have been sent before the device could be taken away"
    assert not hung(passthrough.place)
    (found,) = steps(dut.passthrough(), ["exchange", rate, 4096, 512, _SEED])
    exchanged(passthrough, "attached again", found)


@pytest.mark.trait("serial")
def test_a_line_coding_is_the_one_that_was_set(dut: LiveDevice, passthrough: Side) -> None:
    """Rate, stop bits, parity and data bits (CDC PSTN 1.2, 6.3.10 and 6.3.11): a device says what it was told."""
    interface = next(iter(of_class(dut, ClassCode.COMMUNICATIONS, _ACM)), None)
    if interface is None:
        pytest.skip("it is no CDC ACM device")
    codings = [struct.pack("<IBBB", *coding).hex() for coding in _CODINGS]
    requests: list[list[int | str]] = []
    for coding in codings:
        requests += [[0x21, 0x20, 0, interface.number, 7, coding], [0xA1, 0x21, 0, interface.number, 7, ""]]
    answers = passthrough.probe("requests", requests=requests)
    if answers[1]["status"] == "STALL":
        pytest.skip("it does not tell its line coding")
    assert [each["data"] for each in answers[1::2]] == codings
