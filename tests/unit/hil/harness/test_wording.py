from __future__ import annotations

import pytest

from hil.errors import CommandFailedError
from hil.harness.wording import headline, where
from hil.live.side import ProbeError
from hil.report.events import Event, Timeline, UrbLine
from hil.report.flights import Stage
from hil.report.moments import Source
from hil.report.plots import broken
from hil.report.results import Comparison, Measurement
from hil.zygote import asking

COMPARED = Comparison("probe requests", '[0].status: "STALL"\n[1].x: 1', '[0].status: "PROTOCOL"\n[1].x: 2')
QUIET = Timeline(1)
TOLD = Timeline(1, urbs=[UrbLine("bulk IN 0x81, 4 bytes", 7, {})], suspect=0, where="the host part of wslusb")


def line_of(error: BaseException, compared: Comparison | None = None) -> str:
    with pytest.raises(type(error)) as caught:
        raise error
    return headline(caught, compared)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (AssertionError("in the guest: byte 4 is another\nassert not ['x']"), "in the guest: byte 4 is another"),
        (ProbeError("crowd on guest: GONE: 0 of 10 bytes", "GONE"), "crowd on guest: GONE: 0 of 10 bytes"),
        (CommandFailedError("guest", "the probe disk failed:\nTraceback ...\n  x\nOSError: no disk"),
         "guest: the probe disk failed: OSError: no disk"),
        (CommandFailedError("guest", "died during `ls`", "a\nconsole"), "guest: died during `ls`"),
        (CommandFailedError("guest", f"died during `{asking('/f', 'wslusb', ['capture', '--all'], {})}`"),
         "guest: died during `wslusb capture --all`"),
        (pytest.fail.Exception("rig.toml:7: the camera is absent"), "rig.toml:7: the camera is absent"),
        (KeyError("lengths"), "KeyError: 'lengths'"),
        (AssertionError("x" * 999), "x" * 400 + " ..."),
        (CommandFailedError("guest", ""), "guest:"),
    ],
)  # fmt: skip
def test_an_error_is_a_line_without_its_class_and_pytests_drawing(error: BaseException, line: str) -> None:
    assert line_of(error) == line


def test_an_assertion_without_words_says_what_is_not_the_same() -> None:
    bare = AssertionError("assert [{'status': '...'data': '03'}] == [{'status': '...'data': '03'}]")
    said = 'probe requests: [0].status is "STALL" natively, and "PROTOCOL" in the guest, and 1 more'
    assert line_of(bare, COMPARED) == said


@pytest.mark.parametrize(
    ("native", "passthrough", "said"),
    [
        ('"0902200001010080320904"', '"0902200001010080330904"', "byte 8 of a[0] is 32 natively, and 33 in the guest"),
        ('"0902200001010080320904 ...', '"0902200001 ...', "byte 5 of a[0] is 01 natively, and the end in the guest"),
    ],
)
def test_bytes_that_are_not_the_same_are_told_by_the_first(native: str, passthrough: str, said: str) -> None:
    compared = Comparison("probe x, 20 of 42 differences", f"a[0]: {native}", f"a[0]: {passthrough}")
    assert line_of(AssertionError("assert a == b"), compared) == f"probe x: {said}"


def test_an_assertion_without_words_and_comparison_is_told_by_its_source() -> None:
    ports: list[str] = ["hs 0000 006"]
    with pytest.raises(AssertionError) as caught:
        assert not ports
    assert headline(caught, None) == "this is not so: not ports (it is: not ['hs 0000 006'])"


def test_a_time_out_says_where_it_waited() -> None:
    error = pytest.fail.Exception("Timeout (>200.0s) from pytest-timeout.")
    assert line_of(error).startswith("no end after 200 s; it waited in tests/unit/hil/harness/test_wording.py:")


def test_where_to_look_is_the_daemon_that_died_the_rig_the_native_side_or_what_the_urbs_say() -> None:
    died = ["agent"]
    assert where("x", died, TOLD, rigs=False).startswith("the agent of wslusb (wslusb/guest): agent.log ")
    assert where("x", [], TOLD, rigs=True).startswith("the rig")
    assert where("natively: byte 4 is another", [], TOLD, rigs=False).startswith("the device, or its host")
    assert where("in the guest: byte 4 is another", [], TOLD, rigs=False) == "the host part of wslusb"
    assert where("service: 2 descriptors more in 3 rounds", [], TOLD, rigs=False).startswith("the service of wslusb")
    stages = {stage.value: 0.02 * (number > 2) + number / 1000 for number, stage in enumerate(Stage)}
    slow = broken(Measurement.of("latency", "us", [100.0], [3358.0], limit=25))
    told = where(slow, [], Timeline(1, typical=UrbLine("x", None, stages)), rigs=False)
    assert told.startswith("the host part of wslusb")
    assert told.endswith(": a URB spends 21.00 ms of its 27.00 ms there")
    times = "a request takes 20.3 times as long as a ping of the service"
    assert where(times, [], Timeline(1, typical=UrbLine("x", None, stages)), rigs=False) == told
    lost = Event(-3.0, Source.AGENT, "WARNING wslusb.guest.agent: device 9-1 is lost: cancel 27 has not been answered")
    said = "agent.log: wslusb.guest.agent: device 9-1 is lost: cancel 27 has not been answered"
    assert where("no end", [], Timeline(1, [lost]), rigs=False) == said
    assert where("in the guest: byte 4", [], QUIET, rigs=False).startswith("not on the way of a URB")
