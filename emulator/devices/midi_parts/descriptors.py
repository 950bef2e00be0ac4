"""The description of a MIDI interface with a number of ports (USB MIDI Devices 1.0, section 6 and appendix B)."""

from __future__ import annotations

import struct

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import ClassCode, Speed, TransferType

from ...gadget import Gadget

__all__ = ["MIDI_IN", "MIDI_OUT", "midi_gadget"]

MIDI_OUT, MIDI_IN = 0x01, 0x82
_AUDIO_CONTROL, _MIDI_STREAMING = 0x01, 0x03
_CS_INTERFACE, _CS_ENDPOINT = 0x24, 0x25
_HEADER, _IN_JACK, _OUT_JACK, _GENERAL = 0x01, 0x02, 0x03, 0x01
_EMBEDDED, _EXTERNAL = 0x01, 0x02
_BULK_SIZES = {Speed.FULL: 64, Speed.HIGH: 512}
_UNUSED = b"\0\0"  # bRefresh and bSynchAddress of endpoints of the audio class


def _jacks(ports: int) -> list[bytes]:
    """Four a port: what the host sends leaves by an external jack, and what comes in there goes to the host."""
    found = []
    for port in range(ports):
        from_host, socket_in, to_host, socket_out = range(4 * port + 1, 4 * port + 5)
        found += [
            bytes((6, _CS_INTERFACE, _IN_JACK, _EMBEDDED, from_host, 0)),
            bytes((6, _CS_INTERFACE, _IN_JACK, _EXTERNAL, socket_in, 0)),
            bytes((9, _CS_INTERFACE, _OUT_JACK, _EMBEDDED, to_host, 1, socket_in, 1, 0)),
            bytes((9, _CS_INTERFACE, _OUT_JACK, _EXTERNAL, socket_out, 1, from_host, 1, 0)),
        ]
    return found


def _endpoint(address: int, size: int, jacks: list[int]) -> Endpoint:
    """A bulk endpoint and the embedded jacks that it serves, in the order of their cable numbers (6.2.2)."""
    associated = bytes((4 + len(jacks), _CS_ENDPOINT, _GENERAL, len(jacks), *jacks))
    return Endpoint(address, TransferType.BULK, size, 0, tail=_UNUSED, extra=[associated])


def midi_gadget(serial: str = "MIDI0001", ports: int = 1, speed: Speed = Speed.FULL) -> Gadget:
    """The description; ``ports`` (1 to 16) are in and out each. An audio control interface leads, as the class asks."""
    size = _BULK_SIZES[speed]
    from_host, to_host = [list(range(first, 4 * ports + 1, 4)) for first in (1, 3)]
    endpoints = [_endpoint(MIDI_OUT, size, from_host), _endpoint(MIDI_IN, size, to_host)]
    jacks = _jacks(ports)
    total = 7 + sum(map(len, jacks)) + sum(len(each.pack()) for each in endpoints)
    control_header = struct.pack("<BBBHHBB", 9, _CS_INTERFACE, _HEADER, 0x0100, 9, 1, 1)
    midi_header = struct.pack("<BBBHH", 7, _CS_INTERFACE, _HEADER, 0x0100, total)
    interfaces = [
        Interface(0, 0, ClassCode.AUDIO, _AUDIO_CONTROL, extra=[control_header]),
        Interface(1, 0, ClassCode.AUDIO, _MIDI_STREAMING, extra=[midi_header, *jacks], endpoints=endpoints),
    ]
    return Gadget(
        device=DeviceDescriptor(0x1209, 0x0005, 0x0200, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, interfaces),),
        strings=("wslusb emulator", "Synthesizer", serial),
        speed=speed,
    )
