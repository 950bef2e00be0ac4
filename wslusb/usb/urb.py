"""A USB request block (URB) and its completion: the two objects that cross the Device seam.

The field's words are used as Linux uses them (Documentation/driver-api/usb/URB.rst). Statuses are the Windows
``USBD_STATUS`` and ``NTSTATUS`` numbers, because those are on the wire; :func:`to_errno` gives what Linux calls them.

The classes are slotted and not frozen: they are built once a URB on the data path.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .ids import DIR_IN, TransferType
from .setup import Setup

__all__ = ["Buffer", "Completion", "Done", "IsoResult", "Status", "Urb", "UrbFlag", "from_errno", "to_errno"]

Buffer = bytes | bytearray | memoryview
"""Bytes that somebody else may own: valid only as long as the receiver's contract says."""


class UrbFlag(enum.IntFlag):
    """Flags of a URB. The first two are ``USBD_*`` bits of the Windows DDK (usb.h), the last is this project's."""

    SHORT_OK = 0x2
    """IN: fewer bytes than asked for are a success. Without it they are :attr:`Status.SHORT` (-EREMOTEIO), with the
    bytes that came. Isochronous packets may always be short."""
    ISO_ASAP = 0x4
    """Isochronous: start as soon as possible; ``start_frame`` says nothing."""
    ZERO_PACKET = 0x10000
    """Bulk OUT: end a transfer that is a multiple of wMaxPacketSize with a zero-length packet."""


class Status(enum.IntEnum):
    """What became of a URB or of an isochronous packet (usb.h and ntstatus.h of the Windows DDK)."""

    OK = 0x00000000
    CRC = 0xC0000001
    BIT_STUFF = 0xC0000002
    STALL = 0xC0000004
    NOT_RESPONDING = 0xC0000005
    OVERRUN = 0xC0000008
    SHORT = 0xC0000009
    BUFFER_OVERRUN = 0xC000000C
    BUFFER_UNDERRUN = 0xC000000D
    PROTOCOL = 0xC0000011
    ACCESS_DENIED = 0xC0000022
    NO_MEMORY = 0xC000009A
    CANCELLED = 0xC0000120
    NOT_SUPPORTED = 0xC0000E00
    TIMEOUT = 0xC0006000
    GONE = 0xC0007000
    ISO_NOT_ACCESSED = 0xC0020000
    INVALID = 0x80000300
    BUSY = 0x80000400
    FAILED = 0x80000500


# Linux' numbers, written out: this table must read the same under Windows, whose errno module has others.
_ERRNO: dict[int, int] = {
    Status.OK: 0,
    Status.CRC: -84,  # EILSEQ
    Status.BIT_STUFF: -71,  # EPROTO
    Status.STALL: -32,  # EPIPE
    Status.NOT_RESPONDING: -62,  # ETIME
    Status.OVERRUN: -75,  # EOVERFLOW
    Status.SHORT: -121,  # EREMOTEIO
    Status.BUFFER_OVERRUN: -70,  # ECOMM
    Status.BUFFER_UNDERRUN: -63,  # ENOSR
    Status.PROTOCOL: -71,  # EPROTO
    Status.ACCESS_DENIED: -13,  # EACCES
    Status.NO_MEMORY: -12,  # ENOMEM
    Status.CANCELLED: -104,  # ECONNRESET
    Status.NOT_SUPPORTED: -95,  # EOPNOTSUPP
    Status.TIMEOUT: -110,  # ETIMEDOUT
    Status.GONE: -108,  # ESHUTDOWN
    Status.ISO_NOT_ACCESSED: -18,  # EXDEV
    Status.INVALID: -22,  # EINVAL
    Status.BUSY: -16,  # EBUSY
    Status.FAILED: -5,  # EIO
}
_STATUS: dict[int, Status] = {number: Status(status) for status, number in reversed(_ERRNO.items())}
_STATUS |= {-71: Status.PROTOCOL, -2: Status.CANCELLED, -19: Status.GONE}  # EPROTO is two; ENOENT, ENODEV


def to_errno(status: int) -> int:
    """The negative Linux errno of a status; -EIO for a number that has no meaning here."""
    return _ERRNO.get(status, -5)


def from_errno(number: int) -> Status:
    """The status of a negative Linux errno; :attr:`Status.FAILED` for one that USB does not use."""
    return _STATUS.get(number, Status.FAILED)


@dataclass(slots=True, eq=False)
class Urb:
    """One request to an endpoint.

    ``length`` is the size of the transfer buffer in bytes. ``data`` holds the OUT bytes and is empty for IN; it belongs
    to the caller and may change once ``Device.submit`` has returned. A control URB has a ``setup``; its ``length``
    equals wLength. An isochronous URB has ``iso_lengths``, the size of each packet in bytes: packets lie back to back
    in the buffer (offsets are not kept, docs/protocol.md says why). ``interval`` is in (micro)frames, as in Linux.
    ``sequence`` is for the owner's own book-keeping.
    """

    sequence: int
    endpoint: int
    transfer: int
    length: int
    flags: int = 0
    data: Buffer = b""
    setup: Setup | None = None
    interval: int = 0
    stream: int = 0
    start_frame: int = 0
    iso_lengths: Sequence[int] = ()

    @property
    def is_in(self) -> bool:
        """Whether data goes from the device to the host. Decided by SETUP for control, by the endpoint otherwise."""
        if self.setup is not None:
            return self.setup.request_type & DIR_IN != 0
        return self.endpoint & DIR_IN != 0

    @property
    def is_iso(self) -> bool:
        """Whether this is an isochronous URB."""
        return self.transfer == TransferType.ISOCHRONOUS


@dataclass(slots=True)
class IsoResult:
    """What became of one isochronous packet: a :class:`Status` number and the bytes that were moved."""

    status: int
    actual_length: int


@dataclass(slots=True, eq=False)
class Completion:
    """How a URB ended.

    ``actual_length`` counts the bytes moved in either direction. ``data`` has them for IN (isochronous packets back to
    back, each with its own actual length); it belongs to the device and is valid only until ``done`` returns.
    """

    urb: Urb
    status: int = Status.OK
    actual_length: int = 0
    data: Buffer = b""
    start_frame: int = 0
    error_count: int = 0
    iso: Sequence[IsoResult] = field(default=())


Done = Callable[[Completion], None]
"""What a Device calls, exactly once a URB, from any thread, perhaps before ``submit`` has returned."""
