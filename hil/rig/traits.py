"""What a device can be asked for. Tests ask for traits and never for a VID:PID; this is the whole list.

A trait that descriptors show is recognised by ``python -m hil suggest``. Some cannot be seen (whether a wire joins a
port's ends): those the rig's owner writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from wslusb.usb.descriptors import Configuration, Interface
from wslusb.usb.ids import ClassCode, TransferType
from wslusb.usb.info import DeviceInfo

from .checks import Option, size, text, whole, yes_or_no

__all__ = ["ANY", "TRAITS", "Trait", "boot_protocol", "interfaces", "recognised"]

ANY = "any"
"""The trait that every device has."""

_BOOT_SUBCLASS = 1  # HID 1.11, 4.2
_KEYBOARD, _MOUSE = 1, 2  # HID 1.11, 4.3: bInterfaceProtocol of boot devices
_ACM, _ETHERNET, _EEM, _NCM, _MBIM = 0x02, 0x06, 0x0C, 0x0D, 0x0E  # CDC 1.2, table 4
_VENDOR_PROTOCOL = 0xFF  # RNDIS as Windows has it: ACM by its subclass, no serial port
_RNDIS = (ClassCode.WIRELESS, 1, 3)
_AUDIO_STREAMING, _MIDI_STREAMING = 2, 3  # Audio 1.0, table A-2
_DFU = (ClassCode.APPLICATION, 1)  # DFU 1.1, 4.1.2 and 4.2.3

_SERIAL_CHIPS = {
    0x0403: {0x6001, 0x6010, 0x6011, 0x6014, 0x6015},  # FTDI
    0x10C4: {0xEA60, 0xEA61, 0xEA63, 0xEA70, 0xEA71},  # Silicon Labs CP210x
    0x1A86: {0x5523, 0x7522, 0x7523},  # WCH CH340, CH341
    0x067B: {0x2303, 0x23A3, 0x23B3, 0x23C3, 0x23D3, 0x23E3, 0x23F3},  # Prolific PL2303
}
_NETWORK_CHIPS = {
    0x0B95: {0x1780, 0x1790, 0x178A, 0x772A, 0x772B, 0x7720},  # ASIX AX88xxx
    0x0BDA: {0x8050, 0x8152, 0x8153, 0x8155, 0x8156},  # Realtek RTL815x
}
_GADGET_ZERO = (0x0525, 0xA4A0)
_LOOPBACK = 2  # its bConfigurationValue there: Linux' drivers/usb/gadget/legacy/zero.c, and hil/gadgets.py


@dataclass(slots=True, frozen=True)
class Trait:
    """One line of help for people, how descriptors show it (None: they cannot), and the options that it takes."""

    help: str
    shows: Callable[[DeviceInfo], bool] | None = None
    options: Mapping[str, Option] = field(default_factory=dict)


def interfaces(info: DeviceInfo) -> Iterable[Interface]:
    """Every alternate setting of every interface of every configuration."""
    return chain.from_iterable(each.interfaces for each in Configuration.readable(info.configurations))


def boot_protocol(info: DeviceInfo, protocol: int = _KEYBOARD) -> bool:
    """Whether the device can be what a machine's firmware takes for its keyboard (1) or its mouse (2)."""
    return _has(ClassCode.HID, _BOOT_SUBCLASS, protocol)(info)


def recognised(info: DeviceInfo) -> list[str]:
    """The traits that the descriptors show, in the order of the list."""
    return [name for name, trait in TRAITS.items() if trait.shows is not None and trait.shows(info)]


def _class(interface: Interface) -> tuple[int, int, int]:
    return interface.interface_class, interface.subclass, interface.protocol


def _has(*numbers: int) -> Callable[[DeviceInfo], bool]:
    """Whether some interface has this class, and if they are given subclass and protocol."""
    return lambda info: any(_class(each)[: len(numbers)] == numbers for each in interfaces(info))


def _chip(table: Mapping[int, set[int]]) -> Callable[[DeviceInfo], bool]:
    return lambda info: info.product in table.get(info.vendor, ())


def _any(*ways: Callable[[DeviceInfo], bool]) -> Callable[[DeviceInfo], bool]:
    return lambda info: any(way(info) for way in ways)


def _acm(info: DeviceInfo) -> bool:
    wanted = (ClassCode.COMMUNICATIONS, _ACM)
    return any(_class(each)[:2] == wanted and each.protocol != _VENDOR_PROTOCOL for each in interfaces(info))


