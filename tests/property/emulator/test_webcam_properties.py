"""emulator.devices.video_parts: any proposal leads to a stream that fits, and any cut of time to the same pictures."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from emulator.catalogue import parse_models
from emulator.devices.video_parts.negotiation import INTERVALS, SIZES, Settings
from emulator.devices.video_parts.picture import Picture
from emulator.devices.video_parts.streams import IsoStream
from emulator.devices.webcam import WebcamFirmware
from emulator.frames import Frames, max_payload
from emulator.iso import IsoPipe
from wslusb.device.clock import VirtualClock
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import Speed

PAYLOADS = [
    max_payload(interface.endpoints[0], Speed.HIGH)
    for interface in parse_models("webcam")[0].gadget.configurations[0].interfaces
    if interface.endpoints
]


@given(st.binary(min_size=34, max_size=34) | st.binary(min_size=26, max_size=26))
def test_any_proposal_becomes_settings_that_fit_into_an_alternate_setting(proposal: bytes) -> None:
    settings = Settings(bulk=False).proposed(proposal)
    assert settings is not None
    assert (settings.width, settings.height) in SIZES
    assert settings.interval in INTERVALS
    assert settings.payload <= max(PAYLOADS)
    assert settings.proposed(settings.pack()) == settings, "what the device says it can do, it can do"
    size, payload = struct.unpack_from("<II", settings.pack(), 18)
    packets = -(-size // (payload - 6))
    assert packets * 1250 <= settings.interval, "a frame is through before the next one is due"


@given(st.binary(max_size=60).filter(lambda data: len(data) not in (26, 34)))
def test_what_has_another_length_is_no_proposal(data: bytes) -> None:
    assert Settings(bulk=False).proposed(data) is None


@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(-128, 127))
def test_pictures_do_not_depend_on_how_time_is_cut(cuts: list[int], brightness: int) -> None:
    firmware = WebcamFirmware(bulk=False)
    firmware.brightness = brightness
    stream = IsoStream(firmware)
    clock = VirtualClock()
    IsoPipe(Endpoint(0x81, 5, 192, 1), lambda *_: None, Frames(clock, lambda action: action()), Speed.HIGH, stream)
    sent: list[bytes] = []
    for cut in cuts:
        data, lengths = stream.packets([192] * cut)
        view = bytes(data)
        for length in lengths:
            sent.append(view[:length])
            view = view[length:]
    frames = [Picture(160, 120).frame(number, brightness) for number in range(len(sent) // 266 + 1)]
    assert b"".join(each[6:] for each in sent) == b"".join(frames)[: sum(len(each) - 6 for each in sent if each)]
