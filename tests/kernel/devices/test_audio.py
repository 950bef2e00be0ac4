"""The virtual headset under snd-usb-audio: tones in both directions, their pace, volume and mute."""

from __future__ import annotations

import array
import re
import time
import wave
from pathlib import Path

import pytest

from hil.clients.sound import pace, sine, strength
from hil.live.side import probe
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from tests.kernel.support import tools

RATE = 48000
WINDOW = 4800
HEADER = 44
FRAME = 4
TOLERANCE = 0.001
ATTEMPTS = 3
KINDS = [("uac=1", 0), ("uac=2,ppm=1000", 1000)]
"""Audio 1.0 with a speaker that follows, and 2.0 with feedback from a crystal that is a thousandth too fast."""


def card(node: str) -> str:
    """The ALSA card of a /dev/snd/pcmC1D0p."""
    return str(re.findall(r"pcmC(\d+)D", node)[0])


def write_tone(path: Path, frequency: int, seconds: float, amplitude: int = 10000) -> None:
    """A WAV file with a sine wave in two channels."""
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes(sine(frequency, round(seconds * RATE), RATE, 2, amplitude).tobytes())


def windows(path: Path, channel: int = 0, start: int = 0) -> list[array.array[int]]:
    """Tenths of a second of one channel of a WAV file, from a frame on."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
        samples = array.array("h", file.readframes(file.getnframes()))[channel :: file.getnchannels()][start:]
    return [samples[first : first + WINDOW] for first in range(0, len(samples) - WINDOW + 1, WINDOW)]


def growth(path: Path, seconds: float) -> list[tuple[float, int]]:
    """When a WAV file has had how many frames."""
    arrivals = []
    end = time.monotonic() + seconds
    size = path.stat().st_size
    while time.monotonic() < end:
        time.sleep(0.002)
        if (now := path.stat().st_size) != size:
            size = now
            arrivals.append((time.monotonic(), (size - HEADER) // FRAME))
    return arrivals


def captured_pace(lab: Lab, number: str, expected: float) -> float:
    """Frames a second that arecord gets.

    Linux captures with 12 URBs of 1 ms, so a machine that is busy with something else slows the bus itself down. That
    passes, and a device that keeps the wrong time does not: a measurement that is too low is made again.
    """
    found = 0.0
    for _ in range(ATTEMPTS):
        heard = probe(lab, lab.guest, "sound_captured", device=f"hw:{number},0", rate=RATE, channels=1, duration=5)
        found = pace(heard["arrivals"], RATE).rate
        print(f"{found:.1f} frames a second")
        if found >= expected * (1 - TOLERANCE):
            break
    return found


@pytest.mark.parametrize(("kind", "ppm"), [*KINDS, ("uac=1,sync=async,ppm=-500", -500)])
def test_what_aplay_plays_is_heard_at_its_pace_and_as_loud_as_amixer_says(
    lab: Lab, kernel: UmlMachine, kind: str, ppm: int
) -> None:
    tools("aplay")
    played, heard = lab.rig.shared / "played.wav", lab.rig.shared / "heard.wav"
    write_tone(played, 1000, 6.0)
    with lab.plug(f"audio:{kind},record={heard}") as plugged:
        number = card(plugged.node("/dev/snd/pcm"))
        player = kernel.start(f"aplay -q -D hw:{number},0 {played}")
        kernel.wait_until(f"[ $(stat -c %s {heard}) -gt {RATE} ]", 20)
        arrivals = growth(heard, 4.5)
        player.wait(20)
        loud = len(windows(heard))
        kernel.run(
            f"amixer -q -c {number} sset PCM -- -20dB; timeout 1 aplay -q -D hw:{number},0 {played}", check=False
        )
        quiet = len(windows(heard))
        kernel.run(f"amixer -q -c {number} sset PCM mute; timeout 1 aplay -q -D hw:{number},0 {played}", check=False)
    print(f"{pace(arrivals, RATE).rate:.1f} frames a second")
    assert pace(arrivals, RATE).rate == pytest.approx(RATE * (1 + ppm / 1e6), rel=TOLERANCE)
    for channel in (0, 1):
        found = windows(heard, channel)
        assert loud >= 59
        assert [strength(each, 1000, RATE) for each in found[2:58]] == [pytest.approx(10000, rel=0.01)] * 56
        assert strength(found[quiet - 3], 1000, RATE) == pytest.approx(1000, rel=0.02)
        assert len(found) > quiet + 3
        assert not any(found[-1])


@pytest.mark.parametrize(("kind", "ppm"), KINDS)
def test_what_the_microphone_hears_is_recorded_at_its_pace(lab: Lab, kernel: UmlMachine, kind: str, ppm: int) -> None:
    tools("aplay")
    recorded, expected = lab.rig.shared / "recorded.wav", RATE * (1 + ppm / 1e6)
    with lab.plug(f"audio:{kind},tone=1500") as plugged:
        number = card(plugged.node("/dev/snd/pcm"))
        kernel.run(f"arecord -q -D hw:{number},0 -f S16_LE -r {RATE} -c 1 -d 2 {recorded}", timeout=30)
        loud = windows(recorded)
        kernel.run(
            f"amixer -q -c {number} sset Headset -- -12dB;"
            f" arecord -q -D hw:{number},0 -f S16_LE -r {RATE} -c 1 -d 1 {recorded}",
            timeout=30,
        )  # fmt: skip
        quiet = windows(recorded)
        found = captured_pace(lab, number, expected)
    assert found == pytest.approx(expected, rel=TOLERANCE)
    assert [strength(each, 1500, RATE) for each in loud] == [pytest.approx(16384, rel=0.01)] * 20
    assert [strength(each, 1500, RATE) for each in quiet] == [pytest.approx(16384 * 10 ** (-12 / 20), rel=0.01)] * 10
