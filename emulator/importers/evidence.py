"""What a source holds of one device, before anybody asks whether it is enough."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from wslusb.errors import LocalError, LocalReason
from wslusb.usb.ids import DescriptorType, Speed

__all__ = ["Evidence", "Key", "choose", "cut_configurations", "unreadable"]

Key = tuple[int, int, int, int]
"""bmRequestType, bRequest, wValue, wIndex of a control request."""

_DEVICE_SIZE = 18
_CONFIGURATION_SIZE = 9
_MAX_CONFIGURATIONS = 8
"""USB_MAXCONFIG of Linux (drivers/usb/core/config.c): it does not read more."""
_HUB = 9


def unreadable(message: str, hint: str = "") -> LocalError:
    """The error for a source that no device can be made of."""
    return LocalError(LocalReason.BAD_DESCRIPTOR, message, hint=hint)


@dataclass(slots=True)
class Evidence:
    """Raw finds. ``name`` is what the source calls the device: ``1-2`` in sysfs, ``1.4`` (bus, address) in a capture.

    ``strings`` and ``answers`` need not be complete; ``answers`` has what the device sent to a control request, each
    time that it was asked. ``language`` is the LANGID of ``strings``, 0 where the source does not say; sources that
    hold string descriptors themselves have them in ``texts``, by language and index. ``missing`` has one line for each
    thing that the source is known to lack.
    """

    name: str
    device: bytes = b""
    configurations: list[bytes] = field(default_factory=list)
    strings: dict[int, str] = field(default_factory=dict)
    language: int = 0
    texts: dict[tuple[int, int], bytes] = field(default_factory=dict)
    speed: Speed = Speed.UNKNOWN
    bos: bytes = b""
    answers: dict[Key, list[bytes]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def is_hub(self) -> bool:
        """Whether its device descriptor says so."""
        return len(self.device) > 4 and self.device[4] == _HUB

    def __str__(self) -> str:
        if len(self.device) < _DEVICE_SIZE:
            return f"{self.name} (no device descriptor)"
        vendor, product = struct.unpack_from("<HH", self.device, 8)
        name = " ".join(self.strings.get(index, "") for index in self.device[14:16] if index in self.strings)
        return f"{self.name} ({vendor:04x}:{product:04x}{' ' + name if name else ''})"


def choose(found: list[Evidence], wanted: str, source: str) -> Evidence:
    """The device called ``wanted``; without a name the only one that is no hub. LocalError that lists them."""
    usable = [each for each in found if each.device]
    if wanted:
        named = [each for each in usable if each.name == wanted]
    else:
        named = [each for each in usable if not each.is_hub] or usable
    if len(named) == 1:
        return named[0]
    if not usable:
        raise unreadable(f"{source} has no device descriptor")
    listed = ", ".join(map(str, usable[:20])) + (", ..." if len(usable) > 20 else "")
    reason = LocalReason.AMBIGUOUS if len(named) > 1 else LocalReason.NOT_FOUND
    what = f"{source} has several devices" if not wanted else f"{source} has not one device {wanted}"
    raise LocalError(reason, f"{what}: {listed}", hint="choose one with device=NAME, or --device NAME")


def cut_configurations(data: bytes) -> list[bytes]:
    """Configurations that stand back to back, as in sysfs' ``descriptors``.

    Linux shortens what it shows of a configuration whose descriptors break off early, and leaves wTotalLength as it
    was (drivers/usb/core/config.c): where no configuration starts at its end, one is looked for.
    """
    found: list[bytes] = []
    offset = 0
    while len(data) - offset >= _CONFIGURATION_SIZE and len(found) < _MAX_CONFIGURATIONS:
        end = offset + int.from_bytes(data[offset + 2 : offset + 4], "little")
        if end < offset + _CONFIGURATION_SIZE or (end < len(data) and not _starts(data, end)) or end > len(data):
            end = _next_start(data, offset + _CONFIGURATION_SIZE)
        found.append(data[offset:end])
        offset = end
    return found


def _starts(data: bytes, offset: int) -> bool:
    return (
        len(data) - offset >= _CONFIGURATION_SIZE
        and data[offset] >= _CONFIGURATION_SIZE
        and data[offset + 1] == DescriptorType.CONFIGURATION
    )


def _next_start(data: bytes, offset: int) -> int:
    while offset < len(data) and data[offset] >= 2:
        if _starts(data, offset):
            return offset
        offset += data[offset]
    return len(data)
