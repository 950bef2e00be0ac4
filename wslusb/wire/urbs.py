"""URB requests and responses, bytes <-> objects: the codec of the data path.

A request's payload is a fixed part of 36 bytes, the isochronous table (a u32 length a packet), and the OUT data::

    u16 function  u8 endpoint  u8 transfer type  u32 flags  u32 length  u32 interval
    u32 stream id  u32 start frame  u32 isochronous packets  u8 setup[8]

A response's is 20 bytes, the isochronous results (u32 status, u32 actual length a packet), and the IN data::

    u32 status  u32 actual length  u32 error count  u32 start frame  u32 isochronous packets

Function codes, the flags 1, 2 and 4, and status numbers are Windows' (URB structure, usb.h), as in the proposal.
Encoders return buffers to be sent in one gathered write; the last may be the caller's own, uncopied.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Sequence

from ..errors import PeerError, PeerReason
from ..usb.ids import TransferType
from ..usb.setup import Barrier, Request, Setup
from ..usb.urb import Buffer, Completion, IsoResult, Status, Urb, UrbFlag
from . import limits
from .frame import MessageType
from .limits import Limits

__all__ = [
    "REQUEST",
    "RESPONSE",
    "Function",
    "decode_abort",
    "decode_request",
    "decode_response",
    "encode_abort",
    "encode_request",
    "encode_response",
    "is_abort",
    "misfit",
]

REQUEST = struct.Struct("<HBBIIIIII8s")
RESPONSE = struct.Struct("<IIIII")
"""The heads of both payloads, for whoever has no more than the beginning of one."""
_REQUEST_FRAME = struct.Struct("<IIII HBBIIIIII8s")
_RESPONSE_FRAME = struct.Struct("<IIII IIIII")
_ISO = struct.Struct("<II")

_IN = 0x1
"""USBD_TRANSFER_DIRECTION_IN."""
# A plain number: the complement of an IntFlag loses the bits that have no name, and takes a microsecond.
_NO_FLAGS = ~(_IN | int(UrbFlag.SHORT_OK | UrbFlag.ISO_ASAP | UrbFlag.ZERO_PACKET))
_NO_SETUP = bytes(8)
_URB_REQUEST, _URB_RESPONSE = int(MessageType.URB_REQUEST), int(MessageType.URB_RESPONSE)


class Function(enum.IntEnum):
    """URB function codes (Windows DDK, usb.h): what a request asks for."""

    SELECT_CONFIGURATION = 0x0000
    SELECT_INTERFACE = 0x0001
    ABORT_PIPE = 0x0002
    CONTROL_TRANSFER = 0x0008
    BULK_OR_INTERRUPT_TRANSFER = 0x0009
    ISOCH_TRANSFER = 0x000A
    GET_DESCRIPTOR_FROM_DEVICE = 0x000B
    RESET_PIPE = 0x001E
    GET_DESCRIPTOR_FROM_ENDPOINT = 0x0024
    GET_DESCRIPTOR_FROM_INTERFACE = 0x0028
    CONTROL_TRANSFER_EX = 0x0032


_BY_TRANSFER = (
    int(Function.CONTROL_TRANSFER),
    int(Function.ISOCH_TRANSFER),
    int(Function.BULK_OR_INTERRUPT_TRANSFER),
    int(Function.BULK_OR_INTERRUPT_TRANSFER),
)
_BY_BARRIER = {
    Barrier.SELECT_CONFIGURATION: Function.SELECT_CONFIGURATION,
    Barrier.SELECT_INTERFACE: Function.SELECT_INTERFACE,
    Barrier.CLEAR_HALT: Function.RESET_PIPE,
}
_BARRIER_OF = {function: barrier for barrier, function in _BY_BARRIER.items()}
_DESCRIPTOR_RECIPIENT = {
    Function.GET_DESCRIPTOR_FROM_DEVICE: 0x80,
    Function.GET_DESCRIPTOR_FROM_INTERFACE: 0x81,
    Function.GET_DESCRIPTOR_FROM_ENDPOINT: 0x82,
}


def _bad(message: str) -> PeerError:
    return PeerError(PeerReason.MALFORMED, message)


def misfit(urb: Urb, agreed: Limits) -> int:
    """Why no request can be made of a URB, as a :class:`Status` number: its peer would end the session. 0: it can."""
    length, endpoint, setup, packets = urb.length, urb.endpoint, urb.setup, urb.iso_lengths
    if length > agreed.transfer or len(packets) > agreed.iso_packets:
        return Status.NO_MEMORY
    if setup is not None:
        sound = setup.length == length and urb.transfer == TransferType.CONTROL and not endpoint & 0x70
        is_in = setup.request_type >> 7
    else:
        sound = 0 < urb.transfer <= 3 and endpoint & 0x70 == 0 and endpoint & 0x0F != 0
        is_in = endpoint >> 7
    if packets or urb.transfer == TransferType.ISOCHRONOUS:
        sound = sound and urb.transfer == TransferType.ISOCHRONOUS and _is_table(packets, length)
    return Status.OK if sound and length >= 0 and (is_in or len(urb.data) == length) else Status.INVALID


def _is_table(packets: Sequence[int], length: int) -> bool:
    return bool(packets) and min(packets) >= 0 and max(packets) <= limits.PACKET_LENGTH and sum(packets) == length


def encode_request(urb: Urb, sequence: int, handle: int) -> list[Buffer]:
    """The frame of a request, as buffers: head, isochronous table, OUT data."""
    setup = urb.setup
    if setup is None:
        function, packed = _BY_TRANSFER[urb.transfer], _NO_SETUP
        is_in = urb.endpoint >> 7
    else:
        barrier = setup.barrier()
        function = Function.CONTROL_TRANSFER if barrier is None else _BY_BARRIER[barrier]
        packed, is_in = setup.pack(), setup.request_type >> 7
    count = len(urb.iso_lengths)
    data_size = 0 if is_in else urb.length
    head = _REQUEST_FRAME.pack(
        _URB_REQUEST, limits.URB_HEAD + 4 * count + data_size, sequence, handle,
        function, urb.endpoint, urb.transfer, urb.flags | is_in, urb.length, urb.interval,
        urb.stream, urb.start_frame, count, packed,
    )  # fmt: skip
    buffers: list[Buffer] = [head]
    if count:
        buffers.append(struct.pack(f"<{count}I", *urb.iso_lengths))
    if data_size:
        buffers.append(urb.data)
    return buffers


def encode_abort(endpoint: int, sequence: int, handle: int) -> bytes:
    """The frame of ABORT_PIPE: every URB of the endpoint is to be given back."""
    return _REQUEST_FRAME.pack(
        _URB_REQUEST, limits.URB_HEAD, sequence, handle, Function.ABORT_PIPE, endpoint, 0, 0, 0, 0, 0, 0, 0, _NO_SETUP
    )


def is_abort(payload: memoryview) -> bool:
    """Whether a request's payload, which may be too short to be one, asks for ABORT_PIPE."""
    return len(payload) >= 2 and payload[0] == Function.ABORT_PIPE and payload[1] == 0


