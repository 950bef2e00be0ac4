"""hil.clients.sound: tones, gaps in them, and the pace of sound."""

from __future__ import annotations

import random

import pytest

from hil.clients.sound import breaks, pace, packets_ppm, sine, strength

RATE = 48000


@pytest.mark.parametrize("rate", [44100, 48000])
def test_a_tone_has_no_breaks(rate: int) -> None:
    tone = sine(437, rate, rate, channels=1, amplitude=30000)
    assert breaks(tone, 437, rate) == []
    assert strength(tone, 437, rate) == pytest.approx(30000, rel=0.001)


@pytest.mark.parametrize("missing", [1, 48, 96, 192])
def test_a_gap_is_one_break_where_it_is(missing: int) -> None:
    tone = sine(437, RATE, RATE, channels=1)
    (found,) = breaks(tone[:10_000] + tone[10_000 + missing :], 437, RATE)
    assert found == pytest.approx(10_000, abs=2)


def test_noise_is_no_break_and_a_gap_in_noise_is() -> None:
    dice = random.Random(1)
    noisy = [sample + dice.randint(-8, 8) for sample in sine(437, RATE, RATE, channels=1)]
    assert breaks(noisy, 437, RATE) == []
    assert len(breaks(noisy[:5000] + noisy[5048:], 437, RATE)) == 1


def test_pace_leaves_out_what_is_late_and_says_how_sure_it_is() -> None:
    dice = random.Random(2)
    arrivals = [(number / 100 / 1.001 + dice.choice((0, 0, 0.03)), number * 480) for number in range(1, 500)]
    found = pace(arrivals, RATE)
    assert found.ppm(RATE) == pytest.approx(1000, abs=1)
    assert found.doubt < 200
    trembling = [(moment + dice.uniform(0, 0.05), frames) for moment, frames in arrivals]
    assert abs(pace(trembling, RATE).ppm(RATE) - 1000) < pace(trembling, RATE).doubt > 200


@pytest.mark.parametrize("ppm", [-3000, -900, 0, 900])
def test_packets_tell_the_clock_of_who_has_filled_them_however_late_they_are(ppm: int) -> None:
    frames = 44100 * (1 + ppm / 1e6)  # in 1000 packets, some of 44 and some of 45
    long = round(frames - 44 * 1000)
    lengths = {44 * 4: 1000 - long, 45 * 4: long}
    assert packets_ppm(lengths, 4, 1e-3, (48000, 44100)) == pytest.approx(ppm, abs=12)
