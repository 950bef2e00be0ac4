from __future__ import annotations

import json

import pytest

from hil.report.fidelity import Fidelity, Finding, Verdict, compare
from wslusb.capture.record import Record
from wslusb.replay.story import Story, tell
from wslusb.replay.wildcards import Wildcards
from wslusb.usb.descriptors import DeviceDescriptor
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, to_errno

SERIAL, BOS, REPORT = (0x0303, 0x0409), (0x0F00, 0), (0x2200, 0)


class Told:
    """A story as it is made up: one URB after the other."""

    def __init__(self) -> None:
        self.records: list[tuple[int, Record]] = []
        self._time = 0

    def urb(
        self, endpoint: int, length: int, answer: bytes = b"", status: Status | None = Status.OK, *, data: bytes = b"",
        setup: bytes = b"", transfer: TransferType = TransferType.BULK, micros: int = 100, moved: int | None = None,
    ) -> Told:  # fmt: skip
        key = len(self.records)
        begin, end = self._time, self._time + micros * 1000
        self._time = end + 1000
        self.records.append((key + 1, Record(begin, "S", key, 1, 4, transfer, endpoint, -115, length, data, setup)))
        if status is not None:
            got = (len(answer) or len(data)) if moved is None else moved
            done = Record(end, "C", key, 1, 4, transfer, endpoint, to_errno(status), got, answer)
            self.records.append((key + 2, done))
        return self

    def control(
        self, setup: Setup, answer: bytes = b"", status: Status = Status.OK, data: bytes = b"", micros: int = 100
    ) -> Told:
        return self.urb(
            setup.request_type & 0x80, setup.length, answer, status, data=data, setup=setup.pack(),
            transfer=TransferType.CONTROL, micros=micros,
        )  # fmt: skip

    def descriptor(self, which: tuple[int, int], answer: bytes, status: Status = Status.OK, kind: int = 0x80) -> Told:
        return self.control(Setup(kind, 6, which[0], which[1], 255), answer, status)

    @property
    def story(self) -> Story:
        return tell(self.records).get((1, 4), Story(1, 4))


def device() -> Told:
    return Told().descriptor((0x0100, 0), DeviceDescriptor(0x1234, 0x5678, serial=3).pack())


def found(real: Told, emulated: Told, *ignore: str) -> list[tuple[Verdict, str, str]]:
    result = compare(real.story, emulated.story, Wildcards(ignore))
    return [(each.verdict, each.where, each.what) for each in result.findings if each.verdict is not Verdict.SAME]


def test_a_device_is_true_to_itself() -> None:
    story = device().urb(0x81, 64, b"abc").urb(2, 3, data=b"xyz").control(Setup(0xC0, 1, 2, 3, 4), b"1234").story
    result = compare(story, story)
    assert (result.differences, result.compared) == (0, 4)
    assert result.sentence == "The emulated device did what the real one did, in all 4 things that both were asked."


@pytest.mark.parametrize(
    ("real", "emulated", "expected"),
    [
        (b"\x12\x01abcd", b"\x12\x01abXd", ["another answer from byte 4"]),
        (b"\x12\x01abcd", b"\x12\x01ab", []),
    ],
)
def test_descriptors_are_compared_as_far_as_both_hosts_asked(real: bytes, emulated: bytes, expected: list[str]) -> None:
    other = (0x5500, 0)
    findings = found(device().descriptor(other, real), device().descriptor(other, emulated))
    assert findings == [(Verdict.DIFFERENCE, "GET_DESCRIPTOR(type 0x55)", what) for what in expected]


def test_a_report_descriptor_is_compared_to_its_end() -> None:
    whole, part = (device().descriptor(REPORT, data, kind=0x81) for data in (b"\x05\x01\x09\x06", b"\x05\x01"))
    assert found(whole, part) == [
        (Verdict.DIFFERENCE, "GET_DESCRIPTOR(HID report, interface 0)", "another answer from byte 2")
    ]


def test_a_descriptor_that_only_one_has_is_a_difference() -> None:
    sides = device().descriptor(BOS, b"\x05\x0f\x05\0\0"), device().descriptor(BOS, b"", Status.STALL)
    result = compare(sides[0].story, sides[1].story)
    (finding,) = result.of(Verdict.DIFFERENCE)
    assert (finding.what, finding.emulated) == ("only one has it", "STALL")


def test_serial_numbers_are_expected_to_differ_and_names_are_not() -> None:
    def named(serial: str, product: str) -> Told:
        told = device()
        for which, text in ((SERIAL, serial), ((0x0302, 0x0409), product)):
            data = text.encode("utf-16-le")
            told.descriptor(which, bytes((len(data) + 2, 3)) + data)
        return told

    assert [each[0] for each in found(named("A1", "Stick"), named("B2", "Stick"))] == [Verdict.EXPECTED]
    assert [each[0] for each in found(named("A1", "Stick"), named("A1", "Stock"))] == [Verdict.DIFFERENCE]


