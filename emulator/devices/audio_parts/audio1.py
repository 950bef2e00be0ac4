"""A headset's description in USB Audio 1.0 (section numbers are of that document), at full speed."""

from __future__ import annotations

import struct

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.descriptors_extra import class_specific
from wslusb.usb.ids import ClassCode, Speed, TransferType

from ...gadget import Gadget
from .headset import CHANNELS, FEEDBACK, PLAYBACK, RATES, RECORDING, Entity

__all__ = [
    "ADAPTIVE", "ASYNCHRONOUS", "CONTROL", "CS_ENDPOINT", "FEEDBACK_USAGE", "STREAMING", "audio1_gadget",
    "cs_interface",
]  # fmt: skip

CONTROL, STREAMING = 1, 2
"""Interface subclasses (A.2)."""
ASYNCHRONOUS, ADAPTIVE, FEEDBACK_USAGE = 0x04, 0x08, 0x10
"""Bits of bmAttributes of an isochronous endpoint (USB 2.0, table 9-13)."""
_CS_INTERFACE, CS_ENDPOINT = 0x24, 0x25
_HEADER, _INPUT, _OUTPUT, _FEATURE = 1, 2, 3, 6
_GENERAL, _FORMAT = 1, 2
_USB_STREAM, _HEADSET = 0x0101, 0x0402
_MUTE, _VOLUME = 0x01, 0x02
_STEREO = 0x0003
_PCM = 0x0001
_RATE_CAN_BE_SET = 0x01
_REFRESH = 3
"""Feedback every 2**3 ms."""


def cs_interface(subtype: int, layout: str, *values: int) -> bytes:
    """A class-specific interface descriptor: length, type and subtype before what ``layout`` (of struct) says."""
    return class_specific(_CS_INTERFACE, struct.pack("<B" + layout, subtype, *values))


def _control_interface() -> Interface:
    """4.3: terminals and units. The two terminals of the headset name each other."""
    entities = [
        cs_interface(_INPUT, "BHBBHBB", Entity.FROM_HOST, _USB_STREAM, 0, CHANNELS[PLAYBACK], _STEREO, 0, 0),
        cs_interface(_FEATURE, "BBBBBBB", Entity.SPEAKER_UNIT, Entity.FROM_HOST, 1, _MUTE, _VOLUME, _VOLUME, 0),
        cs_interface(_OUTPUT, "BHBBB", Entity.SPEAKER, _HEADSET, Entity.MICROPHONE, Entity.SPEAKER_UNIT, 0),
        cs_interface(_INPUT, "BHBBHBB", Entity.MICROPHONE, _HEADSET, Entity.SPEAKER, CHANNELS[RECORDING], 0, 0, 0),
        cs_interface(_FEATURE, "BBBBBB", Entity.MICROPHONE_UNIT, Entity.MICROPHONE, 1, _MUTE | _VOLUME, 0, 0),
        cs_interface(_OUTPUT, "BHBBB", Entity.TO_HOST, _USB_STREAM, 0, Entity.MICROPHONE_UNIT, 0),
    ]
    total = 10 + sum(map(len, entities))
    header = cs_interface(_HEADER, "HHBBB", 0x0100, total, 2, 1, 2)
    return Interface(0, 0, ClassCode.AUDIO, CONTROL, extra=[header, *entities])


def _streaming_interface(number: int, terminal: int, endpoints: list[Endpoint]) -> list[Interface]:
    """4.5: no bandwidth at alternate 0, 16-bit PCM at alternate 1."""
    rates = b"".join(rate.to_bytes(3, "little") for rate in RATES)
    channels = CHANNELS[endpoints[0].address]
    extra = [
        cs_interface(_GENERAL, "BBH", terminal, 1, _PCM),
        cs_interface(_FORMAT, f"BBBBB{len(rates)}B", 1, channels, 2, 16, len(RATES), *rates),
    ]
    return [
        Interface(number, 0, ClassCode.AUDIO, STREAMING),
        Interface(number, 1, ClassCode.AUDIO, STREAMING, endpoints=endpoints, extra=extra),
    ]


def _data_endpoint(address: int, kind: int, feedback: int = 0) -> Endpoint:
    """4.6.1: a packet a millisecond, with room for two more frames than the rate; the rate can be set."""
    size = (max(RATES) // 1000 + 2) * CHANNELS[address] * 2
    general = class_specific(CS_ENDPOINT, struct.pack("<BBBH", _GENERAL, _RATE_CAN_BE_SET, 0, 0))
    return Endpoint(address, TransferType.ISOCHRONOUS | kind, size, 1, bytes((0, feedback)), [general])


def audio1_gadget(serial: str, *, follows: bool) -> Gadget:
    """The description. ``follows``: the speaker follows the host's pace; otherwise it tells the host its own."""
    if follows:
        playback = [_data_endpoint(PLAYBACK, ADAPTIVE)]
    else:
        kind = TransferType.ISOCHRONOUS | FEEDBACK_USAGE
        feedback = Endpoint(FEEDBACK, kind, 3, 1, bytes((_REFRESH, 0)))  # 4.6.2
        playback = [_data_endpoint(PLAYBACK, ASYNCHRONOUS, FEEDBACK), feedback]
    interfaces = [
        _control_interface(),
        *_streaming_interface(1, Entity.FROM_HOST, playback),
        *_streaming_interface(2, Entity.TO_HOST, [_data_endpoint(RECORDING, ASYNCHRONOUS)]),
    ]
    return Gadget(
        device=DeviceDescriptor(0x1D6B, 0x0101, 0x0110, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, interfaces),),
        strings=("wslusb emulator", "Headset", serial),
        speed=Speed.FULL,
    )
