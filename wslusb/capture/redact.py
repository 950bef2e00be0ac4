"""Takes out of captured URBs what is nobody's business (docs/capture.md says what that is, and what stays).

One :class:`UrbRedactor` looks at the URBs of one device in the order in which they went by. What it cannot place (the
answer to a request that is not in the capture, an endpoint that no descriptor tells of) is blanked.
"""

from __future__ import annotations

from collections import OrderedDict

from ..usb.hid import REPORT
from ..usb.ids import ClassCode, DescriptorType, TransferType
from ..usb.setup import Recipient, Request, RequestType, Setup
from ..usb.urb import Buffer
from . import links, usbpcap
from .known import Known
from .record import Record
from .store import redacted_store
from .treatments import Treatment, blank

__all__ = ["UrbRedactor", "redact_packet", "redact_usbmon"]

_MOST_PENDING = 8192
_MICROSOFT_STRING, _MICROSOFT_CONTAINER = 0xEE, 6
"""An index of strings, and the wIndex that asks for a container id (Microsoft OS Descriptors 1.0)."""
_MICROSOFT_TEXT = "MSFT100"
_FIRST_SUBLANGUAGE = 0x0400
"""Of identifiers of languages: what is less is text in a place where it does not belong."""
_CONFIGURATIONS = (DescriptorType.CONFIGURATION, DescriptorType.OTHER_SPEED_CONFIGURATION)
_PLAIN_DESCRIPTORS: dict[int, int] = {
    DescriptorType.DEVICE: 18, DescriptorType.DEVICE_QUALIFIER: 10, DescriptorType.HID: 255, 0x29: 71, 0x2A: 12,
    DescriptorType.SS_ENDPOINT_COMPANION: 6,
}  # fmt: skip
"""And how many bytes they have at most. 0x29 and 0x2A are hubs'."""
_PLAIN_REQUESTS: dict[int, int] = {
    Request.GET_STATUS: 4, Request.GET_CONFIGURATION: 1, Request.GET_INTERFACE: 1, Request.SYNCH_FRAME: 2,
    Request.SET_SEL: 6,
}  # fmt: skip
_CLASS_REQUESTS: dict[int, dict[int, int]] = {
    ClassCode.HID: {0x02: 1, 0x03: 1},  # GET_IDLE, GET_PROTOCOL; reports go by their interface
    ClassCode.MASS_STORAGE: {0xFE: 1},  # GET_MAX_LUN
    ClassCode.COMMUNICATIONS: {0x20: 7, 0x21: 7, 0x80: 28} | dict.fromkeys(range(0x83, 0x8B), 8),
    ClassCode.PRINTER: {0x01: 1},  # GET_PORT_STATUS
    ClassCode.AUDIO: dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x81, 0x82, 0x83, 0x84), 8),  # CUR, RANGE, MIN, MAX, RES
}
"""Requests of a class whose data are settings: line coding and NTB sizes, not hardware addresses or commands; and how
many bytes those have at most."""
_GET_REPORT, _SET_REPORT = 0x01, 0x09
_FEATURE_REPORT = 3
_STREAMING, _PROBE_AND_COMMIT, _NEGOTIATION_SIZE = 2, (1, 2), 48
_RANGE, _RANGE_SIZES = 0x02, (3, 6, 12)
"""Universal Audio 2.0, 5.2.1: after a count, minimum, maximum and resolution of 1, 2 or 4 bytes."""


