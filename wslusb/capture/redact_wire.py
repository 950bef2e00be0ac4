"""The same for the protocol's messages: each URB in them is treated as it is in the URB view, and so is who is told of.

A message that is not understood for certain keeps its header, and its payload is blanked.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import replace

from ..errors import PeerError
from ..usb.ids import TransferType
from ..wire.frame import HEADER, MessageType
from ..wire.limits import URB_HEAD
from ..wire.messages import AttachAnswer, AttachRequest, StatusAnswer
from ..wire.urbs import REQUEST, RESPONSE
from .known import Known
from .redact import UrbRedactor
from .store import redacted_store

__all__ = ["HEADER_SIZE", "WireRedactor"]

HEADER_SIZE = HEADER.size
_RESULT_SIZE, _LENGTH_SIZE = 8, 4
_SETUP_AT = URB_HEAD - 8
_MOST_PENDING = 8192
_WITHOUT_DATA = frozenset({MessageType.CANCEL, MessageType.PING, MessageType.PONG})


class WireRedactor:
    """Redacts the frames of one data connection, in their order."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._urbs = UrbRedactor(known)
        self._pending: OrderedDict[int, tuple[int, int]] = OrderedDict()

    def frames(self, from_host: bool, data: bytes) -> bytes:
        """Whole frames, one behind the other; where they stop to be that, the rest is blanked."""
        parts, at = [], 0
        while at + HEADER_SIZE <= len(data):
            end = at + HEADER_SIZE + int(HEADER.unpack_from(data, at)[1])
            if end > len(data):
                break
            parts.append(self.frame(from_host, data[at:end]))
            at = end
        return b"".join((*parts, bytes(len(data) - at)))

    def frame(self, from_host: bool, data: bytes) -> bytes:
        """One whole frame; what comes back is as long."""
        kind, _size, sequence, _handle = HEADER.unpack_from(data)
        payload = data[HEADER_SIZE:]
        try:
            shown = self._known.secrets.replace(self._payload(from_host, kind, sequence, payload))
        except (PeerError, struct.error):
            shown = b""
        return data[:HEADER_SIZE] + shown.ljust(len(payload), b"\0")[: len(payload)]

    def _payload(self, from_host: bool, kind: int, sequence: int, payload: bytes) -> bytes:
        if kind == MessageType.URB_REQUEST and not from_host:
            return self._request(sequence, payload)
        if kind == MessageType.URB_RESPONSE and from_host:
            return self._response(sequence, payload)
        if kind == MessageType.ATTACH:
            return self._attach_answer(payload) if from_host else AttachRequest.unpack(payload).pack()
        if kind in (MessageType.DETACH, MessageType.RESET):
            return StatusAnswer.unpack(payload).pack() if from_host else b""
        return payload if kind in _WITHOUT_DATA else b""

    def _request(self, sequence: int, payload: bytes) -> bytes:
        _function, endpoint, transfer, _f, _length, _i, _s, _start, count, setup = REQUEST.unpack_from(payload)
        at = URB_HEAD + _LENGTH_SIZE * count
        packed = setup if transfer == TransferType.CONTROL else b""
        self._pending[sequence] = endpoint, transfer
        if len(self._pending) > _MOST_PENDING:
            self._pending.popitem(last=False)
        head = payload[:_SETUP_AT] + (packed or bytes(8)) + payload[URB_HEAD:at]
        return head + self._urbs.submitted(sequence, endpoint, transfer, packed, payload[at:])

    def _response(self, sequence: int, payload: bytes) -> bytes:
        *_, count = RESPONSE.unpack_from(payload)
        at = RESPONSE.size + _RESULT_SIZE * count
        endpoint, transfer = self._pending.pop(sequence, (0, TransferType.CONTROL))
        return payload[:at] + self._urbs.completed(sequence, endpoint, transfer, payload[at:])

    def _attach_answer(self, payload: bytes) -> bytes:
        answer = AttachAnswer.unpack(payload)
        info, secrets = answer.info, self._known.secrets
        # It may say who else has the device.
        answer = replace(answer, message="-" * len(answer.message.encode()))
        if info is None:
            return answer.pack()
        self._known.learn_info(info)
        serial = secrets.text_token(info.serial, len(info.serial.encode()))
        return replace(answer, info=replace(info, serial=serial, bos=redacted_store(info.bos, secrets))).pack()
