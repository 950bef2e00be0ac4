"""Scapy layers of the protocol, of usbmon and of USB/IP: to look at captures, to build hostile frames, for tests.

``from wslusb.dissect import *`` registers them: link types 189 and 220 (usbmon), 249 (USBPcap, Scapy's own layer) and
271 (vsockmon) are then understood by ``rdpcap`` and ``sniff(offline=...)``. Never on the data path: Scapy is slow, and
an extra (``pip install 'wslusb[scapy]'``; it is GPL-2.0-only). docs/dissect.md has sessions to start from.

Field values are those of docs/protocol.md. What is computed when a packet is built (sizes, counts, the function and the
direction of a URB) is None until then, and may be set to anything.
"""

from __future__ import annotations

try:
    import scapy.layers.usb  # noqa: F401 -- registers link type 249
except ImportError as error:  # pragma: no cover -- the tests have it
    raise ImportError("wslusb.dissect needs Scapy: pip install 'wslusb[scapy]'") from error

from .messages import (
    WslUsbAttach,
    WslUsbAttachAnswer,
    WslUsbBlob,
    WslUsbDevice,
    WslUsbEnumerationAnswer,
    WslUsbError,
    WslUsbEvent,
    WslUsbHello,
    WslUsbNode,
    WslUsbStatusAnswer,
)
from .protocol import MESSAGES, WslUsb
from .sockets import WslUsbSocket
from .stream import WslUsbSession
from .urbs import (
    UsbSetup,
    WslUsbCancel,
    WslUsbCancelAnswer,
    WslUsbIsoLength,
    WslUsbIsoResult,
    WslUsbUrbRequest,
    WslUsbUrbResponse,
)
from .usbip import (
    UsbIp,
    UsbIpCmdSubmit,
    UsbIpCmdUnlink,
    UsbIpDevice,
    UsbIpInterface,
    UsbIpIsoPacket,
    UsbIpOp,
    UsbIpRepDevlist,
    UsbIpRepImport,
    UsbIpReqImport,
    UsbIpRetSubmit,
    UsbIpRetUnlink,
)
from .usbmon import UsbMon, UsbMonIsoPacket, UsbMonShort
from .vsock import VsockMon

__all__ = [
    "MESSAGES",
    "UsbIp",
    "UsbIpCmdSubmit",
    "UsbIpCmdUnlink",
    "UsbIpDevice",
    "UsbIpInterface",
    "UsbIpIsoPacket",
    "UsbIpOp",
    "UsbIpRepDevlist",
    "UsbIpRepImport",
    "UsbIpReqImport",
    "UsbIpRetSubmit",
    "UsbIpRetUnlink",
    "UsbMon",
    "UsbMonIsoPacket",
    "UsbMonShort",
    "UsbSetup",
    "VsockMon",
    "WslUsb",
    "WslUsbAttach",
    "WslUsbAttachAnswer",
    "WslUsbBlob",
    "WslUsbCancel",
    "WslUsbCancelAnswer",
    "WslUsbDevice",
    "WslUsbEnumerationAnswer",
    "WslUsbError",
    "WslUsbEvent",
    "WslUsbHello",
    "WslUsbIsoLength",
    "WslUsbIsoResult",
    "WslUsbNode",
    "WslUsbSession",
    "WslUsbSocket",
    "WslUsbStatusAnswer",
    "WslUsbUrbRequest",
    "WslUsbUrbResponse",
]
