"""emulator.devices.webcam: negotiation, payloads over both transports, brightness, what is refused."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.video_parts.picture import Picture
from wslusb.device.clock import VirtualClock
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

SET_CUR, GET_CUR, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF = 0x01, *range(0x81, 0x88)
PROBE, COMMIT, ERROR_CODE, BRIGHTNESS = 1, 2, 2, 2
PROCESSING = 2
STREAM = 0x81
END, TIME, HEADER_END = 0x02, 0x04, 0x80


@dataclass(slots=True)
class Payload:
    """A payload with its header taken apart."""

    bits: int
    time: int
    data: bytes

    @classmethod
    def of(cls, raw: bytes) -> Payload:
        length, bits, time = struct.unpack_from("<BBI", raw)
        assert length == 6
        assert bits & ~(END | 1) == TIME | HEADER_END
        return cls(bits, time, raw[length:])


class Host:
    """A driver, on a virtual clock."""

    def __init__(self, transport: str) -> None:
        model = parse_models(f"webcam:transport={transport}")[0]
        self.clock = VirtualClock()
        self.device = VirtualDevice(model.gadget, model.firmware, clock=self.clock)

    def request(self, kind: int, request: int, selector: int, index: int, data: bytes | int) -> bytes | None:
        length = data if isinstance(data, int) else len(data)
        out = b"" if isinstance(data, int) else data
        seen: list[Completion] = []
        setup = Setup(kind, request, selector << 8, index, length)
        self.device.submit(Urb(0, kind & 0x80, 0, length, UrbFlag.SHORT_OK, out, setup), seen.append)
        return bytes(seen[0].data) if seen[0].status == Status.OK else None

    def get(self, selector: int, index: int = 1, request: int = GET_CUR, length: int = 34) -> bytes | None:
        return self.request(0xA1, request, selector, index, length)

    def set(self, selector: int, data: bytes, index: int = 1) -> bool:
        return self.request(0x21, SET_CUR, selector, index, data) is not None

    def negotiate(self, frame: int = 1, interval: int = 333333) -> tuple[int, int, int, int]:
        """Probe, then commit; frame, interval, bytes of a picture and of a payload as the device says."""
        assert self.set(PROBE, proposal(frame, interval))
        answer = self.get(PROBE)
        assert answer is not None
        assert self.set(COMMIT, answer)
        return agreed(answer)

    def iso(self, packets: int, size: int = 192) -> list[bytes]:
        seen: list[Completion] = []
        lengths = [size] * packets
        self.device.submit(Urb(0, STREAM, 1, sum(lengths), iso_lengths=lengths), seen.append)
        while not seen:
            self.clock.advance(packets / 8000)
        data, found = bytes(seen[0].data), []
        for each in seen[0].iso:
            found.append(data[: each.actual_length])
            data = data[each.actual_length :]
        return found

    def bulk(self) -> list[bytes]:
        """A transfer of the size that was agreed on; filled once there is something."""
        seen: list[bytes] = []
        self.device.submit(
            Urb(0, STREAM, 2, 16384, UrbFlag.SHORT_OK), lambda completion: seen.append(bytes(completion.data))
        )
        return seen


def proposal(frame: int, interval: int) -> bytes:
    return struct.pack("<HBBI", 1, 1, frame, interval).ljust(34, b"\0")


def agreed(answer: bytes) -> tuple[int, int, int, int]:
    frame, interval, size, payload = struct.unpack("<3xBI10xII", answer[:26])
    return frame, interval, size, payload


@pytest.mark.parametrize(
    ("frame", "interval", "expected"),
    [
        (1, 333333, (1, 333333, 38400, 167)), (2, 1000000, (2, 1000000, 153600, 220)),
        (2, 333333, (2, 333333, 153600, 649)), (9, 1, (1, 333333, 38400, 167)), (0, 700000, (1, 666666, 38400, 87)),
        (1, 0xFFFFFFFF, (1, 1000000, 38400, 60)),
    ],
)  # fmt: skip
def test_a_proposal_is_answered_by_the_nearest_that_can_be(
    frame: int, interval: int, expected: tuple[int, int, int, int]
) -> None:
    assert Host("iso").negotiate(frame, interval) == expected


def test_a_bulk_payload_is_one_transfer() -> None:
    assert Host("bulk").negotiate(2, 666666) == (2, 666666, 153600, 16384)


def test_nothing_is_agreed_before_the_commit() -> None:
    host = Host("iso")
    before = host.get(COMMIT)
    assert host.set(PROBE, proposal(2, 1000000))
    assert host.get(COMMIT) == before
    assert host.get(PROBE) != before


def test_proposals_of_version_1_0_are_shorter_and_others_are_none() -> None:
    host = Host("iso")
    assert host.set(PROBE, proposal(2, 666666)[:26])
    assert not host.set(PROBE, proposal(1, 333333)[:25])
    assert host.get(ERROR_CODE, 0, length=1) == b"\4"
    assert agreed(host.get(PROBE) or b"")[:2] == (2, 666666)


def test_limits_of_the_negotiation() -> None:
    host = Host("iso")
    assert agreed(host.get(PROBE, request=GET_MIN) or b"")[:2] == (1, 1000000)
    assert agreed(host.get(PROBE, request=GET_MAX) or b"")[:2] == (2, 333333)
    assert host.get(PROBE, request=GET_DEF) == host.get(PROBE)
    assert (host.get(PROBE, request=GET_LEN), host.get(PROBE, request=GET_INFO)) == (b"\x22\0", b"\3")


def test_an_isochronous_frame_is_cut_into_packets() -> None:
    host = Host("iso")
    host.negotiate()
    host.device.select_interface(1, 1)
    packets = host.iso(3 * 267)
    starts = [0, 267, 534]
    for number, start in enumerate(starts):
        full = [each for each in packets[start : start + 266] if each]
        payloads = [Payload.of(each) for each in full]
        assert b"".join(each.data for each in payloads) == Picture(160, 120).frame(number)
        assert {each.bits & 1 for each in payloads} == {number & 1}
        assert {each.time for each in payloads} == {number * 333333 // 10}
        assert [bool(each.bits & END) for each in payloads] == [False] * (len(payloads) - 1) + [True]
        assert max(map(len, full)) == 167
        assert not any(packets[start + len(full) : start + 266]), "the rest of the time is empty"


def test_ten_seconds_have_three_hundred_frames() -> None:
    host = Host("iso")
    host.negotiate()
    host.device.select_interface(1, 1)
    ends = 0
    for _ in range(100):
        ends += sum(bool(each[1] & END) for each in host.iso(800) if each)
    assert ends == 300


def test_a_stream_that_is_chosen_again_starts_with_frame_0() -> None:
    host = Host("iso")
    host.negotiate()
    for _ in range(2):
        host.device.select_interface(1, 1)
        first = Payload.of(host.iso(300)[0])
        assert first.data == Picture(160, 120).frame(0)[: len(first.data)]
        host.device.select_interface(1, 0)


def test_a_bulk_frame_is_cut_into_transfers_the_last_of_which_is_short() -> None:
    host = Host("bulk")
    assert not host.bulk(), "nothing before the commit"
    host = Host("bulk")
    host.negotiate()
    transfers = [host.bulk()[0] for _ in range(3)]
    assert [len(each) for each in transfers] == [16384, 16384, 38400 - 2 * 16378 + 6]
    assert b"".join(Payload.of(each).data for each in transfers) == Picture(160, 120).frame(0)
    waiting = host.bulk()
    host.clock.advance(0.0333)
    assert not waiting
    host.clock.advance(0.0001)
    assert Payload.of(waiting[0]).bits & 1 == 1
    assert Payload.of(waiting[0]).time == 33333


def test_a_slow_reader_of_bulk_misses_frames_and_gets_no_old_ones() -> None:
    host = Host("bulk")
    host.negotiate()
    for _ in range(3):
        host.bulk()
    host.clock.advance(0.110)
    late = Payload.of(host.bulk()[0])
    assert late.time == 3 * 333333 // 10
    assert late.data == Picture(160, 120).frame(3)[:16378]


def test_every_frame_has_another_frame_bit_than_the_last_though_a_late_host_missed_some() -> None:
    host = Host("bulk")
    host.negotiate()
    bits = []
    for late in (0.0, 0.07, 0.04, 0.1, 0.07):
        host.clock.advance(late)
        transfers = [host.bulk() for _ in range(3)]
        host.clock.advance(0.034)
        (bit,) = {Payload.of(each[0]).bits & 1 for each in transfers}
        bits.append(bit)
    assert bits == [0, 1, 0, 1, 0]


def test_a_bulk_stream_stops_when_its_halt_is_cleared() -> None:
    host = Host("bulk")
    host.negotiate()
    host.bulk()
    host.device.clear_halt(STREAM)
    waiting = host.bulk()
    host.clock.advance(1.0)
    assert not waiting
    host.negotiate()
    assert len(waiting[0]) == 16384, "the next commit starts anew"


def test_a_bulk_stream_does_not_outlive_the_configuration() -> None:
    host = Host("bulk")
    host.negotiate(2, 1000000)
    for _ in range(10):
        host.bulk()
    host.bulk()
    host.device.select_configuration(1)
    waiting = host.bulk()
    host.clock.advance(1.0)
    assert not waiting
    assert agreed(host.get(COMMIT) or b"")[:2] == (1, 333333)


def test_brightness_is_seen_in_the_picture() -> None:
    host = Host("iso")
    index = PROCESSING << 8
    values = [host.get(BRIGHTNESS, index, each, 2) for each in (GET_MIN, GET_MAX, GET_RES, GET_DEF, GET_CUR)]
    assert values == [b"\x80\xff", b"\x7f\0", b"\1\0", b"\0\0", b"\0\0"]
    assert host.set(BRIGHTNESS, b"\x1e\0", index)
    host.negotiate()
    host.device.select_interface(1, 1)
    frame = b"".join(each[6:] for each in host.iso(266))
    assert frame == Picture(160, 120).frame(0, 30)
    assert frame != Picture(160, 120).frame(0)


@pytest.mark.parametrize(("value", "index"), [(b"\x80\0", 2 << 8), (b"\x7f\xff", 2 << 8), (b"\0", 2 << 8)])
def test_a_brightness_that_cannot_be_is_refused(value: bytes, index: int) -> None:
    host = Host("iso")
    assert not host.set(BRIGHTNESS, value, index)
    assert host.get(ERROR_CODE, 0, length=1) == b"\4"
    assert host.get(BRIGHTNESS, index, length=2) == b"\0\0"


@pytest.mark.parametrize(
    ("kind", "request_code", "selector", "index", "error"),
    [(0xA1, GET_CUR, 9, 2 << 8, 6), (0xA1, GET_CUR, 1, 0, 6), (0xA1, 0x8F, BRIGHTNESS, 2 << 8, 7)],
)
def test_the_error_code_says_what_was_wrong(
    kind: int, request_code: int, selector: int, index: int, error: int
) -> None:
    host = Host("iso")
    assert host.request(kind, request_code, selector, index, 2) is None
    assert host.get(ERROR_CODE, 0, length=1) == bytes((error,))
    assert host.get(PROBE) is not None
    assert host.get(ERROR_CODE, 0, length=1) == b"\0"


def test_the_number_and_the_bars_of_a_picture() -> None:
    frame = Picture(160, 120).frame(0xA001)
    luma = frame[::2]
    assert [luma[10 * block + 5] for block in range(16)] == [235, 16, 235] + [16] * 12 + [235]
    assert luma[15 * 160 :] == luma[15 * 160 : 16 * 160] * 105
    assert [luma[20 * bar + 160 * 60] for bar in range(8)] == [180, 162, 131, 112, 84, 65, 35, 16]