def decode_abort(payload: memoryview) -> int:
    """The endpoint of an ABORT_PIPE; PeerError if anything else is asked for with it."""
    if len(payload) != limits.URB_HEAD or bytes(payload[4:]).strip(b"\0") or payload[3]:
        raise _bad("ABORT_PIPE carries an endpoint and nothing else")
    return payload[2]


def decode_request(payload: memoryview, sequence: int, agreed: Limits) -> Urb:
    """Read a request. ``data`` of the URB is a view of ``payload``. PeerError for all that does not fit together."""
    if len(payload) < 36:
        raise PeerError(PeerReason.TRUNCATED, f"a URB request of {len(payload)} bytes")
    function, endpoint, transfer, flags, length, interval, stream, start, count, packed = REQUEST.unpack_from(payload)
    if length > agreed.transfer:
        raise PeerError(PeerReason.OVERSIZED, f"a transfer of {length} bytes, {agreed.transfer} are allowed")
    if transfer > 3 or flags & _NO_FLAGS or endpoint & 0x70:
        raise _bad(f"transfer type {transfer}, flags {flags:#x}, endpoint {endpoint:#x}")
    setup = None
    if transfer == TransferType.CONTROL:
        setup = _decode_setup(function, endpoint, length, packed)
        is_in = setup.request_type >> 7
    else:
        if function != _BY_TRANSFER[transfer] or not endpoint & 0x0F or packed != _NO_SETUP:
            raise _bad(f"function {function:#x} with transfer type {transfer} on endpoint {endpoint:#x}")
        is_in = endpoint >> 7
    if flags & _IN != is_in:
        raise _bad(f"the direction flag contradicts endpoint {endpoint:#x}")
    iso: tuple[int, ...] = ()
    offset = 36
    if transfer == TransferType.ISOCHRONOUS:
        iso = _decode_table(payload, count, length, agreed)
        offset += 4 * count
    elif count:
        raise _bad("isochronous packets in a transfer that is not isochronous")
    if len(payload) - offset != (0 if is_in else length):
        raise _bad(f"{len(payload) - offset} data bytes in a request of {length}, {'IN' if is_in else 'OUT'}")
    data = payload[offset:]
    return Urb(sequence, endpoint, transfer, length, flags & ~_IN, data, setup, interval, stream, start, iso)