class UrbRedactor:
    """Redacts one device's transfers. ``key`` ties the two halves of a transfer together."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._pending: OrderedDict[int, Setup] = OrderedDict()

    def submitted(self, key: int, endpoint: int, transfer: int, setup: bytes, data: bytes) -> bytes:
        """What to show of a transfer's OUT data, or of none."""
        self._pending.pop(key, None)
        if transfer == TransferType.CONTROL:
            if len(setup) != 8:
                return bytes(len(data))
            request = self._pending[key] = Setup.unpack(setup)
            if len(self._pending) > _MOST_PENDING:
                self._pending.popitem(last=False)
            return self._known.secrets.replace(self._control(request, data)) if data else data
        return self._known.secrets.replace(self._known.treatment(endpoint)(False, data)) if data else data

    def continued(self, key: int, data: bytes) -> bytes:
        """What to show of a control request's OUT data that come in a packet of their own."""
        setup = self._pending.get(key)
        if setup is None or setup.is_in:
            return bytes(len(data))
        return self._known.secrets.replace(self._control(setup, data))

    def completed(self, key: int, endpoint: int, transfer: int, data: bytes) -> bytes:
        """What to show of its IN data."""
        setup = self._pending.pop(key, None)
        if not data:
            return data
        if transfer == TransferType.CONTROL:
            shown = bytes(len(data)) if setup is None else self._control(setup, data)
        else:
            shown = self._known.treatment(endpoint)(True, data)
        return self._known.secrets.replace(shown)

    def _control(self, setup: Setup, data: bytes) -> bytes:
        if setup.kind == RequestType.STANDARD:
            return self._standard(setup, data)
        if setup.kind == RequestType.VENDOR:
            if setup.index == _MICROSOFT_CONTAINER and setup.is_in:
                self._known.learn_microsoft_container(data)
            return data if self._known.keep_vendor else bytes(len(data))
        return self._of_class(setup)(setup.is_in, data) if setup.kind == RequestType.CLASS else bytes(len(data))

    # -- standard requests

    def _standard(self, setup: Setup, data: bytes) -> bytes:
        if setup.request != Request.GET_DESCRIPTOR or not setup.is_in:
            return data if len(data) <= _PLAIN_REQUESTS.get(setup.request, 0) else bytes(len(data))
        known, kind = self._known, setup.value >> 8
        if kind == DescriptorType.STRING:
            return self._string(setup.value & 0xFF, data)
        if kind == DescriptorType.BOS:
            return self._bos(data)
        if kind == REPORT and setup.recipient == Recipient.INTERFACE:
            number = setup.index & 0xFF
            whole = known.report_length(number)
            known.learn_report(number, data, whole=whole is not None and len(data) >= whole)
            return data
        if kind == DescriptorType.DEVICE:
            known.learn_device(data)
        elif kind == DescriptorType.CONFIGURATION:
            known.learn_configuration(data)
        # A device may answer with what follows a descriptor in its memory.
        if kind in _CONFIGURATIONS:
            size = int.from_bytes(data[2:4], "little") if len(data) >= 4 else len(data)
        else:
            size = min(_PLAIN_DESCRIPTORS.get(kind, 0), data[0] if data else 0)
        return data[:size].ljust(len(data), b"\0")

    def _string(self, index: int, data: bytes) -> bytes:
        known = self._known
        if len(data) <= 2:
            return data
        if index == 0:
            return data[:2] + _languages(data[2:])
        text = data[2 : data[0]].decode("utf-16-le", "ignore")
        if index == _MICROSOFT_STRING and text.startswith(_MICROSOFT_TEXT):
            return data
        if len(data) >= data[0]:
            known.learn_string(index, text)
        if known.described and index not in {*known.serials, _MICROSOFT_STRING}:
            return data[: max(data[0], 2)].ljust(len(data), b"\0")
        return data[:2] + known.secrets.units_token(text)[: len(data) - 2].ljust(len(data) - 2, b"\0")

    def _bos(self, data: bytes) -> bytes:
        known = self._known
        known.learn_bos(data)
        return redacted_store(data, known.secrets)

    # -- class requests

    def _of_class(self, setup: Setup) -> Treatment:
        number: int | None = setup.index & 0xFF
        if setup.recipient == Recipient.ENDPOINT:
            number = self._known.interface_of(setup.index & 0xFF)
        elif setup.recipient != Recipient.INTERFACE:
            return blank
        settings = self._known.interfaces(number) if number is not None else []
        classes = {(each.interface_class, each.subclass) for each in settings}
        if len(classes) != 1:
            return blank
        interface_class, subclass = classes.pop()
        if interface_class == ClassCode.HID and setup.request in (_GET_REPORT, _SET_REPORT):
            return self._known.hid(settings[0], feature=setup.value >> 8 == _FEATURE_REPORT)
        if interface_class == ClassCode.VIDEO:
            negotiates = subclass == _STREAMING and setup.value >> 8 in _PROBE_AND_COMMIT
            return _at_most(_NEGOTIATION_SIZE if negotiates else 0)
        if interface_class == ClassCode.AUDIO and setup.request == _RANGE and setup.is_in:
            return _ranges
        return _at_most(_CLASS_REQUESTS.get(interface_class, {}).get(setup.request, 0))


def _at_most(size: int) -> Treatment:
    return lambda _is_in, data: data if len(data) <= size else bytes(len(data))


def _ranges(_is_in: bool, data: bytes) -> bytes:
    count = int.from_bytes(data[:2], "little")
    whole = len(data) <= 2 or any(len(data) == 2 + size * count for size in _RANGE_SIZES)
    return data if whole else bytes(len(data))


def _languages(data: bytes) -> bytes:
    """A list of languages, without what can be none."""
    pairs = (data[at : at + 2] for at in range(0, len(data), 2))
    return b"".join(
        each if int.from_bytes(each, "little") >= _FIRST_SUBLANGUAGE else bytes(len(each)) for each in pairs
    )


_SIZES = {False: 64, True: 48}
_SETUP_AT, _PAD_AT, _PACKET_SIZE = slice(40, 48), 12, 16


def redact_usbmon(data: Buffer, redactor: UrbRedactor, record: Record, *, short: bool = False) -> bytes:
    """A record of link type 220, or 189 (``short``), that :func:`wslusb.capture.usbmon.read` has read as ``record``."""
    start = _SIZES[short]
    at = start + _PACKET_SIZE * len(record.iso)
    head = bytearray(data[:at])
    # What stands in no field, and behind the data, is nobody's.
    if not record.setup and record.transfer != TransferType.ISOCHRONOUS:
        head[_SETUP_AT] = bytes(8)
    for place in range(start + _PAD_AT, at, _PACKET_SIZE):
        head[place : place + 4] = bytes(4)
    return (bytes(head) + _shown(redactor, record)).ljust(len(data), b"\0")


def _redact_usbpcap(data: Buffer, redactor: UrbRedactor, record: Record) -> bytes:
    """A packet of link type 249. What a header has behind the fields that are known is blanked."""
    known, at = usbpcap.payload_place(data, record)
    head = (bytes(data[:known]).ljust(at, b"\0") + record.setup)[: len(data)]
    if record.first and record.transfer == TransferType.CONTROL and not record.setup:
        shown = redactor.continued(record.key, record.data)
    else:
        shown = _shown(redactor, record)
    return (head + shown).ljust(len(data), b"\0")


def _shown(redactor: UrbRedactor, record: Record) -> bytes:
    if record.first:
        return redactor.submitted(record.key, record.endpoint, record.transfer, record.setup, record.data)
    return redactor.completed(record.key, record.endpoint, record.transfer, record.data)


def redact_packet(link_type: int, data: Buffer, redactor: UrbRedactor, record: Record) -> bytes:
    """A packet of one of :data:`wslusb.capture.links.URBS`, read as ``record``; what comes back is as long."""
    if link_type == usbpcap.LINK_USBPCAP:
        return _redact_usbpcap(data, redactor, record)
    return redact_usbmon(data, redactor, record, short=link_type == links.SHORT_USBMON)
