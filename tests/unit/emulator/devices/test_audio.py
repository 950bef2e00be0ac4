"""emulator.devices.audio: controls of both classes, the pace of the microphone, what the speaker writes down."""

from __future__ import annotations

import array
import math
import wave
from pathlib import Path

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status, Urb

SPEAKER_UNIT, MICROPHONE_UNIT, CLOCK = 2, 5, 7
MUTE, VOLUME, FREQUENCY = 0x100, 0x200, 0x100
GET_CUR, GET_MIN, GET_MAX, GET_RES, SET_CUR = 0x81, 0x82, 0x83, 0x84, 0x01
CUR, RANGE = 1, 2
PLAYBACK, RECORDING, FEEDBACK = 0x01, 0x82, 0x81


class Host:
    """Opens a headset on a virtual clock and starts both streams."""

    def __init__(self, options: str = "") -> None:
        model = parse_models(f"audio:{options}" if options else "audio")[0]
        self.clock = VirtualClock()
        self.device = VirtualDevice(model.gadget, model.firmware, clock=self.clock)
        self.device.select_interface(1, 1)
        self.device.select_interface(2, 1)

    def request(self, kind: int, request: int, value: int, index: int, data: bytes | int) -> bytes | None:
        """The answer; None for a stall. ``data`` is what is sent, or how much is asked for."""
        length = data if isinstance(data, int) else len(data)
        out = b"" if isinstance(data, int) else data
        seen: list[tuple[int, bytes]] = []
        urb = Urb(0, kind & 0x80, 0, length, 2, out, Setup(kind, request, value, index, length))
        self.device.submit(urb, lambda completion: seen.append((completion.status, bytes(completion.data))))
        return seen[0][1] if seen[0][0] == Status.OK else None

    def get(self, request: int, value: int, entity: int, length: int) -> bytes | None:
        return self.request(0xA1, request, value, entity << 8, length)

    def set(self, value: int, entity: int, data: bytes) -> bytes | None:
        return self.request(0x21, SET_CUR, value, entity << 8, data)

    def iso(self, endpoint: int, lengths: list[int], data: bytes = b"") -> Completion:
        seen: list[Completion] = []
        self.device.submit(Urb(0, endpoint, 1, sum(lengths), 0, data, iso_lengths=lengths), seen.append)
        self.clock.advance(len(lengths) * 0.008)
        return seen[0]

    def hear(self, milliseconds: int) -> tuple[list[int], array.array[int]]:
        """How many frames each packet of the microphone has, and the samples."""
        completion = self.iso(RECORDING, [100] * milliseconds)
        return [each.actual_length // 2 for each in completion.iso], array.array("h", bytes(completion.data))

    def play(self, frames: list[tuple[int, int]]) -> None:
        data = array.array("h", [sample for frame in frames for sample in frame]).tobytes()
        self.iso(PLAYBACK, [4 * len(frames)], data)


def wav(path: Path) -> tuple[int, list[int]]:
    with wave.open(str(path)) as file:
        assert file.getnchannels() == 2
        return file.getframerate(), list(array.array("h", file.readframes(file.getnframes())))


def test_volume_of_audio_1() -> None:
    host = Host()
    answers = [host.get(each, VOLUME | 1, SPEAKER_UNIT, 2) for each in (GET_CUR, GET_MIN, GET_MAX, GET_RES)]
    assert answers == [b"\0\0", b"\x00\xc4", b"\0\0", b"\0\1"]
    assert host.set(VOLUME | 1, SPEAKER_UNIT, b"\x00\xf6") == b""
    assert host.get(GET_CUR, VOLUME | 1, SPEAKER_UNIT, 2) == b"\x00\xf6"
    assert host.get(GET_CUR, VOLUME | 2, SPEAKER_UNIT, 2) == b"\0\0", "the other channel"


@pytest.mark.parametrize(
    ("wanted", "becomes"),
    [(b"\x00\x80", b"\x00\xc4"), (b"\x00\x10", b"\0\0"), (b"\x81\xff", b"\0\0"), (b"\x7f\xff", b"\0\xff")],
)
def test_a_volume_that_cannot_be_becomes_the_nearest(wanted: bytes, becomes: bytes) -> None:
    host = Host()
    assert host.set(VOLUME | 1, SPEAKER_UNIT, wanted) == b""
    assert host.get(GET_CUR, VOLUME | 1, SPEAKER_UNIT, 2) == becomes


def test_sampling_frequency_of_audio_1_is_the_endpoints() -> None:
    host = Host()
    assert host.request(0xA2, GET_CUR, FREQUENCY, RECORDING, 3) == (48000).to_bytes(3, "little")
    assert host.request(0x22, SET_CUR, FREQUENCY, RECORDING, (44000).to_bytes(3, "little")) == b""
    assert host.request(0xA2, GET_CUR, FREQUENCY, RECORDING, 3) == (44100).to_bytes(3, "little")
    assert host.request(0xA2, GET_CUR, FREQUENCY, PLAYBACK, 3) == (48000).to_bytes(3, "little")


def test_ranges_and_clock_of_audio_2() -> None:
    host = Host("uac=2")
    assert host.get(RANGE, VOLUME, MICROPHONE_UNIT, 8) == b"\x01\0" + b"\x00\xe2" + b"\0\0" + b"\0\1"
    rates = b"".join(each.to_bytes(4, "little") for each in (44100, 44100, 0, 48000, 48000, 0))
    assert host.get(RANGE, FREQUENCY, CLOCK, 26) == b"\x02\0" + rates
    assert host.get(CUR, 0x200, CLOCK, 1) == b"\1"
    assert host.set(0x200, CLOCK, b"\0") is None, "validity cannot be set"
    assert host.set(FREQUENCY, CLOCK, (44100).to_bytes(4, "little")) == b""
    assert host.get(CUR, FREQUENCY, CLOCK, 4) == (44100).to_bytes(4, "little")
    assert sum(host.hear(1000)[0]) == 44100


@pytest.mark.parametrize(
    ("kind", "request_code", "value", "index", "data"),
    [
        (0xA1, GET_CUR, VOLUME | 3, SPEAKER_UNIT << 8, 2), (0xA1, GET_CUR, VOLUME | 1, 9 << 8, 2),
        (0xA1, GET_CUR, VOLUME | 1, SPEAKER_UNIT << 8 | 1, 2), (0xA1, 0x85, VOLUME | 1, SPEAKER_UNIT << 8, 2),
        (0x21, 0x02, VOLUME | 1, SPEAKER_UNIT << 8, b"\0\0"), (0x21, SET_CUR, VOLUME | 1, SPEAKER_UNIT << 8, b"\0"),
        (0xA2, GET_CUR, FREQUENCY, 0x84, 3), (0xC1, GET_CUR, VOLUME | 1, SPEAKER_UNIT << 8, 2),
    ],
)  # fmt: skip
def test_requests_that_stall(kind: int, request_code: int, value: int, index: int, data: bytes | int) -> None:
    assert Host().request(kind, request_code, value, index, data) is None


def test_the_microphone_hears_its_tone() -> None:
    host = Host("tone=1000")
    _, samples = host.hear(10)
    assert list(samples) == [round(16384 * math.sin(2 * math.pi * index / 48)) for index in range(480)]
    assert host.hear(1)[1] == samples[:48], "a period later"


@pytest.mark.parametrize(
    ("options", "rate"), [("", 48000), ("ppm=1000", 48048), ("ppm=-1000", 47952), ("uac=2", 48000)]
)
def test_the_microphone_makes_as_many_samples_as_its_crystal_does(options: str, rate: int) -> None:
    counts = Host(options).hear(1000)[0]
    assert sum(counts) == rate
    assert max(counts) - min(counts) <= 1


def test_volume_and_mute_of_the_microphone() -> None:
    host = Host("tone=1000")
    host.set(VOLUME, MICROPHONE_UNIT, (-20 * 256).to_bytes(2, "little", signed=True))
    assert max(host.hear(10)[1]) == 1638
    host.set(MUTE, MICROPHONE_UNIT, b"\1")
    assert not any(host.hear(10)[1])


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ("sync=async", (48 << 14).to_bytes(3, "little")), ("uac=2", (6 << 16).to_bytes(4, "little")),
        ("uac=2,ppm=1000", ((6 << 16) * 1001 // 1000).to_bytes(4, "little")),
    ],
)  # fmt: skip
def test_feedback_is_the_rate_of_the_speakers_clock(options: str, value: bytes) -> None:
    completion = Host(options).iso(FEEDBACK, [4 if "uac=2" in options else 3])
    assert bytes(completion.data) == value


def test_an_adaptive_speaker_has_no_feedback() -> None:
    for options in ("", "uac=2,sync=adaptive"):
        assert FEEDBACK not in [
            endpoint.address
            for interface in parse_models(f"audio:{options}" if options else "audio")[0]
            .gadget.configurations[0]
            .interfaces
            for endpoint in interface.endpoints
        ]


def test_the_recording_is_a_whole_file_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    host = Host(f"record={path}")
    assert wav(path) == (48000, [])
    host.play([(1, 2), (3, -4)])
    assert wav(path) == (48000, [1, 2, 3, -4])
    host.play([(-32768, 32767)])
    assert wav(path) == (48000, [1, 2, 3, -4, -32768, 32767])
    host.device.close()
    assert wav(path) == (48000, [1, 2, 3, -4, -32768, 32767])


def test_the_recording_is_as_loud_as_the_speaker(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    host = Host(f"record={path}")
    host.set(VOLUME | 2, SPEAKER_UNIT, (-20 * 256).to_bytes(2, "little", signed=True))
    host.play([(1000, 1000)])
    host.set(MUTE, SPEAKER_UNIT, b"\1")
    host.play([(1000, 1000)])
    host.device.close()
    assert wav(path) == (48000, [1000, 100, 0, 0])


def test_another_rate_starts_the_recording_anew(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    host = Host(f"record={path}")
    host.play([(1, 1), (2, 2)])
    host.request(0x22, SET_CUR, FREQUENCY, PLAYBACK, (44100).to_bytes(3, "little"))
    host.play([(3, 3)])
    host.device.close()
    assert wav(path) == (44100, [3, 3])


def test_a_recording_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"^record: .*such\.wav: No such file or directory$"):
        parse_models(f"audio:record={tmp_path}/no/such.wav")
