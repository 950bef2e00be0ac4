"""A capture replayed to the host of the capture: whatever it holds, nothing differs, in any mode, at once."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import pytest

from tests.support.usb import Waiter
from wslusb.capture.record import IsoPacket, Record
from wslusb.capture.usbpcap import NOT_TOLD
from wslusb.device.clock import VirtualClock
from wslusb.replay.device import Mode, ReplayDevice
from wslusb.replay.host import ReplayHost
from wslusb.replay.pace import RECORDED
from wslusb.replay.story import Story, tell
from wslusb.usb.ids import DIR_IN, TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status, Urb, UrbFlag

IN, OUT = 0x81, 0x02
SET_REPORT = Setup(0x21, 9, 0x0200, 0, 2)
GET_STATUS = Setup(0x80, 0, 0, 0, 2)
TAKEN_BACK, GONE = -2, -108
BEFORE = "before"
"""As what a URB was asked for: it was, before the capture began."""


class Tape:
    """Halves of URBs, in the order in which a test has them happen; a second between two."""

    def __init__(self) -> None:
        self._keys = itertools.count(1)
        self.records: list[tuple[int, Record]] = []

    def _add(self, record: Record) -> Record:
        number = len(self.records) + 1
        self.records.append((number, dataclasses.replace(record, time=number * 1_000_000_000)))
        return record

    def asks(
        self, transfer: TransferType, endpoint: int, length: int = 64, data: bytes = b"",
        iso: tuple[IsoPacket, ...] = (),
    ) -> Record:  # fmt: skip
        size = length if endpoint & DIR_IN else len(data)
        return self._add(Record(0, "S", next(self._keys), 1, 4, transfer, endpoint, -115, size, data, iso=iso))

    def reads(self, length: int = 64) -> Record:
        return self.asks(TransferType.INTERRUPT, IN, length)

    def ends(self, begun: Record, data: bytes = b"", status: int = 0) -> None:
        length = len(data) if begun.is_in else len(begun.data) if status == 0 else 0
        self._add(dataclasses.replace(begun, kind="C", status=status, length=length, data=data, setup=b""))

    def requests(self, setup: Setup, data: bytes = b"", length: int | None = None) -> Record:
        out = b"" if setup.is_in else data
        size = setup.length if length is None else length
        endpoint = setup.request_type & DIR_IN
        record = Record(0, "S", next(self._keys), 1, 4, TransferType.CONTROL, endpoint, -115, size, out, setup.pack())
        return self._add(record)

    def told_before(self, data: bytes) -> None:
        """The end of a URB whose beginning is not in the file."""
        record = Record(0, "C", next(self._keys), 1, 4, TransferType.INTERRUPT, IN, 0, len(data), data)
        self._add(record)

    @property
    def story(self) -> Story:
        return tell(self.records)[1, 4]


def asked_before_and_told_in_between(tape: Tape) -> None:
    """Two reads were under way when the capture began: their answers come before those of later reads."""
    tape.told_before(b"first")
    third = tape.reads()
    tape.told_before(b"second")
    fourth = tape.reads()
    tape.ends(third, b"third")
    tape.ends(fourth, b"fourth")


def a_read_of_which_the_beginning_was_dropped(tape: Tape) -> None:
    tape.ends(tape.reads(), b"first")
    tape.told_before(b"second")
    tape.ends(tape.reads(), b"third")


def reads_that_time_out(tape: Tape) -> None:
    """A program that reads with a time-out, and then gets an answer."""
    for _ in range(3):
        tape.ends(tape.reads(), status=TAKEN_BACK)
    tape.ends(tape.reads(), b"at last")
    tape.ends(tape.reads(), status=TAKEN_BACK)
    tape.ends(tape.reads(), b"again")


def a_large_read_that_was_taken_back(tape: Tape) -> None:
    """USBPcap does not tell how much a read asked for."""
    for status, data in ((TAKEN_BACK, b""), (0, bytes(8192))):
        tape.ends(tape.asks(TransferType.BULK, IN, NOT_TOLD), data, status)


def reports_as_questions(tape: Tape) -> None:
    """A HID device that answers on an endpoint what it was asked in a report."""
    for number in (b"\1\1", b"\1\2", b"\1\3"):
        answer = tape.reads()
        tape.ends(tape.requests(SET_REPORT, number))
        tape.ends(answer, b"answer" + number)
        tape.ends(tape.reads(), status=TAKEN_BACK)


def a_write_that_is_taken_back(tape: Tape) -> None:
    write = tape.asks(TransferType.BULK, OUT, data=b"nobody wants this")
    tape.ends(write, status=TAKEN_BACK)
    tape.ends(tape.asks(TransferType.BULK, OUT, data=b"this they do"))


def a_request_that_is_taken_back(tape: Tape) -> None:
    tape.ends(tape.requests(Setup(0xC0, 1, 0, 0, 8)), b"an answer")
    tape.ends(tape.requests(Setup(0xC0, 2, 0, 0, 8)), status=TAKEN_BACK)
    tape.ends(tape.requests(Setup(0xC0, 1, 0, 0, 8)), b"an answer")


def an_end_that_is_not_in_the_file(tape: Tape) -> None:
    tape.requests(Setup(0xC0, 1, 0, 0, 8))
    tape.ends(tape.requests(Setup(0xC0, 2, 0, 0, 8)), b"answered")


def ends_of_an_endpoint_that_are_not_in_the_file(tape: Tape) -> None:
    """Some were dropped: its host goes on when the next has ended."""
    for number in b"123":
        tape.ends(tape.reads(), bytes((number,)))
        tape.reads()
    tape.ends(tape.reads(), b"4")


def buffers_larger_than_what_was_asked_for(tape: Tape) -> None:
    """Usbhid's are (drivers/hid/usbhid/hid-core.c); controllers of virtual machines fill them."""
    tape.ends(tape.requests(Setup(0xA1, 1, 0x0100, 0, 2), length=8), b"12345678")


