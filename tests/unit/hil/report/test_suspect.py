"""hil.report.suspect: which URB to look at first, why, and in which part."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from hil.report.events import Timeline
from hil.report.flights import Flight, Stage
from hil.report.order import overtaken
from hil.report.pieces import Pieces
from hil.report.sides import Half
from hil.report.suspect import suspect
from hil.report.timeline import of_folder
from tests.support import rig_failure
from tests.support.rig_failure import FAILED, GUEST_AHEAD, OFFSET, SECOND, Tape, pass_through
from wslusb.capture import usbmon
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Status, Urb
from wslusb.wire.cancels import Cancel
from wslusb.wire.frame import MessageType, pack_header


def story(tmp_path: Path, *ways: tuple[Urb, Completion | None, Completion | None]) -> Timeline:
    host, guest = Tape(), Tape(GUEST_AHEAD)
    for number, (urb, answer, heard) in enumerate(ways):
        begin = FAILED - rig_failure.MS * 10 * (len(ways) - number)
        pass_through(host, guest, begin, number + 1, urb, answer, heard=heard)
    host.write(tmp_path / "capture.pcapng")
    guest.write(tmp_path / "capture-guest.pcapng")
    return of_folder(tmp_path)


READ = Urb(0, 0x81, TransferType.BULK, 4)
WRITE = Urb(0, 0x02, TransferType.BULK, 4, 0, b"abcd")
FINE = Completion(READ, Status.OK, 4, b"1234")
NAME = Urb(0, 0x80, TransferType.CONTROL, 4, 0, b"", Setup(0x80, 6, 0x0303, 0x0409, 4))
NAMED = Completion(NAME, Status.OK, 4, b"\4\3A\0")
WRITTEN = Completion(WRITE, Status.OK, 4)


@pytest.mark.parametrize(
    ("ways", "place", "why"),
    [
        ([(READ, FINE, dataclasses.replace(FINE, data=b"1235")), (READ, Completion(READ, Status.STALL), None)], 0,
         "the guest got other bytes, the first in 0 to 511"),
        ([(READ, FINE, None), (READ, FINE, Completion(READ, Status.STALL)), (READ, FINE, None)], 1,
         "the device said OK, 4 bytes, and the guest was told STALL, 0 bytes"),
        ([(READ, FINE, None), (READ, Completion(READ, Status.PROTOCOL), None), (READ, FINE, None)], 1,
         "it ended with PROTOCOL, 0 bytes"),
        ([(READ, None, None), (WRITE, None, None)], 1,
         "it never ended; the last that is known of it: given to the device"),
        ([(READ, Completion(READ, Status.CRC), None), (READ, Completion(READ, Status.STALL), None)], 0,
         "it ended with CRC, 0 bytes"),
        ([(READ, Completion(READ, Status.STALL), None), (WRITE, None, None)], 1,
         "it never ended; the last that is known of it: given to the device"),
        ([(READ, None, None), (READ, Completion(READ, Status.STALL), None)], 1, "it ended with STALL, 0 bytes"),
        ([(READ, None, None), (WRITE, WRITTEN, None)], 0,
         "it never ended; the last that is known of it: given to the device"),
        ([(NAME, NAMED, dataclasses.replace(NAMED, data=b"\4\3X\0"))], 0,
         "the guest got other bytes, the first in 0 to 511"),
        ([(READ, FINE, None), (WRITE, WRITTEN, None)], 1, "it was the last to end; none went wrong"),
        ([(READ, Completion(READ, Status.CANCELLED), None), (READ, FINE, None)], 1,
         "it was the last to end; none went wrong"),
    ],
)  # fmt: skip
def test_the_urb_to_look_at_first(
    tmp_path: Path, ways: list[tuple[Urb, Completion | None, Completion | None]], place: int, why: str
) -> None:
    timeline = story(tmp_path, *ways)
    assert (timeline.suspect, timeline.why) == (place, why)


LONG = Urb(0, 0x81, TransferType.BULK, 4096)
WHOLE = Completion(LONG, Status.OK, 4096, bytes(4096))
FLIPPED = dataclasses.replace(WHOLE, data=bytes(2000) + b"\4" + bytes(2095))
STALLED, BROKEN = Completion(LONG, Status.STALL), Completion(LONG, Status.PROTOCOL)
HOST, WAY, GUEST = "the host part", "the way between service and agent", "the guest part"


def told_by(tmp_path: Path, begin: int, urb: Urb, answer: Completion | None, **ways: Completion | None) -> Timeline:
    host, guest = Tape(), Tape(GUEST_AHEAD)
    pass_through(host, guest, begin, 1, urb, answer, **ways)  # type: ignore[arg-type]
    host.write(tmp_path / "capture.pcapng")
    guest.write(tmp_path / "capture-guest.pcapng")
    facts = {"offset": OFFSET, "started": FAILED / SECOND - 1, "failed": FAILED / SECOND}
    (tmp_path / "rig.json").write_text(json.dumps(facts))
    return of_folder(tmp_path)


@pytest.mark.parametrize(("place", "part"), [("heard", HOST), ("received", WAY), ("completed", GUEST)])
@pytest.mark.parametrize(
    ("answer", "other", "why"),
    [
        (WHOLE, FLIPPED, "the guest got other bytes, the first in 1,536 to 2,047"),
        (STALLED, BROKEN, "the device said STALL, 0 bytes, and the guest was told PROTOCOL, 0 bytes"),
    ],
)
def test_what_was_changed_is_blamed_on_who_had_it_last_as_it_was(
    tmp_path: Path, place: str, part: str, answer: Completion, other: Completion, why: str
) -> None:
    timeline = told_by(tmp_path, FAILED - rig_failure.MS * 50, LONG, answer, **{place: other})
    assert timeline.why == why
    assert timeline.where.startswith(part)
    stage = {"heard": Stage.ANSWERED, "received": Stage.RESPONDED, "completed": Stage.HEARD}[place]
    assert timeline.after == stage


def test_data_that_are_changed_on_their_way_to_the_device_are_blamed_on_that_way() -> None:
    sent, other = Pieces.of(b"abcd"), Pieces.of(b"abxd")
    guest = Half(2, 0x02, 4, b"", 1, FAILED, FAILED, FAILED, FAILED, status=0, moved=4, data=sent, carried=sent)
    host = dataclasses.replace(guest, data=other)
    found = suspect([Flight(host, guest)], (), FAILED)
    assert found is not None
    assert (found.why, found.after) == ("the device got other bytes, the first in 0 to 511", Stage.RECEIVED)
    assert found.where.startswith(HOST)


def test_names_that_each_capture_has_of_its_own_are_no_change(tmp_path: Path) -> None:
    """They are redacted."""
    timeline = told_by(
        tmp_path, FAILED - rig_failure.MS, NAME, NAMED, received=dataclasses.replace(NAMED, data=b"\4\3X\0")
    )
    assert timeline.why == "it was the last to end; none went wrong"


def test_a_urb_without_an_answer_is_blamed_on_who_has_it(tmp_path: Path) -> None:
    timeline = told_by(tmp_path, FAILED - rig_failure.MS, WRITE, None)
    assert timeline.where == "the device, or the host's kernel below it: it has not answered"


def test_what_had_its_end_before_the_test_began_is_not_looked_at(tmp_path: Path) -> None:
    assert told_by(tmp_path, FAILED - 3 * SECOND, LONG, STALLED).suspect is None
    assert told_by(tmp_path, FAILED - 3 * SECOND, WRITE, None).suspect is None


def test_an_answer_that_was_lost_is_seen_when_the_guest_gives_it_up(tmp_path: Path) -> None:
    begin, late = FAILED - 8 * SECOND, FAILED - SECOND // 2
    host, guest = Tape(), Tape()
    pass_through(host, guest, begin, 1, READ, None)
    wire, kernel = (Urb(number, *rig_failure._fields(READ)) for number in (1, 7001))
    host.urb(begin + SECOND, usbmon.completed(Completion(wire, Status.OK, 4, b"1234"), (1, 4), begin + SECOND))
    payload = Cancel(1).pack()
    frame: list[Buffer] = [pack_header(MessageType.CANCEL, len(payload), 6), payload]
    for tape in (guest, host):
        tape.message(late, frame, from_host=False)
    guest.urb(late + 1, usbmon.completed(Completion(kernel, Status.CANCELLED), (1, 4), late + 1))
    host.write(tmp_path / "capture.pcapng")
    guest.write(tmp_path / "capture-guest.pcapng")
    facts = {"offset": 0.0, "started": FAILED / SECOND - 9, "failed": FAILED / SECOND}
    (tmp_path / "rig.json").write_text(json.dumps(facts))
    timeline = of_folder(tmp_path)
    assert timeline.why == "the device said OK, 4 bytes, the guest never heard of it, and gave it up after 6.5 s"
    assert timeline.where.startswith(HOST)


@pytest.mark.parametrize(("stage", "part"), [("responded", HOST), ("heard", WAY), ("completed", GUEST)])
def test_an_answer_that_others_overtook_is_looked_at(stage: str, part: str) -> None:
    """The second of four is late from one stage of its way back on."""
    late = ["answered", "responded", "heard", "completed"].index(stage)
    flights = []
    for number in range(4):
        begin = FAILED - SECOND + number * rig_failure.MS
        times = [
            begin + step * 10_000 + (5 * rig_failure.MS if number == 1 and step >= late else 0) for step in range(4)
        ]
        host = Half(3, 0x81, 4, b"", number, begin, times[0], begin, times[1], status=0)
        guest = Half(3, 0x81, 4, b"", number, begin, times[3], begin, times[2], status=0)
        flights.append(Flight(host, guest))
    found = suspect(flights, (), FAILED)
    assert found is not None
    assert (found.flight.sequence, found.why) == (1, "the next 2 of its endpoint overtook it")
    assert found.where.startswith(part)
    assert overtaken([flights[0], *flights[2:]]) is None


@pytest.mark.parametrize(("transfer", "cancelled"), [(TransferType.CONTROL, None), (TransferType.BULK, FAILED)])
def test_control_requests_and_what_was_taken_back_may_come_in_any_order(transfer: int, cancelled: int | None) -> None:
    halves = [Half(transfer, 0x81, 4, completed=FAILED + at, responded=FAILED + 9 - at, status=0) for at in range(3)]
    for half in halves:
        half.cancelled = cancelled
    assert overtaken([Flight(half, None) for half in halves]) is None


def test_the_whole_of_a_long_test_is_looked_at(tmp_path: Path) -> None:
    """What went wrong in it may have done so long before somebody noticed."""
    host, guest = Tape(), Tape()
    pass_through(host, guest, FAILED - 150 * SECOND, 1, LONG, WHOLE, heard=FLIPPED)
    host.write(tmp_path / "capture.pcapng")
    guest.write(tmp_path / "capture-guest.pcapng")
    facts = {"offset": 0.0, "started": FAILED / SECOND - 180, "failed": FAILED / SECOND}
    (tmp_path / "rig.json").write_text(json.dumps(facts))
    assert of_folder(tmp_path).where.startswith(HOST)
    assert of_folder(tmp_path, before=10).suspect is None


def test_a_cancel_that_did_nothing_is_looked_at() -> None:
    half = Half(2, 0x81, 4, b"", 1, FAILED - 60 * SECOND, FAILED, cancelled=FAILED - 50 * SECOND, status=-108)
    found = suspect([Flight(half, None)], (), FAILED)
    assert found is not None
    assert found.why == "it was cancelled, and came back only 50.0 s later (GONE, 0 bytes)"