def _decode_setup(function: int, endpoint: int, length: int, packed: bytes) -> Setup:
    setup = Setup.unpack(packed)
    if setup.length != length:
        raise _bad(f"wLength {setup.length} with a buffer of {length} bytes")
    if function in (Function.CONTROL_TRANSFER, Function.CONTROL_TRANSFER_EX):
        return setup
    barrier = _BARRIER_OF.get(function)  # type: ignore[call-overload]  # a number from the wire may be no Function
    if barrier is not None and setup.barrier() is barrier:
        return setup
    recipient = _DESCRIPTOR_RECIPIENT.get(function)  # type: ignore[call-overload]  # likewise
    if recipient == setup.request_type and setup.request == Request.GET_DESCRIPTOR:
        return setup
    raise _bad(f"function {function:#x} with request {setup.request_type:#x} {setup.request:#x} on {endpoint:#x}")


def _decode_table(payload: memoryview, count: int, length: int, agreed: Limits) -> tuple[int, ...]:
    if not 0 < count <= agreed.iso_packets:
        raise PeerError(PeerReason.LIMIT, f"{count} isochronous packets, 1 to {agreed.iso_packets} are allowed")
    if len(payload) < 36 + 4 * count:
        raise PeerError(PeerReason.TRUNCATED, f"an isochronous table of {count} packets")
    lengths = struct.unpack_from(f"<{count}I", payload, 36)
    if max(lengths) > limits.PACKET_LENGTH or sum(lengths) != length:
        raise _bad(f"isochronous packets of {sum(lengths)} bytes in a buffer of {length}")
    return lengths


def encode_response(completion: Completion, sequence: int, handle: int) -> list[Buffer]:
    """The frame of a response, as buffers: head, isochronous results, IN data."""
    status, iso = completion.status, completion.iso
    data, actual = completion.data, completion.actual_length
    if len(iso) != len(lengths := completion.urb.iso_lengths):
        # Refused, cancelled or gone before any packet was moved: the guest still wants to hear of each of them.
        iso, data, actual = [IsoResult(status, 0)] * len(lengths), b"", 0
    head = _RESPONSE_FRAME.pack(
        _URB_RESPONSE, 20 + 8 * len(iso) + len(data), sequence, handle,
        status, actual, completion.error_count, completion.start_frame, len(iso),
    )  # fmt: skip
    buffers: list[Buffer] = [head]
    if iso:
        buffers.append(b"".join(_ISO.pack(result.status, result.actual_length) for result in iso))
    if data:
        buffers.append(data)
    return buffers


def decode_response(payload: memoryview, urb: Urb) -> Completion:
    """Read the response to ``urb``; ``data`` is a view of ``payload``. PeerError for what cannot be its answer."""
    if len(payload) < 20:
        raise PeerError(PeerReason.TRUNCATED, f"a URB response of {len(payload)} bytes")
    status, actual, errors, start, count = RESPONSE.unpack_from(payload)
    if actual > urb.length:
        raise PeerError(PeerReason.BAD_ANSWER, f"{actual} bytes moved where {urb.length} were asked for")
    offset = 20 + 8 * count
    if count != len(urb.iso_lengths) or errors > count:
        raise PeerError(PeerReason.BAD_ANSWER, f"{count} isochronous results for {len(urb.iso_lengths)} packets")
    if len(payload) - offset != (actual if urb.is_in else 0):
        raise PeerError(PeerReason.BAD_ANSWER, f"{len(payload) - offset} data bytes with an actual length of {actual}")
    iso = _decode_results(payload, urb, actual) if count else ()
    return Completion(urb, status, actual, payload[offset:], start, errors, iso)


def _decode_results(payload: memoryview, urb: Urb, actual: int) -> list[IsoResult]:
    end = 20 + 8 * len(urb.iso_lengths)
    if len(payload) < end:
        raise PeerError(PeerReason.TRUNCATED, "the isochronous results are not all there")
    results = [IsoResult(status, length) for status, length in _ISO.iter_unpack(payload[20:end])]
    for result, asked in zip(results, urb.iso_lengths, strict=True):
        if result.actual_length > asked:
            raise PeerError(PeerReason.BAD_ANSWER, f"an isochronous packet of {result.actual_length} of {asked} bytes")
    if sum(result.actual_length for result in results) != actual:
        raise PeerError(PeerReason.BAD_ANSWER, f"isochronous packets do not add up to {actual} bytes")
    return results