def test_container_identifiers_are_expected_to_differ() -> None:
    def store(identifier: bytes, rest: bytes = b"\x07\x10\x02\0\0\0\0") -> Told:
        return device().descriptor(BOS, b"\x05\x0f\x20\0\x02" + b"\x14\x10\x04\0" + identifier + rest)

    assert [each[0] for each in found(store(b"a" * 16), store(b"b" * 16))] == [Verdict.EXPECTED]
    other = b"\x07\x10\x02\x06\0\0\0"
    assert [each[0] for each in found(store(b"a" * 16), store(b"b" * 16, other))] == [Verdict.DIFFERENCE]


LINE_CODING = Setup(0xA1, 0x21, 0, 0, 7)


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ((b"1", Status.OK), (b"1", Status.SHORT), None),
        ((b"1", Status.OK), (b"2", Status.OK), "another answer"),
        ((b"", Status.STALL), (b"1", Status.OK), "another answer"),
        ((b"", Status.CANCELLED), (b"1", Status.OK), "only the emulated device was asked"),
    ],
)
def test_requests_are_compared_by_status_and_data(
    one: tuple[bytes, Status], other: tuple[bytes, Status], what: str | None
) -> None:
    findings = found(device().control(LINE_CODING, *one), device().control(LINE_CODING, *other))
    assert [each[2] for each in findings] == ([what] if what else [])
    assert all(each[1] == "class request 0x21 to interface 0x00, value 0x0000, index 0x0000" for each in findings)


def test_one_answer_in_common_is_enough() -> None:
    real = device().control(LINE_CODING, b"1").control(LINE_CODING, b"2")
    assert found(real, device().control(LINE_CODING, b"2")) == []


def test_out_data_are_part_of_a_request() -> None:
    setup = Setup(0x21, 0x20, 0, 0, 2)
    real = device().control(setup, data=b"ab").control(setup, b"", Status.STALL, b"cd")
    assert found(real, device().control(setup, data=b"ab")) == [
        (Verdict.NOT_ASKED, "class request 0x20 to interface 0x00, value 0x0000, index 0x0000 with 63 64",
         "only the real device was asked"),
    ]  # fmt: skip


def test_an_error_of_one_alone_is_a_difference_of_the_endpoint() -> None:
    real, emulated = device().urb(0x81, 64, b"a"), device().urb(0x81, 64, b"", Status.STALL)
    result = compare(real.story, emulated.story)
    assert result.of(Verdict.DIFFERENCE) == [
        Finding(Verdict.DIFFERENCE, "bulk IN 0x81", "STALL from the emulated device alone", "OK 1", "STALL 1")
    ]


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.GONE, None])
def test_what_a_host_took_back_is_no_difference(status: Status | None) -> None:
    assert found(device().urb(0x81, 64, b"a"), device().urb(0x81, 64, b"", status)) == []


def test_bytes_are_compared_where_both_hosts_asked_the_same() -> None:
    real, emulated = (device().urb(2, 1, data=b"?").urb(0x81, 64, answer) for answer in (b"abcd", b"abXd"))
    assert found(real, emulated) == [(Verdict.DIFFERENCE, "bulk IN 0x81, URB 1", "other data from byte 2")]
    assert found(real, emulated, "0x81:2") == []
    assert found(real, device().urb(2, 1, data=b"!").urb(0x81, 64, b"abXd")) == []


def test_another_length_is_a_difference() -> None:
    real, emulated = device().urb(0x81, 64, b"abc"), device().urb(0x81, 64, b"ab")
    assert found(real, emulated) == [(Verdict.DIFFERENCE, "bulk IN 0x81, URB 1", "another length")]


def test_an_endpoint_that_one_host_left_alone_says_nothing() -> None:
    findings = found(device().urb(0x81, 64, b"a"), device())
    assert findings == [(Verdict.NOT_ASKED, "bulk IN 0x81", "only the real device was asked")]


def test_endpoints_are_counted_and_timed() -> None:
    told = device().urb(0x81, 64, bytes(64), micros=100).urb(0x81, 64, b"abc", micros=300).urb(0x81, 64, status=None)
    result = compare(told.story, device().story)
    real, emulated = result.endpoints["bulk IN 0x81"]
    assert emulated is None
    assert real is not None
    assert (real.urbs, real.statuses, real.lengths, real.short) == (3, {"OK": 2, "pending": 1}, {3: 1, 64: 1}, 1)
    assert real.times == {"p50": 200.0, "p90": 280.0, "p99": 298.0}


def test_text_and_json_say_it_all() -> None:
    result = compare(device().urb(0x81, 64, b"abc").story, device().urb(0x81, 64, b"abX").story)
    text = result.as_text()
    assert "difference: bulk IN 0x81, URB 1: other data from byte 2\n  - 61 62 63\n  + 61 62 58\n" in text
    assert text.endswith("The emulated device differs from the real one in 1 of 2 things.")
    body = json.loads(result.json_text())
    assert (body["schema"], body["differences"], body["compared"]) == ("wslusb.fidelity/1", 1, 2)


def test_two_with_nothing_in_common_are_not_called_alike() -> None:
    assert Fidelity("a", "b").sentence == "Nothing can be compared: the two have no request in common."
