"""Takes out of captured URBs what is nobody's business (docs/capture.md says what that is, and what stays).

One :class:`UrbRedactor` looks at the URBs of one device in the order in which they went by. What it cannot place (the
answer to a request that is not in the capture, an endpoint that no descriptor tells of) is blanked.
"""

from __future__ import annotations

from collections import OrderedDict

from ..errors import LocalError
from ..usb.bos import CapabilityType, split_bos
from ..usb.ids import ClassCode, DescriptorType, TransferType
from ..usb.setup import Recipient, Request, RequestType, Setup
from ..usb.urb import Buffer
from . import links, usbpcap
from .known import Known, container_ids
from .record import Record
from .treatments import Treatment, blank, keep

__all__ = ["UrbRedactor", "redact_packet", "redact_usbmon"]

_MOST_PENDING = 8192
_MICROSOFT_STRING, _MICROSOFT_CONTAINER = 0xEE, 6
"""An index of strings, and the wIndex that asks for a container id (Microsoft OS Descriptors 1.0)."""
_REPORT = 0x22
_PLAIN_DESCRIPTORS = frozenset({
    DescriptorType.CONFIGURATION, DescriptorType.DEVICE, DescriptorType.DEVICE_QUALIFIER,
    DescriptorType.OTHER_SPEED_CONFIGURATION, DescriptorType.HID, 0x29, 0x2A, DescriptorType.SS_ENDPOINT_COMPANION,
})  # fmt: skip
"""0x29 and 0x2A are hubs'."""
_PLAIN_REQUESTS = frozenset({
    Request.GET_STATUS, Request.GET_CONFIGURATION, Request.GET_INTERFACE, Request.SYNCH_FRAME, Request.SET_SEL,
})  # fmt: skip
_CLASS_REQUESTS: dict[int, dict[int, int]] = {
    ClassCode.HID: {0x02: 1, 0x03: 1},  # GET_IDLE, GET_PROTOCOL; reports go by their interface
    ClassCode.MASS_STORAGE: {0xFE: 1},  # GET_MAX_LUN
    ClassCode.COMMUNICATIONS: {0x20: 7, 0x21: 7, 0x80: 28} | dict.fromkeys(range(0x83, 0x8B), 8),
    ClassCode.PRINTER: {0x01: 1},  # GET_PORT_STATUS
    ClassCode.AUDIO: dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x81, 0x82, 0x83, 0x84), 255),  # CUR, RANGE, MIN, MAX, RES
}
"""Requests of a class whose data are settings: line coding and NTB sizes, not hardware addresses or commands; and how
many bytes those have at most."""
_GET_REPORT, _SET_REPORT = 0x01, 0x09
_STREAMING, _PROBE_AND_COMMIT = 2, (1, 2)


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
            return data if setup.request in _PLAIN_REQUESTS else bytes(len(data))
        known, kind = self._known, setup.value >> 8
        if kind == DescriptorType.STRING:
            return self._string(setup.value & 0xFF, data)
        if kind == DescriptorType.BOS:
            return self._bos(data)
        if kind == _REPORT and setup.recipient == Recipient.INTERFACE:
            known.learn_report(setup.index & 0xFF, data)
            return data
        if kind == DescriptorType.DEVICE:
            known.learn_device(data)
        elif kind == DescriptorType.CONFIGURATION:
            known.learn_configuration(data)
        return data if kind in _PLAIN_DESCRIPTORS else bytes(len(data))

    def _string(self, index: int, data: bytes) -> bytes:
        known = self._known
        if index in (0, _MICROSOFT_STRING) or len(data) <= 2:
            return data
        text = data[2 : data[0]].decode("utf-16-le", "ignore")
        if len(data) >= data[0]:
            known.learn_string(index, text)
        if known.described and index not in known.serials:
            return data
        return data[:2] + known.secrets.units_token(text)[: len(data) - 2].ljust(len(data) - 2, b"\0")

    def _bos(self, data: bytes) -> bytes:
        known = self._known
        known.learn_bos(data)
        for value in container_ids(data):
            data = data.replace(value, known.secrets.bytes_token(value))
        return data if _is_whole_store(data) else data[:5].ljust(len(data), b"\0")

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
            return self._known.hid(settings[0])
        if interface_class == ClassCode.VIDEO:
            return keep if subclass == _STREAMING and setup.value >> 8 in _PROBE_AND_COMMIT else blank
        most = _CLASS_REQUESTS.get(interface_class, {}).get(setup.request, 0)
        return lambda _is_in, data: data if len(data) <= most else bytes(len(data))


def _is_whole_store(data: bytes) -> bool:
    """Whether a container id can be nowhere else in it: it is whole, or only its head."""
    try:
        capabilities = split_bos(data)
    except LocalError:
        return len(data) == 5
    return all(each[2] != CapabilityType.CONTAINER_ID or len(each) == 20 for each in capabilities)


_SIZES = {False: 64, True: 48}


def redact_usbmon(data: Buffer, redactor: UrbRedactor, record: Record, *, short: bool = False) -> bytes:
    """A record of link type 220, or 189 (``short``), that :func:`wslusb.capture.usbmon.read` has read as ``record``."""
    at = _SIZES[short] + 16 * len(record.iso)
    # What stands behind the data is nobody's.
    return (bytes(data[:at]) + _shown(redactor, record)).ljust(len(data), b"\0")


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
