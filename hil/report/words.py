"""URBs in the words of the field."""

from __future__ import annotations

from collections.abc import Mapping

from wslusb.usb.hid import REPORT
from wslusb.usb.ids import DIR_IN, DescriptorType, TransferType
from wslusb.usb.setup import Recipient, Request, RequestType, Setup
from wslusb.usb.urb import from_errno

__all__ = ["endpoint_name", "request_name", "status_name", "urb_name"]

_TRANSFERS: Mapping[int, str] = {kind: kind.name.lower() for kind in TransferType}
_RECIPIENTS: Mapping[int, str] = {recipient: recipient.name.lower() for recipient in Recipient}
_KINDS: Mapping[int, str] = {kind: kind.name.lower() for kind in RequestType}
_REQUESTS: Mapping[int, str] = {request: request.name for request in Request}
_DESCRIPTORS: Mapping[int, str] = {kind: kind.name.lower() for kind in DescriptorType}


def _transfer_name(transfer: int) -> str:
    """``bulk``, or the number of what is none."""
    return _TRANSFERS.get(transfer, f"transfer type {transfer}")


def endpoint_name(transfer: int, endpoint: int) -> str:
    """``bulk IN 0x81``; control transfers have one endpoint of both directions."""
    direction = "IN" if endpoint & DIR_IN else "OUT"
    return f"control {direction}" if not endpoint & 0x7F else f"{_transfer_name(transfer)} {direction} {endpoint:#04x}"


def status_name(errno: int) -> str:
    """``OK``, ``STALL``, ... of a negative Linux errno."""
    return from_errno(errno).name


def request_name(setup: Setup) -> str:
    """``GET_DESCRIPTOR(device)``, ``class request 0x22 to interface 0x00, value 0x0003, index 0x0000``."""
    if setup.kind == RequestType.STANDARD and setup.request in _REQUESTS:
        return f"{_REQUESTS[setup.request]}({_standard_argument(setup)})"
    recipient = _RECIPIENTS.get(setup.recipient, f"recipient {setup.recipient}")
    where = recipient if setup.recipient == Recipient.DEVICE else f"{recipient} {setup.index & 0xFF:#04x}"
    kind = _KINDS.get(setup.kind, "reserved")
    return f"{kind} request {setup.request:#04x} to {where}, value {setup.value:#06x}, index {setup.index:#06x}"


def _standard_argument(setup: Setup) -> str:
    if setup.request == Request.GET_DESCRIPTOR:
        kind, index = setup.value >> 8, setup.value & 0xFF
        name = "HID report" if kind == REPORT else _DESCRIPTORS.get(kind, f"type {kind:#04x}")
        place = f", interface {setup.index}" if setup.recipient == Recipient.INTERFACE else ""
        return f"{name} {index}{place}" if index or kind == DescriptorType.STRING else f"{name}{place}"
    if setup.recipient == Recipient.DEVICE:
        return str(setup.value)
    where = "endpoint" if setup.recipient == Recipient.ENDPOINT else "interface"
    return f"{where} {setup.index & 0xFF:#04x}, {setup.value}"


def urb_name(transfer: int, endpoint: int, length: int, setup: Setup | None) -> str:
    """``bulk IN 0x81, 512 bytes``."""
    size = f"{length:,} bytes" if length >= 0 else "any number of bytes"
    if setup is None:
        return f"{endpoint_name(transfer, endpoint)}, {size}"
    return f"control {'IN' if setup.is_in else 'OUT'} {request_name(setup)}, {size}"
