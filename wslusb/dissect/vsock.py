"""Link type 271: what Linux' vsockmon gives, and our captures of the protocol (include/uapi/linux/vsockmon.h)."""

from __future__ import annotations

from scapy.config import conf
from scapy.fields import LEIntField, LELongField, LEShortEnumField, LEShortField, StrFixedLenField, StrLenField
from scapy.packet import Packet

__all__ = ["PAYLOAD", "VsockMon"]

_LINK_TYPE = 271
PAYLOAD = 4
"""The ``op`` of what a connection carries."""


class VsockMon(Packet):
    """One piece of a connection, as it was sent: it may end in the middle of a message."""

    name = "vsockmon"
    fields_desc = [
        LELongField("src_cid", 2),
        LELongField("dst_cid", 3),
        LEIntField("src_port", 0),
        LEIntField("dst_port", 0),
        LEShortEnumField(
            "op", PAYLOAD, {0: "UNKNOWN", 1: "CONNECT", 2: "DISCONNECT", 3: "CONTROL", PAYLOAD: "PAYLOAD"}
        ),
        LEShortEnumField("transport", 1, {0: "UNKNOWN", 1: "NO_INFO", 2: "VIRTIO"}),
        LEShortField("len", 0),
        StrFixedLenField("reserved", bytes(2), length=2),
        StrLenField("transport_header", b"", length_from=lambda packet: packet.len),
    ]

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *_args: object, **_kwargs: object) -> type[Packet]:
        """Raw for what is shorter than a header."""
        return conf.raw_layer if _pkt and len(_pkt) < 32 else cls

    def mysummary(self) -> str:
        """One line."""
        return self.sprintf("vsock %src_cid%:%src_port% > %dst_cid%:%dst_port% %op%")


conf.l2types.register(_LINK_TYPE, VsockMon)
