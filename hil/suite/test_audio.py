"""Sound cards by the kernel's driver: the same streams and controls, sound without gaps, at its own pace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import pytest

from hil.clients.sound import SAMPLES, breaks, pace, packets_ppm
from hil.errors import RigError
from hil.harness.fixtures import Both, Measure
from hil.live.device import LiveDevice
from hil.live.side import Side, probe
from hil.suite.heard import heard_by
from hil.suite.interfaces import class_descriptors, of_class
from hil.suite.iso_streams import stream_in
from hil.suite.sound_cards import CLOCK_SOURCE, CONTROL, VERSION_2, Form, card, forms, hw_params, tools
from wslusb.usb.ids import ClassCode

pytestmark = [pytest.mark.trait("audio"), pytest.mark.safety("reversible")]

_FEATURE_UNIT = 6
_MUTE, _VOLUME, _FREQUENCY = 1, 2, 1
_SECONDS, _SHORT_SECONDS = 4.0, 0.4
_TONE = 437
_ATTEMPTS = 3
_CRYSTAL_PPM = 2500.0
"""Full speed allows a device's clock that much (USB 2.0, 7.1.11)."""
_EDGE_SECONDS = 0.05
_STREAM_SECONDS = 60.0
_LATE_SECONDS = 0.02
"""What the driver has sent ahead: three URBs."""


def _with_tools(both: Both) -> Iterator[Side]:
    """The sides on which a driver has it, one after the other; all have ALSA's programs."""
    for side in both.with_kernel():
        tools(side)
        yield side


def test_the_drivers_offer_what_the_device_has(dut: LiveDevice, both: Both) -> None:
    """Formats, channels and rates in the guest: as on the host, and each of the descriptors is among them."""
    known = forms(dut)
    offers = {side.name: [hw_params(side, form) for form in known] for side in _with_tools(both)}
    assert offers.get("native", offers["passthrough"]) == offers["passthrough"]
    for form, offer in zip(known, offers["passthrough"], strict=True):
        assert form.form in offer.get("FORMAT", "").split(), f"{form}: the guest's driver offers {offer}"
        for name, wanted in (("CHANNELS", form.channels), *(("RATE", rate) for rate in form.rates)):
            ends = [int(number) for number in re.findall(r"\d+", offer[name])]
            assert ends[0] <= wanted <= ends[-1], f"{form}: {wanted} is not among {name} {offer[name]} of the guest"


def _control_requests(dut: LiveDevice) -> list[list[Any]]:
    """What a driver asks for: the values and ranges of volume, mute and rate (Audio 1.0, 5.2; Audio 2.0, 5.2)."""
    found: list[list[Any]] = []
    for interface in of_class(dut, ClassCode.AUDIO, CONTROL):
        codes = (1, 2) if interface.protocol == VERSION_2 else (0x81, 0x82, 0x83, 0x84)
        for unit in class_descriptors(interface, _FEATURE_UNIT):
            index = unit[3] << 8 | interface.number
            found += [
                [0xA1, code, control << 8 | channel, index, length, ""]
                for control, length in ((_MUTE, 1), (_VOLUME, 2))
                for channel in (0, 1, 2)
                for code in codes
            ]
        for source in class_descriptors(interface, CLOCK_SOURCE) if interface.protocol == VERSION_2 else ():
            index = source[3] << 8 | interface.number
            found += [[0xA1, code, _FREQUENCY << 8, index, length, ""] for code, length in ((1, 4), (2, 14), (2, 2))]
    return found


def test_controls_answer_as_natively(dut: LiveDevice, both: Both) -> None:
    """Volume, mute and clocks: what they are, their ranges, and what the device has not."""
    requests = _control_requests(dut)
    if not requests:
        pytest.skip("it has neither volume nor clocks that can be asked for")
    native, passthrough = both.probe("requests", requests=requests)
    assert passthrough == native


def _run(side: Side, form: Form, rate: int, seconds: float, tone: int = 0) -> dict[str, Any]:
    name = "sound_captured" if form.is_capture else "sound_played"
    folder = f"/sys/bus/usb/devices/{side.busid}/{side.busid}:1.{form.interface}"
    found: dict[str, Any] = probe(
        side.daemons, side.place, name, device=f"hw:{card(side)},{form.pcm}", rate=rate, channels=form.channels,
        duration=seconds, tone=tone, form=form.form, status=f"{folder}/bAlternateSetting",
    )  # fmt: skip
    return found


def _lateness(side: Side, found: dict[str, Any]) -> float:
    request = median(side.probe("latency", count=20)) / 1e6
    return float(max(found.get("late", 0.0), request))


