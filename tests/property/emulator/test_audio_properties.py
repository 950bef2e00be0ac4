"""emulator.devices.audio_parts: no sample is made twice or lost, however a host cuts time into transfers."""

from __future__ import annotations

import array

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.audio_parts.controls import Control
from wslusb.device.clock import VirtualClock
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Urb

RECORDING = 0x82


def recorded(cuts: list[int], rate: int, ppm: int) -> array.array[int]:
    """What the microphone gives in transfers of these numbers of packets, a millisecond each."""
    model = parse_models(f"audio:tone=997,ppm={ppm}")[0]
    clock, seen = VirtualClock(), list[bytes]()
    device = VirtualDevice(model.gadget, model.firmware, clock=clock)
    device.select_interface(2, 1)
    frequency = rate.to_bytes(3, "little")
    device.submit(Urb(0, 0, 0, 3, 0, frequency, Setup(0x22, 1, 0x100, RECORDING, 3)), lambda _: None)

    def done(completion: Completion) -> None:
        seen.append(bytes(completion.data))

    for cut in cuts:
        device.submit(Urb(0, RECORDING, 1, 100 * cut, iso_lengths=[100] * cut), done)
    clock.advance(1.0)
    return array.array("h", b"".join(seen))


@settings(max_examples=25)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.sampled_from([44100, 48000]), st.integers(-1000, 1000))
def test_the_microphone_does_not_care_how_time_is_cut(cuts: list[int], rate: int, ppm: int) -> None:
    samples = recorded(cuts, rate, ppm)
    assert samples == recorded([sum(cuts)], rate, ppm)
    assert len(samples) == sum(cuts) * rate * (1_000_000 + ppm) // 1_000_000_000


@given(st.integers(-0x8000, 0x7FFF))
def test_a_volume_is_never_further_off_than_half_a_step(wanted: int) -> None:
    control = Control(0, 2, ((-60 * 256, 0, 256),), signed=True)
    control.set(control.pack(wanted))
    assert control.value in range(-60 * 256, 1, 256)
    assert abs(control.value - min(max(wanted, -60 * 256), 0)) <= 128
