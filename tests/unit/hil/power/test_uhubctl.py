"""hil.power with uhubctl: what the program says, and what the enumeration says of that."""

from __future__ import annotations

import pytest

from hil import power
from hil.power import PowerError
from hil.power.uhubctl import states
from hil.power.verified import Verified
from tests.support.bench import UHUBCTL, Bench, stick

SUPERSPEED = """\
Current status for hub 2-1 [05e3:0620 GenesysLogic USB3.1 Hub, USB 3.20, 4 ports, ppps]
  Port 2: 0203 power 5gbps U0 enable connect [0951:1666 Kingston DataTraveler 3.0 60A44C413E4AE2B0]
Sent power off request
New status for hub 2-1 [05e3:0620 GenesysLogic USB3.1 Hub, USB 3.20, 4 ports, ppps]
  Port 2: 00a0 off
Current status for hub 1-1 [05e3:0610 GenesysLogic USB2.1 Hub, USB 2.10, 4 ports, ppps]
  Port 2: 0100 power
Sent power off request
New status for hub 1-1 [05e3:0610 GenesysLogic USB2.1 Hub, USB 2.10, 4 ports, ppps]
  Port 2: 0100 power
"""


@pytest.fixture
def hub(bench: Bench) -> Verified:
    bench.program("uhubctl", UHUBCTL)
    switch = power.make(stick("uhubctl", location="1-1", port=2), bench)
    assert isinstance(switch, Verified)
    switch._port.leave_seconds = 0.1  # type: ignore[misc]  # less than a person's patience
    switch._back_seconds, switch._steady_seconds = 0.1, 0.02
    return switch


def test_each_half_of_a_hub_has_a_state_of_its_own() -> None:
    assert states(SUPERSPEED) == {("2-1", 2): False, ("1-1", 2): True}


def test_a_product_called_power_does_not_make_a_port_powered() -> None:
    assert states("New status for hub 1 [x]\n  Port 1: 0000 off\n  Port 2: 0001 connect [1:2 power]\n") == {
        ("1", 1): False,
        ("1", 2): False,
    }


def test_the_device_goes_and_comes_back(bench: Bench, hub: Verified) -> None:
    hub.off()
    assert bench.there() == {"1-1.3"}
    hub.off()
    hub.on()
    hub.on()
    assert bench.there() == {"1-1.2", "1-1.3"}
    assert hub.describe() == "port 2 of hub 1-1 (uhubctl)"


@pytest.mark.parametrize(
    ("mood", "text", "hint"),
    [
        ("denied", "the hub may not be opened", "root"),
        ("nohub", "no hub that can switch its ports at location 1-1", "run 'uhubctl' on the host"),
        ("broken", "ended with 1 and said: Cannot enumerate USB devices!", "by hand"),
        ("refuses", "did not go off", "Broken pipe"),
        ("lies", "still there, and answers", "only says that it switches"),
        ("wrong", "still there; 1-1.3 (0951:1666", "correct the port"),
        ("nosysfs", "", ""),
    ],
)
def test_what_goes_wrong_is_said_with_the_next_step(
    bench: Bench, hub: Verified, mood: str, text: str, hint: str
) -> None:
    bench.mood = mood
    if not text:
        hub.off()
        return
    with pytest.raises(PowerError) as caught:
        hub.off()
    assert text in str(caught.value)
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)
    assert "\n" not in caught.value.hint


@pytest.mark.parametrize(
    ("mood", "text", "hint"),
    [("resets", "came back by itself$", "only resets"), ("half", "came back by itself as 2-1.2", "other half")],
)
def test_a_device_that_comes_back_by_itself(bench: Bench, hub: Verified, mood: str, text: str, hint: str) -> None:
    hub._steady_seconds = 5
    bench.mood = mood
    with pytest.raises(PowerError, match=text) as caught:
        hub.off()
    assert hint in caught.value.hint


def test_a_kernel_that_is_not_told_is_not_the_hubs_lie(bench: Bench, hub: Verified) -> None:
    bench.mood, bench.answering = "unheard", False
    with pytest.raises(PowerError, match="it has no power, and the kernel was not told") as caught:
        hub.off()
    assert "Linux 6.0" in caught.value.hint


def test_a_port_that_a_hub_does_not_have(bench: Bench) -> None:
    bench.program("uhubctl", UHUBCTL)
    with pytest.raises(PowerError, match="hub 1-1 has no port 7"):
        power.make(stick("uhubctl", location="1-1", port=7), bench).off()


def test_a_look_switches_nothing(bench: Bench, hub: Verified) -> None:
    hub.check()
    assert bench.there() == {"1-1.2", "1-1.3"}
    bench.mood = "nohub"
    with pytest.raises(PowerError, match="no hub that can switch"):
        hub.check()


def test_a_machine_without_uhubctl(bench: Bench, hub: Verified) -> None:
    bench.program("uhubctl", "#!/bin/bash\necho 'env: uhubctl: No such file or directory' >&2; exit 127\n")
    with pytest.raises(PowerError, match="uhubctl is not on the bench") as caught:
        hub.off()
    assert "apt install uhubctl" in caught.value.hint


@pytest.mark.parametrize(
    ("mood", "text"),
    [
        ("dies", "did not come back within 0.1 s"),
        ("moves", "came back in port 1-1.4, not 1-1.2"),
        ("dumb", "did not configure it"),
    ],
)
def test_a_device_that_does_not_come_back_as_it_was(bench: Bench, hub: Verified, mood: str, text: str) -> None:
    hub.off()
    bench.mood = mood
    with pytest.raises(PowerError, match=text):
        hub.on()


def test_a_hub_that_lies_is_left_switched_on(bench: Bench, hub: Verified) -> None:
    bench.mood = "lies"
    with pytest.raises(PowerError):
        hub.off()
    assert (bench.folder / "powered/1-1.2").exists()


def test_a_device_that_an_earlier_run_left_without_power_gets_it(bench: Bench, hub: Verified) -> None:
    hub.off()
    again = power.make(stick("uhubctl", location="1-1", port=2), bench)
    again.on()
    assert bench.there() == {"1-1.2", "1-1.3"}


def test_after_an_exception_the_power_is_on(bench: Bench, hub: Verified) -> None:
    def test() -> None:
        with power.kept_on(hub):
            hub.off()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        test()
    assert "1-1.2" in bench.there()


def test_an_exception_is_not_hidden_by_a_hub_that_fails_too(bench: Bench, hub: Verified) -> None:
    def test() -> None:
        with power.kept_on(hub):
            hub.off()
            bench.mood = "dies"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        test()
    assert "its power is not on again" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("exit 0", "uhubctl says nothing of a hub; it said: nothing"),
        ("printf '\\033[2J{\"hubs\": []}\\n'", r"uhubctl says nothing of a hub; it said: \?\[2J\{"),
        ("kill -SEGV $$", "uhubctl ended with -11 and said: nothing"),
    ],
)
def test_a_program_that_is_another_one_than_is_known(bench: Bench, hub: Verified, script: str, text: str) -> None:
    bench.program("uhubctl", f"#!/bin/bash\n{script}\n")
    with pytest.raises(PowerError, match=text):
        hub.off()
    with pytest.raises(PowerError, match=text):
        hub.check()