def _in_time(side: Side, use: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Again, if the machine was late: then ALSA's programs say so, and nothing can be said of the device.

    What they call an input/output error is a period that did not end in time (sound/core/pcm_lib.c, wait_for_avail):
    the machine's fault if it is late with other things, or with the shortest of requests, too.
    """
    for _ in range(_ATTEMPTS):
        found = use()
        late = "Input/output error" in found["said"] and _lateness(side, found) > _LATE_SECONDS
        if not late and "run!!!" not in found["said"]:
            assert not found["said"], f"{side}: {found['said']}"
            return found
    raise RigError(f"{side}: {side.place.name} is too busy for sound: {found['said']}")


def test_each_rate_of_each_format_runs(dut: LiveDevice, passthrough: Side) -> None:
    """At every sample rate of every alternate setting: sound runs, and the driver has chosen that setting."""
    tools(passthrough)
    known = forms(dut)
    side = dut.passthrough()
    for form, rate in ((each, rate) for each in known for rate in each.rates):
        found = _in_time(side, lambda form=form, rate=rate: _run(side, form, rate, _SHORT_SECONDS))  # type: ignore[misc]
        same = {
            each.alternate
            for each in known
            if (each.interface, each.form, each.channels) == (form.interface, form.form, form.channels)
        }
        assert int(found["status"] or 0) in same, f"{form} at {rate} Hz ran in setting {found['status']}"


def test_what_is_captured_has_no_gap(dut: LiveDevice, both: Both, measure: Measure, effort: float) -> None:
    """The tone that the microphone hears goes on from packet to packet; its clock against the machine's, in ppm."""
    tone = dut.entry.options.get("audio", {}).get("tone", 0)
    form = next((each for each in forms(dut) if each.is_capture and each.form == "S16_LE"), None)
    if form is None:
        pytest.skip("it captures nothing of 16 bits")
    drifts: dict[str, list[float]] = {"native": [], "passthrough": []}
    doubts = {}
    for side in _with_tools(both):
        drift, doubt = _captured(dut, side, form, max(1.5, _SECONDS * effort), tone)
        drifts[side.name].append(drift)
        doubts[side.name] = doubt
    at = {f"uncertainty {name}": round(doubt) for name, doubt in doubts.items()}
    measure("clock of capture against the machine's", "ppm", drifts["native"], drifts["passthrough"], **at)


def _captured(dut: LiveDevice, side: Side, form: Form, seconds: float, tone: int) -> tuple[float, float]:
    """Drift and its uncertainty in ppm.

    A machine that is busy slows down what is clocked by its URBs and never makes it faster, so a device that seems slow
    is listened to again. Of one that is slow each time by more than can be, its packets tell whose fault that is.
    """
    rate, seen = form.rates[-1], list[float]()
    for _ in range(_ATTEMPTS):
        found = _in_time(side, lambda: _run(side, form, rate, seconds, tone))
        due = round(seconds * 100)
        assert len(found["arrivals"]) == due, f"{side}: {form} ended after {len(found['arrivals'])} of {due} periods"
        assert not found["breaks"], (
            f"{side}: {form}: the tone of {tone} Hz breaks at samples {found['breaks'][:8]} of {due * rate // 100}"
        )
        assert not tone or found["loudest"], f"{side}: {form}: silence, where a tone of {tone} Hz is due"
        measured = pace(found["arrivals"], rate)
        drift = measured.ppm(rate)
        assert drift < _CRYSTAL_PPM + measured.doubt, f"{side}: {form}: {drift:.0f} ppm too fast"
        seen.append(drift)
        if drift > -_CRYSTAL_PPM - measured.doubt:
            return drift, measured.doubt
    clock = _own_pace(dut, side, form)
    assert abs(clock) < _CRYSTAL_PPM, f"{side}: {form}: by what is in its packets its clock is {clock:.0f} ppm off"
    raise RigError(
        f"{side}: {form} is slow by {[round(each) for each in seen]} ppm, its tone without gaps, and by {clock:.0f} ppm"
        " to what is in its packets: the machine is too busy"
    )


def _own_pace(dut: LiveDevice, side: Side, form: Form) -> float:
    """Its clock against that of the bus, in ppm. A machine that is late loses packets, and changes none."""
    stream = stream_in(dut, form.interface, form.alternate)
    found = side.probe("iso", seconds=_STREAM_SECONDS + 30, patience=_STREAM_SECONDS, **stream.words(0.5))
    lengths = {int(length): count for length, count in found["lengths"].items()}
    return packets_ppm(lengths, form.channels * SAMPLES[form.form], stream.period, form.rates)


def test_what_is_played_is_heard_without_gap(dut: LiveDevice, both: Both, measure: Measure, effort: float) -> None:
    """A tone from the kernel's driver to whoever listens to the speaker: no gap in it, as long as it was."""
    heard = heard_by(dut)
    seconds = max(2.0, _SECONDS * effort)
    form = next((each for each in forms(dut) if not each.is_capture and each.form == "S16_LE"), None)
    if form is None:
        pytest.skip("it plays nothing of 16 bits")
    taken: dict[str, list[float]] = {"native": [], "passthrough": []}
    for side in _with_tools(both):
        rate = form.rates[-1]

        def play(side: Side = side, form: Form = form, rate: int = rate) -> dict[str, Any]:
            heard.mark()
            return _run(side, form, rate, seconds, _TONE)

        taken[side.name].append(_in_time(side, play)["seconds"])
        samples, kept = heard.sound()
        assert len(samples) > (seconds - 0.5) * kept, (
            f"{side}: {seconds:g} s were played, and {len(samples) / kept:.2f} s were heard"
        )
        edge = round(_EDGE_SECONDS * kept)
        wrong = breaks(samples[edge:-edge], _TONE, kept)
        assert not wrong, f"{side}: {form}: the tone of {_TONE} Hz breaks at samples {wrong[:8]} of {len(samples)}"
    measure(f"time to play {seconds:g} s", "s", taken["native"], taken["passthrough"])
