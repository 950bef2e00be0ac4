"""A headset's description in USB Audio 2.0 (section numbers are of that document), at high speed."""

from __future__ import annotations

import struct

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.descriptors_extra import InterfaceAssociation, class_specific
from wslusb.usb.ids import ClassCode, Speed, TransferType

from ...gadget import Gadget
from .audio1 import ADAPTIVE, ASYNCHRONOUS, CONTROL, CS_ENDPOINT, FEEDBACK_USAGE, STREAMING, cs_interface
from .headset import CHANNELS, FEEDBACK, PLAYBACK, RATES, RECORDING, Entity

__all__ = ["audio2_gadget"]

_VERSION_2 = 0x20
"""bFunctionProtocol and bInterfaceProtocol (A.2, A.6)."""
_HEADER, _INPUT, _OUTPUT, _FEATURE, _CLOCK_SOURCE = 1, 2, 3, 6, 0x0A
_GENERAL, _FORMAT = 1, 2
_USB_STREAM, _HEADSET = 0x0101, 0x0402
_HEADSET_CATEGORY = 0x04
_MUTE, _VOLUME = 0x03, 0x0C
"""Two bits a control: the host may read and set it (4.7.2.8)."""
_PROGRAMMABLE, _FREQUENCY_SET, _VALIDITY_READ = 0x03, 0x03, 0x04
_FRONT_LEFT_RIGHT, _MONO = 0x3, 0x0
_PCM = 0x1
_MILLISECOND, _EIGHT_MILLISECONDS = 4, 7
"""bInterval: 2**(4-1) and 2**(7-1) microframes."""


def _control_interface() -> Interface:
    """4.7: one clock for both directions, terminals and units."""
    left_right, none = _FRONT_LEFT_RIGHT, 0
    entities = [
        cs_interface(_CLOCK_SOURCE, "BBBBB", Entity.CLOCK, _PROGRAMMABLE, _FREQUENCY_SET | _VALIDITY_READ, 0, 0),
        cs_interface(
            _INPUT,
            "BHBBBIBHB",
            Entity.FROM_HOST,
            _USB_STREAM,
            0,
            Entity.CLOCK,
            CHANNELS[PLAYBACK],
            left_right,
            0,
            none,
            0,
        ),
        cs_interface(_FEATURE, "BBIIIB", Entity.SPEAKER_UNIT, Entity.FROM_HOST, _MUTE, _VOLUME, _VOLUME, 0),
        cs_interface(
            _OUTPUT, "BHBBBHB", Entity.SPEAKER, _HEADSET, Entity.MICROPHONE, Entity.SPEAKER_UNIT, Entity.CLOCK, none, 0
        ),
        cs_interface(
            _INPUT,
            "BHBBBIBHB",
            Entity.MICROPHONE,
            _HEADSET,
            Entity.SPEAKER,
            Entity.CLOCK,
            CHANNELS[RECORDING],
            _MONO,
            0,
            none,
            0,
        ),
        cs_interface(_FEATURE, "BBIIB", Entity.MICROPHONE_UNIT, Entity.MICROPHONE, _MUTE | _VOLUME, none, 0),
        cs_interface(_OUTPUT, "BHBBBHB", Entity.TO_HOST, _USB_STREAM, 0, Entity.MICROPHONE_UNIT, Entity.CLOCK, none, 0),
    ]
    total = 9 + sum(map(len, entities))
    header = cs_interface(_HEADER, "HBHB", 0x0200, _HEADSET_CATEGORY, total, 0)
    association = InterfaceAssociation(0, 3, ClassCode.AUDIO, 0, _VERSION_2)
    return Interface(
        0, 0, ClassCode.AUDIO, CONTROL, _VERSION_2, extra=[header, *entities], association=association
    )  # fmt: skip


def _streaming_interface(number: int, terminal: int, endpoints: list[Endpoint]) -> list[Interface]:
    """4.9: no bandwidth at alternate 0, 16-bit PCM at alternate 1. The clock has the rates."""
    channels = CHANNELS[endpoints[0].address]
    places = _FRONT_LEFT_RIGHT if channels == 2 else _MONO
    extra = [
        cs_interface(_GENERAL, "BBBIBIB", terminal, 0, 1, _PCM, channels, places, 0),
        cs_interface(_FORMAT, "BBB", 1, 2, 16),
    ]
    return [
        Interface(number, 0, ClassCode.AUDIO, STREAMING, _VERSION_2),
        Interface(number, 1, ClassCode.AUDIO, STREAMING, _VERSION_2, endpoints=endpoints, extra=extra),
    ]


def _data_endpoint(address: int, kind: int) -> Endpoint:
    """4.10.1: a packet a millisecond, with room for two more frames than the rate."""
    size = (max(RATES) // 1000 + 2) * CHANNELS[address] * 2
    general = class_specific(CS_ENDPOINT, struct.pack("<BBBBH", _GENERAL, 0, 0, 0, 0))
    return Endpoint(address, TransferType.ISOCHRONOUS | kind, size, _MILLISECOND, extra=[general])


def audio2_gadget(serial: str, *, follows: bool) -> Gadget:
    """The description. ``follows``: the speaker follows the host's pace; otherwise it tells the host its own."""
    playback = [_data_endpoint(PLAYBACK, ADAPTIVE if follows else ASYNCHRONOUS)]
    if not follows:
        playback.append(Endpoint(FEEDBACK, TransferType.ISOCHRONOUS | FEEDBACK_USAGE, 4, _EIGHT_MILLISECONDS))
    interfaces = [
        _control_interface(),
        *_streaming_interface(1, Entity.FROM_HOST, playback),
        *_streaming_interface(2, Entity.TO_HOST, [_data_endpoint(RECORDING, ASYNCHRONOUS)]),
    ]
    return Gadget(
        device=DeviceDescriptor(0x1D6B, 0x0101, 0x0200, 0xEF, 2, 1, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, interfaces),),
        strings=("wslusb emulator", "Headset", serial),
        speed=Speed.HIGH,
    )
