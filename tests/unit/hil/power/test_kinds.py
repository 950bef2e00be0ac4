"""hil.power: YKUSH, own commands, virtual ports, and nothing at all."""

from __future__ import annotations

import contextlib
import time

import pytest

from hil import power
from hil.errors import DeviceAbsentError, RigError
from hil.places import shell, shell_process
from hil.power import PowerError, PowerSwitch, commands
from hil.power.verified import Verified
from tests.support.bench import YKUSHCMD, Bench, stick

OFF = 'rm "$BENCH/powered/1-1.2"; settle off 1-1.2'
ON = 'touch "$BENCH/powered/1-1.2"; settle on 1-1.2'


def hasty(switch: PowerSwitch) -> PowerSwitch:
    assert isinstance(switch, Verified)
    switch._port.leave_seconds = 0.1  # type: ignore[misc]  # less than a person's patience
    switch._back_seconds, switch._steady_seconds = 0.1, 0.02
    return switch


def ykush(bench: Bench) -> PowerSwitch:
    bench.program("ykushcmd", YKUSHCMD)
    return hasty(power.make(stick("ykush", port=2, serial="YK25133"), bench))


def command(bench: Bench, off: str = OFF, on: str = ON) -> PowerSwitch:
    return hasty(power.make(stick("command", off=off, on=on), bench))


@pytest.mark.parametrize("make", [ykush, command])
def test_the_device_goes_and_comes_back(bench: Bench, make: type) -> None:
    switch = make(bench)
    switch.off()
    assert bench.there() == {"1-1.3"}
    switch.on()
    assert bench.there() == {"1-1.2", "1-1.3"}


@pytest.mark.parametrize("make", [ykush, command])
def test_one_that_only_says_so_is_found(bench: Bench, make: type) -> None:
    bench.mood = "lies"
    with pytest.raises(PowerError, match="still there, and answers"):
        make(bench).off()


def test_a_ykush_that_is_not_there(bench: Bench) -> None:
    bench.mood = "nohub"
    with pytest.raises(PowerError, match="port 2 of YKUSH YK25133 cannot be reached") as caught:
        ykush(bench).off()
    assert "Unable to open device" in caught.value.hint


def test_a_ykush_that_goes_while_it_is_off_and_ends_with_0(bench: Bench) -> None:
    switch = ykush(bench)
    switch.off()
    bench.mood = "nohub"
    with pytest.raises(PowerError, match="cannot be reached"):
        switch.on()


def test_a_ykush_whose_port_stays_as_it_was(bench: Bench) -> None:
    bench.mood = "refuses"
    with pytest.raises(PowerError, match="did not go off"):
        ykush(bench).off()


def test_a_command_that_fails_is_told_with_what_it_said(bench: Bench) -> None:
    with pytest.raises(PowerError, match=r"'echo no relay >&2; exit 3' ended with 3") as caught:
        command(bench, off="echo no relay >&2; exit 3").off()
    assert caught.value.hint == "run it by hand on the bench; it said: no relay"
    with pytest.raises(PowerError, match="is not on the bench") as caught:
        command(bench, off="relay-that-is-nowhere off").off()
    assert "whole path" in caught.value.hint


@pytest.mark.parametrize("off", ["sleep 100", "trap '' TERM INT; while :; do sleep 1; done"])
def test_a_command_that_hangs_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    monkeypatch.setattr(commands, "_SECONDS", 0.2)
    with pytest.raises(PowerError, match=r"did not end within 0\.2 s"):
        command(bench, off=off).off()


def test_a_command_that_prints_without_end_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_MOST_BYTES", 1 << 20)
    with pytest.raises(PowerError, match=r"the command 'yes' cannot be run on the bench: .* it printed more and more"):
        command(bench, off="yes").off()


def test_what_a_command_says_is_told_in_a_short_line(bench: Bench) -> None:
    with pytest.raises(PowerError) as caught:
        command(bench, off="yes xxxx | tr -d '\\n' | head -c 100000; exit 3").off()
    assert len(caught.value.hint) < 400
    with pytest.raises(PowerError) as caught:
        command(bench, off="printf 'a\\033[2Jb'; exit 3").off()
    assert caught.value.hint.endswith("it said: a?[2Jb")


@pytest.mark.parametrize("left", ["sleep 20", "setsid sleep 20"])
def test_a_command_that_leaves_a_process_running_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    monkeypatch.setattr(shell_process, "_READER_SECONDS", 0.2)
    started = time.monotonic()
    command(bench, off=f"{left} & {OFF}").off()
    assert bench.there() == {"1-1.3"}
    assert time.monotonic() - started < 5


def test_a_device_that_is_not_plugged_in_cannot_be_switched_off(bench: Bench) -> None:
    bench.unplug("1-1.2")
    with pytest.raises(DeviceAbsentError):
        command(bench).off()


class VirtualPort:
    """Says no to a verb that changes nothing, as QEMU and gadgets do."""

    can_switch = True

    def __init__(self) -> None:
        self.done: list[str] = []

    def off(self) -> None:
        assert self.done[-1:] != ["off"]
        self.done.append("off")

    def on(self) -> None:
        assert self.done[-1:] == ["off"]
        self.done.append("on")

    def describe(self) -> str:
        return "a virtual port"


def test_a_virtual_port_is_switched_only_when_that_changes_something(bench: Bench) -> None:
    port = VirtualPort()
    switch = power.make(stick("bench"), bench, port)
    with power.kept_on(switch):
        switch.off()
        switch.off()
        switch.on()
    assert port.done == ["off", "on"]
    assert (switch.can_switch, switch.describe()) == (True, "a virtual port")


def test_a_real_host_has_no_virtual_ports(bench: Bench) -> None:
    with pytest.raises(RigError, match="virtual"):
        power.make(stick("bench"), bench)


@pytest.mark.parametrize(
    ("make", "mood", "text"), [("ykush", "nohub", "cannot be reached"), ("ykush", "refuses", ""), ("command", "", "")]
)
def test_a_look_switches_nothing(bench: Bench, make: str, mood: str, text: str) -> None:
    bench.mood = mood
    switch = ykush(bench) if make == "ykush" else command(bench)
    assert isinstance(switch, Verified)
    with pytest.raises(PowerError, match=text) if text else contextlib.nullcontext():
        switch.check()
    assert bench.there() == {"1-1.2", "1-1.3"}


def test_no_power_says_what_to_write(bench: Bench) -> None:
    switch = power.make(stick("none"), bench)
    assert not switch.can_switch
    switch.on()
    with pytest.raises(PowerError, match="stick: nothing switches its power") as caught:
        switch.off()
    assert "manual" in caught.value.hint
