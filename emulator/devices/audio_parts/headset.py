"""What a headset is made of, whichever class it speaks: controls, a sample clock, two streams, and their numbers."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from wslusb.usb.setup import Recipient
from wslusb.usb.urb import Buffer

from ...firmware import IsoHandler
from .controls import MUTE, SAMPLING_FREQUENCY, VALIDITY, VOLUME, Control, Name, Version, volume
from .sound import Tone, WavFile, amplified

__all__ = [
    "CHANNELS", "FEEDBACK", "PLAYBACK", "RATES", "RECORDING", "Entity", "Feedback", "Headset", "Microphone", "Speaker",
]  # fmt: skip


class Entity(enum.IntEnum):
    """Stream to feature unit to speaker, microphone to feature unit to stream, and (2.0) the clock of both."""

    FROM_HOST = 1
    SPEAKER_UNIT = 2
    SPEAKER = 3
    MICROPHONE = 4
    MICROPHONE_UNIT = 5
    TO_HOST = 6
    CLOCK = 7


PLAYBACK, RECORDING, FEEDBACK = 0x01, 0x82, 0x81
"""Endpoints."""
CHANNELS = {PLAYBACK: 2, RECORDING: 1}
RATES = (48000, 44100)
"""In Hz; the first is what the device starts with."""

_MILLION = 1_000_000
_MICROFRAMES = 8000


class Headset:
    """The state of a headset. ``ppm``: how far its crystal is off, in parts per million."""

    def __init__(self, version: Version, tone: int, ppm: int = 0) -> None:
        self.version = version
        self.tone = tone
        self._ppm = ppm
        self._mutes: dict[int, Control] = {
            unit: Control(0, 1, ((0, 1, 1),)) for unit in (Entity.SPEAKER_UNIT, Entity.MICROPHONE_UNIT)
        }
        self._volumes: dict[int, dict[int, Control]] = {
            Entity.SPEAKER_UNIT: {1: volume(-60, 0), 2: volume(-60, 0)},
            Entity.MICROPHONE_UNIT: {0: volume(-30, 0)},
        }
        size = 3 if version == 1 else 4
        self._clocks = {PLAYBACK: _clock(size), RECORDING: _clock(size)}
        if version == 2:
            self._clocks[RECORDING] = self._clocks[PLAYBACK]

    def controls(self) -> dict[Name, Control]:
        """All that the host may read and set."""
        found: dict[Name, Control] = {}
        for unit, mute in self._mutes.items():
            found[Recipient.INTERFACE, unit, MUTE, 0] = mute
            for channel, each in self._volumes[unit].items():
                found[Recipient.INTERFACE, unit, VOLUME, channel] = each
        if self.version == 1:
            for endpoint, clock in self._clocks.items():
                found[Recipient.ENDPOINT, endpoint, SAMPLING_FREQUENCY, 0] = clock
        else:
            found[Recipient.INTERFACE, Entity.CLOCK, SAMPLING_FREQUENCY, 0] = self._clocks[PLAYBACK]
            found[Recipient.INTERFACE, Entity.CLOCK, VALIDITY, 0] = Control(1, 1, ((1, 1, 0),), fixed=True)
        return found

    def gains(self, unit: int) -> tuple[float, ...]:
        """By what each channel of a feature unit multiplies."""
        if self._mutes[unit].value:
            return tuple(0.0 for _ in self._volumes[unit])
        return tuple(10 ** (each.value / 256 / 20) for each in self._volumes[unit].values())

    def nominal_rate(self, endpoint: int) -> int:
        """What the host has chosen, in Hz."""
        return self._clocks[endpoint].value

    def rate(self, endpoint: int) -> int:
        """What the device's crystal makes of it, in microhertz."""
        return self._clocks[endpoint].value * (_MILLION + self._ppm)


def _clock(size: int) -> Control:
    return Control(RATES[0], size, tuple((rate, rate, 0) for rate in sorted(RATES)))


class Speaker(IsoHandler):
    """Isochronous OUT: what is heard, after mute and volume, goes into a file."""

    def __init__(self, headset: Headset, file: WavFile | None) -> None:
        self._headset = headset
        self._file = file

    def received(self, data: memoryview, lengths: Sequence[int]) -> None:  # noqa: ARG002
        """Whole frames of two samples."""
        if self._file is not None:
            frames = bytes(data[: len(data) & ~3])
            heard = amplified(frames, self._headset.gains(Entity.SPEAKER_UNIT))
            self._file.append(heard, self._headset.nominal_rate(PLAYBACK))


class Microphone(IsoHandler):
    """Isochronous IN: a tone. The device sets the pace: as many samples a packet as its own clock has made."""

    def __init__(self, headset: Headset) -> None:
        self._headset = headset
        self._made = 0
        self._tone = Tone(headset.tone, headset.nominal_rate(RECORDING))

    def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
        """Samples are added up in integers: rates that do not fit the interval get a longer packet now and then."""
        headset = self._headset
        if self._tone.rate != headset.nominal_rate(RECORDING):
            self._tone = Tone(headset.tone, headset.nominal_rate(RECORDING))
        a_packet, one = headset.rate(RECORDING) * self.pipe.interval, _MILLION * _MICROFRAMES
        counts = []
        for _ in lengths:
            count, self._made = divmod(self._made + a_packet, one)
            counts.append(count)
        heard = amplified(self._tone.take(sum(counts)), headset.gains(Entity.MICROPHONE_UNIT))
        return heard, [2 * count for count in counts]


class Feedback(IsoHandler):
    """Isochronous IN: how fast the speaker's clock runs, for a host that is to follow it (USB 2.0, 5.12.4.2).

    Samples a frame as 10.14 bits at full speed, samples a microframe as 16.16 bits at high speed.
    """

    def __init__(self, headset: Headset) -> None:
        self._headset = headset

    def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
        """The same in every packet: the clock is steady."""
        rate = self._headset.rate(PLAYBACK)
        if self._headset.version == 1:
            value = ((rate << 14) // (1000 * _MILLION)).to_bytes(3, "little")
        else:
            value = ((rate << 16) // (_MICROFRAMES * _MILLION)).to_bytes(4, "little")
        return value * len(lengths), [len(value)] * len(lengths)
