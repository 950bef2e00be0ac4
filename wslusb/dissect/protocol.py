"""The header of every message, and which payload belongs to it.

Request and answer of some types share a number. A capture says which way a message went (:mod:`.vsock`). Elsewhere the
payload's shape tells: those requests are empty, or a string and a number, or a number.
"""

from __future__ import annotations

import struct
from typing import Any

from scapy.config import conf
from scapy.fields import LEIntEnumField, LEIntField, XLEIntField
from scapy.packet import Packet, bind_layers

from ..wire.frame import HEADER, PORT, MessageType
from .fields import names
from .messages import (
    WslUsbAttach,
    WslUsbAttachAnswer,
    WslUsbEnumerationAnswer,
    WslUsbError,
    WslUsbEvent,
    WslUsbHello,
    WslUsbStatusAnswer,
)
from .urbs import WslUsbCancel, WslUsbCancelAnswer, WslUsbUrbRequest, WslUsbUrbResponse
from .vsock import VsockMon

__all__ = ["ABOUT_THE_DEVICE", "MESSAGES", "SOLICITED", "WslUsb"]

MESSAGES: dict[MessageType, tuple[type[Packet] | None, ...]] = {
    MessageType.ENUMERATION: (None, WslUsbEnumerationAnswer),
    MessageType.ATTACH: (WslUsbAttach, WslUsbAttachAnswer),
    MessageType.DETACH: (None, WslUsbStatusAnswer),
    MessageType.URB_REQUEST: (WslUsbUrbRequest,),
    MessageType.URB_RESPONSE: (WslUsbUrbResponse,),
    MessageType.EVENT: (WslUsbEvent,),
    MessageType.HELLO: (WslUsbHello,),
    MessageType.CANCEL: (WslUsbCancel, WslUsbCancelAnswer),
    MessageType.RESET: (None, WslUsbStatusAnswer),
    MessageType.PING: (None,),
    MessageType.PONG: (None,),
    MessageType.ERROR: (WslUsbError,),
}
"""The layer of each type, None for no payload; where there are two, that of the request and that of the answer."""
ABOUT_THE_DEVICE = frozenset(
    {MessageType.URB_REQUEST, MessageType.URB_RESPONSE, MessageType.CANCEL, MessageType.RESET, MessageType.DETACH}
)
"""Types whose header carries the handle."""
SOLICITED = frozenset({MessageType.URB_RESPONSE, MessageType.PONG, MessageType.EVENT, MessageType.ERROR})
"""Types that take no number of their own: answers, and what carries 0."""
_ANSWERED_BY = {MessageType.URB_REQUEST: MessageType.URB_RESPONSE, MessageType.PING: MessageType.PONG}
_CANCEL_SIZE = 4


class WslUsb(Packet):
    """One message: type, payload size, sequence number, device handle.

    ``size`` is computed where it is None. ``sequence`` and ``handle`` stay 0 where they are None, or are filled in by
    a :class:`~wslusb.dissect.WslUsbSocket`.
    """

    name = "wslusb"
    fields_desc = [
        LEIntEnumField("type", MessageType.PING, names(MessageType)),
        LEIntField("size", None),
        LEIntField("sequence", None),
        XLEIntField("handle", None),
    ]

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *_args: Any, **_kwargs: Any) -> type[Packet]:
        """Raw for what is shorter than a header."""
        return conf.raw_layer if _pkt and len(_pkt) < HEADER.size else cls

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        """The payload's size."""
        if self.size is None:
            pkt = pkt[:4] + struct.pack("<I", len(pay)) + pkt[8:]
        return pkt + pay

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes | None]:
        """What follows is the next message."""
        return s[: self.size], s[self.size :]

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        """The payload's layer, by type and direction."""
        layers = MESSAGES.get(self.type, ())
        if len(layers) < 2:
            return super().guess_payload_class(payload)
        return layers[self._answers(payload)] or conf.raw_layer

    def _answers(self, payload: bytes) -> bool:
        under = self.underlayer
        if isinstance(under, VsockMon) and (under.src_port == PORT) != (under.dst_port == PORT):
            return bool(under.src_port == PORT)
        if self.type == MessageType.ATTACH:
            return not _is_attach(payload)
        return len(payload) > (_CANCEL_SIZE if self.type == MessageType.CANCEL else 0)

    @classmethod
    def tcp_reassemble(cls, data: bytes, _metadata: dict[str, Any], _session: dict[str, Any]) -> Packet | None:
        """For Scapy's own stream sessions and sockets: a packet once the first message of ``data`` is whole."""
        if len(data) < HEADER.size or len(data) < HEADER.size + HEADER.unpack_from(data)[1]:
            return None
        return cls(data)

    def hashret(self) -> bytes:
        """The same for all: an ERROR has no number and answers anything, so :meth:`answers` does the work."""
        return b"wslusb"

    def answers(self, other: Packet) -> int:
        """Whether this is the answer to ``other``: the right type with the same number, or an ERROR."""
        if not isinstance(other, WslUsb):
            return 0
        if self.type == MessageType.ERROR:
            return 1
        return int(self.type == _ANSWERED_BY.get(other.type, other.type) and self.sequence == (other.sequence or 0))

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("wslusb %type% #%sequence%")


def _is_attach(payload: bytes) -> bool:
    """A text and a u32, and nothing else. In an answer the upper half of a status stands where the text would."""
    fits = len(payload) >= 6 and len(payload) == 6 + int.from_bytes(payload[:2], "little")
    return fits and min(payload[2:-4], default=0x20) >= 0x20


for _type, _layers in MESSAGES.items():
    for _layer in _layers:
        if _layer is not None:
            bind_layers(WslUsb, _layer, type=_type)
bind_layers(VsockMon, WslUsb, dst_port=PORT)
bind_layers(VsockMon, WslUsb, src_port=PORT)
