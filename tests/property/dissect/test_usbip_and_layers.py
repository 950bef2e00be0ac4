"""USB/IP: what ``wslusb.wire.usbip`` reads and writes, and what the Scapy layers do, are the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import completions, flat, u32, urbs
from wslusb.dissect import (
    UsbIp,
    UsbIpCmdSubmit,
    UsbIpCmdUnlink,
    UsbIpIsoPacket,
    UsbIpRetSubmit,
    UsbIpRetUnlink,
    UsbSetup,
)
from wslusb.usb.urb import Urb, UrbFlag, to_errno
from wslusb.wire.usbip import Submit, SubmitBuffer, Unlink, pack_ret_submit, pack_ret_unlink


def offsets(lengths: tuple[int, ...]) -> list[int]:
    return [sum(lengths[:at]) for at in range(len(lengths))]


def command(urb: Urb, sequence: int) -> bytes:
    """CMD_SUBMIT for a URB, by the layers."""
    lengths = tuple(urb.iso_lengths)
    flags = (
        (0 if not urb.is_in or urb.flags & UrbFlag.SHORT_OK else 0x1)
        | (0x2 if urb.flags & UrbFlag.ISO_ASAP else 0)
        | (0x40 if urb.flags & UrbFlag.ZERO_PACKET else 0)
    )
    submit = UsbIpCmdSubmit(
        flags=flags, length=urb.length, start_frame=urb.start_frame, interval=urb.interval, data=bytes(urb.data),
        iso=[UsbIpIsoPacket(offset=at, length=size) for at, size in zip(offsets(lengths), lengths, strict=True)],
    )  # fmt: skip
    if urb.setup is not None:
        submit.setup = UsbSetup(urb.setup.pack())
    return bytes(UsbIp(seqnum=sequence, way="IN" if urb.is_in else "OUT", ep=urb.endpoint & 0xF) / submit)


def codec(data: bytes, urb: Urb) -> Submit | Unlink | None:
    buffer = SubmitBuffer()
    buffer.transfers[urb.endpoint] = urb.transfer
    buffer.writable()[: len(data)] = data
    buffer.received(len(data))
    return buffer.next()


kernel_urbs = urbs().filter(lambda urb: urb.interval < 2**31 and urb.start_frame < 2**31)


@given(kernel_urbs, u32)
def test_submit(urb: Urb, sequence: int) -> None:
    data = command(urb, sequence)
    found = codec(data, urb)
    assert isinstance(found, Submit)
    urb.stream = 0
    urb.flags &= UrbFlag.ISO_ASAP | (UrbFlag.SHORT_OK if urb.is_in else UrbFlag.ZERO_PACKET)
    urb.endpoint = urb.endpoint & 0xF | (0x80 if urb.is_in else 0)
    assert flat(found.urb) == flat(urb)
    read = UsbIp(data)
    assert read[UsbIpCmdSubmit].data == urb.data
    read.clear_cache()
    assert bytes(read) == data


@given(st.data(), kernel_urbs, u32)
def test_ret_submit(data: st.DataObject, urb: Urb, sequence: int) -> None:
    completion = data.draw(completions(urb))
    lengths = tuple(urb.iso_lengths)
    frame = b"".join(pack_ret_submit(Submit(sequence, urb, tuple(offsets(lengths))), completion))
    read = UsbIp(frame)
    ret = read[UsbIpRetSubmit]
    assert (read.seqnum, ret.packets, ret.error_count) == (sequence, len(lengths), completion.error_count)
    assert read.answers(UsbIp(command(urb, sequence)))
    if ret.status != to_errno(0xC0000011):  # what no host controller would say has been replaced
        assert (ret.status, ret.actual_length) == (to_errno(completion.status), completion.actual_length)
        assert ret.data == completion.data
        results = [(to_errno(each.status), each.actual_length) for each in completion.iso]
        assert [(each.status, each.actual_length) for each in ret.iso] == results
    read.clear_cache()
    assert bytes(read) == frame


@given(u32, u32, st.sampled_from([0, -104]))
def test_unlink(sequence: int, target: int, status: int) -> None:
    data = bytes(UsbIp(seqnum=sequence) / UsbIpCmdUnlink(target=target))
    assert codec(data, Urb(0, 0, 0, 0)) == Unlink(sequence, target)
    assert UsbIp(data)[UsbIpCmdUnlink].target == target
    frame = pack_ret_unlink(sequence, status)
    assert bytes(UsbIp(seqnum=sequence) / UsbIpRetUnlink(status=status)) == frame
    assert UsbIp(frame)[UsbIpRetUnlink].status == status


@given(st.binary(max_size=200))
def test_junk_never_raises_and_keeps_its_bytes(junk: bytes) -> None:
    if junk:
        assert bytes(UsbIp(junk)) == junk
        assert bytes(UsbIp(b"\x01\x11" + junk)) == b"\x01\x11" + junk
