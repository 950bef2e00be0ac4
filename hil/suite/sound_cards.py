"""The streams of a sound card, out of its descriptors, and the card that a kernel makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hil.errors import WantingError
from hil.live.device import LiveDevice
from hil.live.side import Side
from hil.suite.interfaces import class_descriptors, of_class
from wslusb.usb.descriptors import Interface
from wslusb.usb.ids import ClassCode, TransferType, is_in

__all__ = ["CLOCK_SOURCE", "CONTROL", "VERSION_2", "Form", "card", "forms", "hw_params", "tools"]

CONTROL, _STREAMING = 1, 2
VERSION_2 = 0x20
CLOCK_SOURCE = 10
_GENERAL, _FORMAT_TYPE = 1, 2
_RANGE, _FREQUENCY = 2, 0x0100
_MOST_RANGES = 32
_USAGE, _FEEDBACK = 0x30, 0x10
_NAMES = {(1, 8): "S8", (2, 16): "S16_LE", (3, 24): "S24_3LE", (4, 24): "S32_LE", (4, 32): "S32_LE"}
"""ALSA's format by bytes of a sample and the bits of it that count, as snd-usb-audio has it (sound/usb/format.c)."""
_PARAMETERS = re.compile(r"^(FORMAT|CHANNELS|RATE): +(.*?) *$", re.MULTILINE)


@dataclass(slots=True, frozen=True)
class Form:
    """A way in which a stream can be moved: an alternate setting. ``pcm``: the number of ALSA's device on the card."""

    is_capture: bool
    pcm: int
    interface: int
    alternate: int
    form: str
    channels: int
    rates: tuple[int, ...]

    def __str__(self) -> str:
        way = "capture" if self.is_capture else "playback"
        return f"{way} of {self.form}, {self.channels} channels (interface {self.interface}, setting {self.alternate})"


def forms(device: LiveDevice) -> list[Form]:
    """All of PCM. The device is asked for the rates, natively, if it is one of Audio 2.0 (5.2.5.1.1)."""
    found, endpoints = [], {True: list[int](), False: list[int]()}
    for interface in of_class(device, ClassCode.AUDIO, _STREAMING):
        data = [
            each.address
            for each in interface.endpoints
            if each.transfer == TransferType.ISOCHRONOUS and each.attributes & _USAGE != _FEEDBACK
        ]
        kinds, general = (class_descriptors(interface, each) for each in (_FORMAT_TYPE, _GENERAL))
        if not data or not kinds or not general:
            continue
        is_capture = is_in(data[0])
        if data[0] not in endpoints[is_capture]:
            endpoints[is_capture].append(data[0])
        pcm = endpoints[is_capture].index(data[0])
        read = _version_2 if interface.protocol == VERSION_2 else _version_1
        form = read(device, interface, kinds[0], general[0], is_capture=is_capture, pcm=pcm)
        found += [form] if form else []
    return found


def _version_1(
    device: LiveDevice, interface: Interface, kind: bytes, general: bytes, *, is_capture: bool, pcm: int
) -> Form | None:
    """Audio Data Formats 1.0, 2.2.5 and 2.2.6: a list of rates, or the least and the greatest."""
    del device, general
    name = _NAMES.get((kind[5], kind[6]))
    rates = tuple(int.from_bytes(kind[at : at + 3], "little") for at in range(8, len(kind) - 2, 3))
    return Form(is_capture, pcm, interface.number, interface.alternate, name, kind[4], rates) if name else None


def _version_2(
    device: LiveDevice, interface: Interface, kind: bytes, general: bytes, *, is_capture: bool, pcm: int
) -> Form | None:
    """Audio 2.0, 4.9.2; Audio Data Formats 2.0, 2.3.1.6."""
    name = _NAMES.get((kind[4], kind[5]))
    rates = _clock_rates(device)
    return Form(is_capture, pcm, interface.number, interface.alternate, name, general[10], rates) if name else None


def _clock_rates(device: LiveDevice) -> tuple[int, ...]:
    """What the first clock source can do: ends of its ranges (Audio 2.0, 5.2.3.3)."""
    for interface in of_class(device, ClassCode.AUDIO, CONTROL):
        for source in class_descriptors(interface, CLOCK_SOURCE):
            index = source[3] << 8 | interface.number
            request = [0xA1, _RANGE, _FREQUENCY, index, 2 + 12 * _MOST_RANGES, ""]
            data = bytes.fromhex(device.native().probe("requests", requests=[request])[0]["data"])
            words = [int.from_bytes(data[at : at + 4], "little") for at in range(2, len(data) - 3, 4)]
            return tuple(sorted({*words[0::3], *words[1::3]}))
    return ()


def card(side: Side) -> str:
    """Its number on that side."""
    return re.sub(r".*/pcmC(\d+)D.*", r"\1", side.node("/dev/snd/pcmC"))


def hw_params(side: Side, form: Form) -> dict[str, str]:
    """FORMAT, CHANNELS and RATE as ALSA offers them: a value, a list, or a range."""
    program = "arecord" if form.is_capture else "aplay"
    sound = "/dev/null" if form.is_capture else "/dev/zero"
    command = f"timeout 10 {program} -D hw:{card(side)},{form.pcm} --dump-hw-params -d 1 -t raw {sound} 2>&1"
    return dict(_PARAMETERS.findall(side.place.run(command, check=False).stdout))


def tools(side: Side) -> None:
    """WantingError where ALSA's programs are not."""
    if side.place.run("command -v aplay arecord", check=False).returncode:
        raise WantingError(f"{side.place.name} lacks aplay and arecord (alsa-utils)")
