"""Cameras: the same formats and answers, frames that arrive whole, one after the other, at their rate."""

from __future__ import annotations

import itertools
import statistics
from typing import Any, NamedTuple

import pytest

from hil.clients.v4l2 import ERROR
from hil.errors import RigError
from hil.harness.fixtures import Both, Measure
from hil.live.device import LiveDevice
from hil.live.side import Side, probe
from hil.suite.cameras import Picture, control_requests, negotiation_requests, pictures

pytestmark = pytest.mark.trait("video")

_UNIT = 1e-7
_FRAMES = 40
_SETTLING = 5
"""Frames at the beginning, while exposure and rate settle."""
_ATTEMPTS = 3
_LATE_FRAMES = 2.5
"""With four buffers, a program that is later than this many frames may have cost one."""
_TOLERANCE = 0.05
_NUMBERS = 1 << 16
_CAPTURE_SECONDS = 120.0


class Frame(NamedTuple):
    """As :mod:`hil.probes.video_frames` tells it."""

    sequence: int
    length: int
    whole: int
    flags: int
    time: float
    number: int
    got: float


def _video(side: Side, **words: Any) -> dict[str, Any]:
    node = side.node("/dev/video")
    found: dict[str, Any] = probe(side.daemons, side.place, "video_frames", _CAPTURE_SECONDS, node=node, **words)
    return found


def test_the_drivers_offer_what_the_device_has(dut: LiveDevice, both: Both) -> None:
    """Formats, sizes and frame intervals in the guest: as on the host, and those of the descriptors."""
    offers = {side.name: _video(side)["offers"] for side in both.with_kernel()}
    assert offers.get("native", offers["passthrough"]) == offers["passthrough"]
    known = {(each.form, each.size) for each in pictures(dut) if each.form}
    assert known <= {(each["format"], tuple(each["size"])) for each in offers["passthrough"]}


@pytest.mark.safety("reversible")
def test_negotiation_goes_as_natively(dut: LiveDevice, both: Both) -> None:
    """The probe control: its limits, what becomes of each size that is proposed, and of a format that there is not."""
    requests = negotiation_requests(dut)
    if not requests:
        pytest.skip("it has no format that is read here")
    native, passthrough = both.probe("requests", requests=requests)
    assert passthrough == native


def test_controls_answer_as_natively(dut: LiveDevice, both: Both) -> None:
    """Which controls of lens and processing there are, and their lengths."""
    requests = control_requests(dut)
    if not requests:
        pytest.skip("it has no controls of lens or processing")
    native, passthrough = both.probe("requests", requests=requests)
    assert passthrough == native


def _captured(side: Side, picture: Picture, count: int) -> list[Frame]:
    """Frames, all of which this program came for in time: else nothing can be said of those that are missing."""
    interval = picture.interval * _UNIT
    late = 0.0
    for _ in range(_ATTEMPTS):
        answer = _video(
            side, size=picture.size, form=picture.form, interval=(picture.interval, 10_000_000), count=count + _SETTLING
        )  # fmt: skip
        frames = [Frame(*each) for each in answer["frames"]][_SETTLING:]
        late = max(after.got - before.got for before, after in itertools.pairwise(frames))
        if _trouble(frames) == "" or late < _LATE_FRAMES * interval:
            return frames
    raise RigError(f"{side}: {side.place.name} is too busy for video: frames were left waiting for {late:.2f} s")


def _trouble(frames: list[Frame]) -> str:
    """What is wrong with the row of frames; empty if nothing is."""
    for before, after in itertools.pairwise(frames):
        if after.sequence != before.sequence + 1:
            return f"the driver left out {after.sequence - before.sequence - 1} after frame {before.sequence}"
    for frame in frames:
        if frame.flags & ERROR:
            return f"frame {frame.sequence} is not whole: packets of it were lost"
        if frame.whole and frame.length != frame.whole:
            return f"frame {frame.sequence} has {frame.length} of {frame.whole} bytes"
    return ""


def _rate(frames: list[Frame]) -> float:
    return 1 / statistics.linear_regression(range(len(frames)), [each.time for each in frames]).slope


@pytest.mark.safety("reversible")
def test_frames_arrive_whole_and_none_is_missing(dut: LiveDevice, both: Both, measure: Measure, effort: float) -> None:
    """Each size of each format: frames without a gap in the driver's numbers and the device's; their rate."""
    numbered = dut.entry.options.get("video", {}).get("numbered", False)
    known = [each for each in pictures(dut) if each.form]
    if not known:
        pytest.skip("it has no format that is read here")
    rates: dict[Picture, dict[str, list[float]]] = {each: {"native": [], "passthrough": []} for each in known}
    for side in both.with_kernel():
        for picture in known:
            what = f"{side}: {picture.form} of {picture.size[0]} x {picture.size[1]}"
            frames = _captured(side, picture, max(10, round(_FRAMES * effort)))
            assert not (wrong := _trouble(frames)), f"{what}: {wrong}"
            if numbered and picture.form == "YUYV":
                steps = [(after.number - before.number) % _NUMBERS for before, after in itertools.pairwise(frames)]
                assert set(steps) == {1}, f"{what}: from picture to picture the device's numbers go on by {steps}"
            rates[picture][side.name].append(_rate(frames))
    for picture, found in rates.items():
        size = f"{picture.size[0]}x{picture.size[1]}"
        measure(
            "frame rate", "frames/s", found["native"], found["passthrough"], better="higher", format=picture.form,
            size=size,
        )  # fmt: skip
        # Less light, fewer frames: only the same camera on its host says how many are due. More is never right.
        due = 1 / (picture.interval * _UNIT)
        assert found["passthrough"][0] < due * (1 + _TOLERANCE), f"{picture.form} of {size}: {found} where {due} is due"
        for native in found["native"]:
            assert found["passthrough"][0] > native * (1 - 3 * _TOLERANCE), f"{picture.form} of {size}: {found}"
