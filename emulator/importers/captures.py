"""Captures of usbmon and USBPcap: what devices answered while somebody looked on becomes what they are."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from wslusb.usb.ids import DescriptorType, is_in
from wslusb.usb.setup import Request, RequestType, Setup

from ..scenario.gadget import LANGUAGES
from .evidence import Evidence
from .strings import spoken
from .transfers import Control

__all__ = ["read"]

_MAX_ANSWERS = 4096
"""Answers to requests that are no descriptors, kept a device."""
_MAX_DEVICES = 1024


@dataclass(slots=True)
class _Seen:
    """One device of a capture: descriptors by type, index and language, the longest answer of each."""

    name: str
    descriptors: dict[tuple[int, int, int], bytes] = field(default_factory=dict)
    answers: dict[tuple[int, int, int, int], list[bytes]] = field(default_factory=dict)
    kept: int = 0


def read(controls: Iterable[Control]) -> list[Evidence]:
    """Every device of a capture, named ``bus.address``. Address 0, where a device has no address yet, is left out."""
    seen: dict[tuple[int, int], _Seen] = {}
    for control in controls:
        place = (control.bus, control.device)
        if control.device and control.good and (place in seen or len(seen) < _MAX_DEVICES):
            _add(seen.setdefault(place, _Seen(f"{control.bus}.{control.device}")), control)
    return [_evidence(each) for each in seen.values()]


def _add(seen: _Seen, control: Control) -> None:
    setup = Setup.unpack(control.setup)
    if (setup.request_type, setup.request) == (0x80, Request.GET_DESCRIPTOR):
        key = (setup.value >> 8, setup.value & 0xFF, setup.index)
        if len(control.data) > len(seen.descriptors.get(key, b"")):
            seen.descriptors[key] = control.data[: setup.length]
    elif setup.kind != RequestType.STANDARD or setup.request == Request.GET_DESCRIPTOR:
        answers = seen.answers.setdefault((setup.request_type, setup.request, setup.value, setup.index), [])
        if seen.kept < _MAX_ANSWERS and (is_in(setup.request_type) or not answers):
            answers.append(control.data[: setup.length] if setup.is_in else b"")
            seen.kept += 1


def _evidence(seen: _Seen) -> Evidence:
    found = seen.descriptors
    evidence = Evidence(seen.name, answers=seen.answers)
    device = found.get((DescriptorType.DEVICE, 0, 0), b"")
    evidence.device = device if len(device) >= 18 else b""
    number = 0
    while configuration := found.get((DescriptorType.CONFIGURATION, number, 0)):
        if len(configuration) >= 9:
            evidence.configurations.append(_cut(configuration))
        number += 1
    evidence.bos = found.get((DescriptorType.BOS, 0, 0), b"")
    evidence.texts = _texts(found)
    evidence.strings = spoken(evidence.texts)
    if seen.kept >= _MAX_ANSWERS:
        evidence.missing.append(f"answers to requests: the first {_MAX_ANSWERS} are kept")
    return evidence


def _cut(configuration: bytes) -> bytes:
    return configuration[: max(9, struct.unpack_from("<H", configuration, 2)[0])]


def _texts(found: dict[tuple[int, int, int], bytes]) -> dict[tuple[int, int], bytes]:
    """String descriptors by language and index; hosts may ask for string 0 in any language."""
    texts: dict[tuple[int, int], bytes] = {}
    for (kind, index, language), data in found.items():
        place = (language, index) if index else LANGUAGES
        if kind == DescriptorType.STRING and len(data) >= 2 and len(data) > len(texts.get(place, b"")):
            texts[place] = data
    return texts
