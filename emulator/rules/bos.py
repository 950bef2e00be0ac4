"""Rules of the binary object store (USB 3.2, 9.6.2; for USB 2.0 with link power management an engineering change)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslusb.errors import LocalError
from wslusb.usb.bos import CapabilityType, split_bos
from wslusb.usb.ids import Speed

from .rule import Rule

if TYPE_CHECKING:
    from ..gadget import Gadget

__all__ = ["BOS_RULES"]

_FIRST_WITH_BOS = 0x0201


def _missing(gadget: Gadget) -> str | None:
    if gadget.bos or gadget.device.bcd_usb < _FIRST_WITH_BOS:
        return None
    return f"is missing; a device with bcdUSB {gadget.device.bcd_usb:#06x} has one"


def _well_formed(gadget: Gadget) -> str | None:
    try:
        split_bos(gadget.bos)
    except LocalError as error:
        return f"cannot be read: {error}"
    return None


def _capabilities(gadget: Gadget) -> str | None:
    if gadget.speed < Speed.SUPER or not gadget.bos:
        return None
    try:
        there = {each[2] for each in split_bos(gadget.bos)}
    except LocalError:
        return None
    wanted = (CapabilityType.USB_2_0_EXTENSION, CapabilityType.SUPERSPEED)
    lacking = [each.name for each in wanted if each not in there]
    return f"lacks {', '.join(lacking)}, which SuperSpeed devices have" if lacking else None


BOS_RULES: tuple[Rule[Gadget], ...] = (
    Rule("BOS", "USB 3.2, 9.6.2", _missing),
    Rule("BOS", "USB 3.2, 9.6.2", _well_formed),
    Rule("BOS", "USB 3.2, 9.6.2.1 and 9.6.2.2", _capabilities),
)
