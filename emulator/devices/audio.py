"""A headset: a stereo speaker that records what it plays, a microphone that hears a tone, volume and mute for both."""

from __future__ import annotations

from pathlib import Path

from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import Firmware, IsoHandler
from ..gadget import Place
from ..model import Kind, Model
from ..options import Options
from .audio_parts.audio1 import audio1_gadget
from .audio_parts.audio2 import audio2_gadget
from .audio_parts.controls import Controls
from .audio_parts.headset import CHANNELS, FEEDBACK, PLAYBACK, Feedback, Headset, Microphone, Speaker
from .audio_parts.sound import WavFile

__all__ = ["KIND", "AudioFirmware"]


class AudioFirmware(Firmware):
    """Behaviour. What the speaker plays while it is plugged in is written to ``record``, a WAV file."""

    def __init__(self, headset: Headset, record: Path | None = None) -> None:
        self._headset = headset
        self._controls = Controls(headset.version, headset.controls())
        self._record = record
        self._file: WavFile | None = None

    def attached(self) -> None:
        """Start the file anew."""
        if self._record is not None:
            self._file = WavFile(self._record, CHANNELS[PLAYBACK], self._headset.nominal_rate(PLAYBACK))

    def detached(self) -> None:
        """The file stays as it is."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def endpoint(self, place: Place) -> IsoHandler:
        """Speaker, its feedback, microphone."""
        if place.endpoint.address == PLAYBACK:
            return Speaker(self._headset, self._file)
        return Feedback(self._headset) if place.endpoint.address == FEEDBACK else Microphone(self._headset)

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:
        """Volume, mute, sampling frequency."""
        return self._controls.answer(setup, bytes(data))


def _make(options: Options) -> Model:
    serial = options.serial(f"AUDIO{options.number:04d}")
    version = options.integer("uac", 1, 1, 2)
    follows = options.choice("sync", ("adaptive", "async"), "adaptive" if version == 1 else "async") == "adaptive"
    headset = Headset(version, options.integer("tone", 440, 0, 20000), options.integer("ppm", 0, -1000, 1000))
    record = options.output("record")
    gadget = audio1_gadget if version == 1 else audio2_gadget
    return Model(gadget(serial, follows=follows), AudioFirmware(headset, record))


KIND = Kind(
    name="audio",
    summary="a headset: speaker and microphone with volume and mute",
    make=_make,
    options={
        "serial": "serial number",
        "uac": "1: Audio 1.0 at full speed (default), 2: Audio 2.0 at high speed",
        "tone": "what the microphone hears, in Hz (default 440, 0 for silence)",
        "record": "a WAV file for what the speaker plays",
        "sync": "adaptive: the speaker follows the host (default of 1.0), async: it gives feedback (default of 2.0)",
        "ppm": "how far the device's crystal is off, in parts per million",
    },
    driver="snd-usb-audio",
)