def a_state_that_changes(tape: Tape) -> None:
    tape.ends(tape.requests(GET_STATUS), b"\2\0")
    string = Setup(0x80, 6, 0x0303, 0x0409, 255)
    tape.ends(tape.requests(string), b"\x06\x03a\0b\0")
    tape.ends(tape.requests(string), b"\x04\x03c\0")


def requests_that_differ_in_their_length(tape: Tape) -> None:
    """Two report descriptors, both asked for as those of interface 0."""
    tape.ends(tape.requests(Setup(0x81, 6, 0x2200, 0, 8)), b"keyboard")
    tape.ends(tape.requests(Setup(0x81, 6, 0x2200, 0, 5)), b"media")
    tape.ends(tape.requests(Setup(0x01, 11, 0, 1, 0)))


def descriptors_of_another_device(tape: Tape) -> None:
    """USBPcap tells what had the address when it started: here a device with a bulk endpoint 0x02 and no 0x81."""
    endpoint = bytes((7, 5, OUT, 2, 64, 0, 0))
    interface = bytes((9, 4, 0, 0, 1, 0xFF, 0, 0, 0))
    configuration = bytes((9, 2, 25, 0, 1, 1, 0, 0x80, 50)) + interface + endpoint
    tape.ends(tape.requests(Setup(0x80, 6, 0x0200, 0, 255)), configuration)
    tape.ends(tape.asks(TransferType.INTERRUPT, OUT, data=b"out"))
    tape.ends(tape.reads(), b"in")


def sound_and_buttons(tape: Tape) -> None:
    """Isochronous packets are questions to nobody."""
    table = (IsoPacket(0, 0, 4), IsoPacket(0, 4, 4))
    for data in (b"volume", b"mute"):
        button = tape.reads()
        sound = tape.asks(TransferType.ISOCHRONOUS, 0x01, data=b"eight by", iso=table)
        tape.ends(sound)
        tape.ends(button, data)


def transfers_of_every_end(tape: Tape) -> None:
    for status in (0, -32, -71, -75, -121, -84):
        tape.ends(tape.asks(TransferType.BULK, 0x83), b"some" if status in (0, -121) else b"", status)
        tape.ends(tape.asks(TransferType.BULK, OUT, data=b"out"), status=status)
    tape.reads()


CASES = [
    asked_before_and_told_in_between, reads_that_time_out, reports_as_questions, a_write_that_is_taken_back,
    a_request_that_is_taken_back, an_end_that_is_not_in_the_file, buffers_larger_than_what_was_asked_for,
    ends_of_an_endpoint_that_are_not_in_the_file, a_read_of_which_the_beginning_was_dropped,
    a_state_that_changes, requests_that_differ_in_their_length, a_large_read_that_was_taken_back,
    descriptors_of_another_device, sound_and_buttons, transfers_of_every_end,
]  # fmt: skip


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("case", CASES)
def test_nothing_differs(case: Callable[[Tape], None], mode: Mode) -> None:
    tape = Tape()
    case(tape)
    device = ReplayDevice(tape.story, mode, patience=0.5)
    log = ReplayHost(tape.story, patience=0.5).play(device)
    device.close()
    assert [str(each) for each in log.kept + device.log.kept] == []


def urb(length: int = 64) -> Urb:
    return Urb(0, IN, TransferType.INTERRUPT, length, UrbFlag.SHORT_OK)