def _gadget_zero(info: DeviceInfo) -> bool:
    return (info.vendor, info.product) == _GADGET_ZERO


def _loopback(info: DeviceInfo) -> bool:
    return _gadget_zero(info) and any(each.value == _LOOPBACK for each in Configuration.readable(info.configurations))


def _isochronous(info: DeviceInfo) -> bool:
    endpoints = chain.from_iterable(each.endpoints for each in interfaces(info))
    return any(each.transfer == TransferType.ISOCHRONOUS for each in endpoints)


_NETWORK = (
    *(_has(ClassCode.COMMUNICATIONS, kind) for kind in (_ETHERNET, _EEM, _NCM, _MBIM)),
    _has(ClassCode.COMMUNICATIONS, _ACM, _VENDOR_PROTOCOL), _has(*_RNDIS), _chip(_NETWORK_CHIPS),
)  # fmt: skip

TRAITS: Mapping[str, Trait] = {
    "storage": Trait(
        "a disk or stick: Mass Storage, Bulk-Only or UAS", _has(ClassCode.MASS_STORAGE),
        {
            "start": Option("first byte that tests may write; 1M if it is not given", size),
            "size": Option("how much from there tests may write; 16M if it is not given", size),
        },
    ),
    "serial": Trait("a serial port: CDC ACM, FTDI, CP210x, CH340, PL2303", _any(_acm, _chip(_SERIAL_CHIPS))),
    "serial-loopback": Trait(
        "a serial port whose TXD is wired to its RXD, and RTS to CTS: what is sent comes back", None,
        {"baud": Option("the highest rate that the wire is good for, in baud", whole(1, 100_000_000))},
    ),
    "hid": Trait("anything of the HID class", _has(ClassCode.HID)),
    "keyboard": Trait(
        "a boot keyboard; refused unless the entry allows it", boot_protocol,
        {"leds": Option("a file of the host that gets a line whenever the LEDs change, and tells how they are", text)},
    ),
    "mouse": Trait("a boot mouse", lambda info: boot_protocol(info, _MOUSE)),
    "audio": Trait(
        "a sound card: Audio streaming", _has(ClassCode.AUDIO, _AUDIO_STREAMING),
        {
            "tone": Option("what its microphone hears all the time: a sine wave, in Hz", whole(1, 100_000)),
            "record": Option("a WAV file of the host with what its speaker plays: 16 bits, at any rate", text),
        },
    ),
    "video": Trait(
        "a camera: Video", _has(ClassCode.VIDEO),
        {"numbered": Option("what it sees has the number of the frame, as the emulator's webcam writes it", yes_or_no)},
    ),
    "network": Trait(
        "a network card: CDC ECM, EEM, NCM, MBIM, RNDIS, ASIX, Realtek", _any(*_NETWORK),
        {
            "peer": Option("an IPv4 address at the other end of its cable that answers pings", text),
            "address": Option("the card's own address for that, such as '192.0.2.2/24'", text),
        },
    ),
    "dfu": Trait(
        "firmware that can be upgraded: DFU 1.1", _has(*_DFU),
        {
            "alternate": Option("the alternate setting to write to; 0 if it is not given", whole(0, 255)),
            "firmware": Option("what a destructive test writes and leaves there: a file, seen from the rig file", text),
        },
    ),
    "printer": Trait("a printer", _has(ClassCode.PRINTER)),
    "midi": Trait(
        "a MIDI instrument: Audio, MIDI streaming", _has(ClassCode.AUDIO, _MIDI_STREAMING),
        {"loop": Option("it sends back what it gets: a cable from OUT to IN", yes_or_no)},
    ),
    "smartcard": Trait("a smart card reader: CCID", _has(ClassCode.SMART_CARD)),
    "source-sink": Trait(
        "sends and swallows whatever a host likes, with Gadget Zero's vendor requests: usbtest runs on it",
        _gadget_zero,
    ),
    "bulk-loopback": Trait("gives back on bulk IN what it got on bulk OUT", _loopback),
    "iso": Trait(
        "has isochronous endpoints", _isochronous,
        {"numbered": Option("its packets are numbered, as the emulator's loopback numbers them", yes_or_no)},
    ),
}  # fmt: skip
"""All traits but :data:`ANY`, in the order in which people read them.

Options stand in a table under the trait's name: ``serial`` can have none, for that is the key of the serial number.
"""