def test_a_driver_that_takes_nothing_back_waits_as_long_as_the_device_was_silent_then() -> None:
    tape = Tape()
    tape.ends(tape.reads(), b"now")
    tape.ends(tape.reads(), status=TAKEN_BACK)
    tape.ends(tape.reads(), b"4 seconds later")
    clock, waiters = VirtualClock(), [Waiter(), Waiter()]
    device = ReplayDevice(tape.story, Mode.MODEL, clock=clock)
    for waiter in waiters:
        device.submit(urb(), waiter)
    assert [each.data for each in waiters] == [b"now", b""]
    clock.advance(3.9)
    assert not waiters[1].finished.is_set()
    clock.advance(0.2)
    assert waiters[1].data == b"4 seconds later"
    assert device.log.report() == []


def test_what_was_not_asked_again_is_waited_for_once() -> None:
    """A driver that leaves a question out gets all later answers without another wait."""
    tape = Tape()
    for number in (b"\1", b"\2", b"\3"):
        reader = tape.asks(TransferType.BULK, 0x83)
        tape.ends(tape.asks(TransferType.BULK, OUT, data=number))
        tape.ends(reader, number)
    clock = VirtualClock()
    device = ReplayDevice(tape.story, Mode.MODEL, clock=clock)
    waiters = [Waiter() for _ in range(3)]
    for waiter in waiters:
        device.submit(Urb(0, 0x83, TransferType.BULK, 64, UrbFlag.SHORT_OK), waiter)
    clock.advance(10.1)  # after 5 seconds, the host has still done something
    assert [each.data for each in waiters] == [b"\1", b"", b""]
    write = Waiter()
    device.submit(Urb(0, OUT, TransferType.BULK, 1, 0, b"\1"), write)
    assert [each.data for each in waiters] == [b"\1", b"\2", b""]


def unplugged() -> Tape:
    """Two answers; then the device is pulled out, while a read and a write are under way."""
    tape = Tape()
    tape.ends(tape.requests(Setup(0xC0, 1, 0, 0, 8)), b"vendor")
    tape.ends(tape.reads(), b"one")
    tape.ends(tape.reads(), b"two")
    reader = tape.reads()
    writer = tape.asks(TransferType.BULK, OUT, data=b"lost")
    tape.ends(writer, status=GONE)
    tape.ends(reader, status=GONE)
    return tape


class TestUnplugged:
    def test_the_story_tells_where(self) -> None:
        tape = unplugged()
        assert tape.story.unplugged == 9
        tape.ends(tape.requests(Setup(0xC0, 1, 0, 0, 8)), b"alive")
        assert tape.story.unplugged == 0

    @pytest.mark.parametrize("mode", list(Mode))
    def test_the_device_goes_at_that_point_with_all_that_is_under_way(self, mode: Mode) -> None:
        left: list[None] = []
        device = ReplayDevice(unplugged().story, mode, unplugged=lambda: left.append(None))
        vendor, waiters = Waiter(), [Waiter() for _ in range(4)]
        device.submit(Urb(0, 0x80, TransferType.CONTROL, 8, UrbFlag.SHORT_OK, setup=Setup(0xC0, 1, 0, 0, 8)), vendor)
        for waiter in waiters[:2]:
            device.submit(urb(), waiter)
            assert waiter.wait().status == Status.OK
        assert not left
        device.submit(urb(), waiters[2])
        device.submit(Urb(0, OUT, TransferType.BULK, 4, 0, b"lost"), waiters[3])
        assert [each.wait().status for each in waiters[2:]] == [Status.GONE, Status.GONE]
        after = Waiter()
        device.submit(urb(), after)
        assert after.wait().status == Status.GONE
        assert (len(left), device.log.report()) == (1, [])
        device.close()

    @pytest.mark.parametrize("mode", list(Mode))
    def test_its_own_host_sees_no_difference(self, mode: Mode) -> None:
        story = unplugged().story
        device = ReplayDevice(story, mode)
        assert ReplayHost(story, patience=0.5).play(device).report() == []
        assert device.log.report() == []

    def test_at_the_capture_s_pace_it_goes_when_the_captured_one_did(self) -> None:
        tape, clock, left = Tape(), VirtualClock(), list[None]()
        reader = tape.reads()
        tape.ends(reader, status=GONE)
        device = ReplayDevice(
            tape.story, Mode.MODEL, RECORDED, clock=clock, unplugged=lambda: left.append(None)
        )  # fmt: skip
        device.submit(urb(), Waiter())
        clock.advance(0.9)
        assert not left
        clock.advance(0.2)
        assert left


def test_data_of_a_control_write_that_are_told_at_its_end() -> None:
    """Some versions of USBPcap write the DATA stage when it is over, as if the device had sent it."""
    tape = Tape()
    begun = tape.requests(SET_REPORT)
    tape.ends(begun, b"ab and more")
    (exchange,) = tape.story.exchanges
    assert (exchange.request.data, exchange.answer and exchange.answer.data) == (b"ab", b"")
    assert exchange.request.length != NOT_TOLD
