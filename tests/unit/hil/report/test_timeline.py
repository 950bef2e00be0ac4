from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.report import timeline as merging
from hil.report.events import Timeline, complaints
from hil.report.flights import Flight, Stage, clock_bounds, join
from hil.report.moments import Moment, Source
from hil.report.order import overtaken
from hil.report.pieces import Pieces
from hil.report.results import ResultsError
from hil.report.sides import Half
from hil.report.suspect import suspect
from hil.report.timeline import merged, of_folder, write
from hil.report.typical import slowest
from tests.support import rig_failure
from tests.support.rig_failure import FAILED, GUEST_AHEAD, OFFSET, SECOND, Tape, a_failure, pass_through
from wslusb.capture import usbmon
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Status, Urb
from wslusb.wire.cancels import Cancel
from wslusb.wire.frame import MessageType, pack_header

moments = st.builds(Moment, st.integers(0, 50), st.sampled_from(Source), st.text(max_size=3))
runs = st.lists(st.lists(moments, max_size=20), max_size=5)


@given(runs, st.integers(0, 50), st.integers(0, 50))
def test_what_is_merged_is_in_order_and_is_what_the_window_holds(
    sources: list[list[Moment]], begin: int, end: int
) -> None:
    found = merged(sources, begin, end)
    assert [each.time for each in found] == sorted(each.time for each in found)
    assert Counter(found) == Counter(each for run in sources for each in run if begin <= each.time <= end)


@given(st.lists(st.integers(0, 5), max_size=20))
def test_moments_of_one_source_at_the_same_time_keep_their_order(times: list[int]) -> None:
    run = [Moment(time, Source.HOST, str(place)) for place, time in enumerate(times)]
    found = merged([run, [Moment(3, Source.TEST, "mark")]], 0, 5)
    for time in set(times):
        places = [int(each.text) for each in found if each.time == time and each.source is Source.HOST]
        assert places == sorted(places)


numbers = st.lists(st.integers(1, 6), max_size=12)


def halves(sequences: list[int], ahead: int) -> list[Half]:
    return [
        Half(2, 0x81, 512, b"", number, requested=SECOND * place + ahead, responded=SECOND * place + ahead + 5)
        for place, number in enumerate(sequences)
    ]


@given(numbers, numbers, st.integers(-100, 100).map(lambda hours: hours * 3600 * SECOND))
def test_each_half_is_in_exactly_one_flight_whatever_the_clocks(ours: list[int], theirs: list[int], ahead: int) -> None:
    host, guest = halves(ours, 0), halves(theirs, ahead)
    flights = join(host, guest, ahead)
    assert Counter(id(each.host) for each in flights if each.host) == Counter(map(id, host))
    assert Counter(id(each.guest) for each in flights if each.guest) == Counter(map(id, guest))
    assert [each.first for each in flights] == sorted(each.first for each in flights)
    for each in flights:
        if each.host and each.guest:
            assert each.host.sequence == each.guest.sequence


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=1), st.integers(-(10**12), 10**12))
def test_the_messages_bound_the_offset_of_the_clocks(delays: list[tuple[int, int]], offset: int) -> None:
    host, guest = [], []
    for number, (there, back) in enumerate(delays):
        begin = number * 10_000
        guest.append(
            Half(2, 1, 1, b"", number, requested=begin + offset, responded=begin + 5000 + there + back + offset)
        )
        host.append(Half(2, 1, 1, b"", number, requested=begin + there, responded=begin + 5000 + there))
    low, high = clock_bounds(host, guest) or (1, 0)
    assert low <= offset <= high
    assert high - low == min(each[0] for each in delays) + min(each[1] for each in delays)


# -- a folder


def test_the_failed_urb_is_followed_all_the_way_on_the_hosts_clock(tmp_path: Path) -> None:
    timeline = of_folder(a_failure(tmp_path))
    assert timeline.notes == []
    assert timeline.suspect is not None
    urb = timeline.urbs[timeline.suspect]
    assert (urb.urb, urb.name, urb.device, urb.guest) == (63, "bulk IN 0x81, 65,536 bytes", *["STALL, 0 bytes"] * 2)
    assert list(urb.stages) == list(Stage)
    assert list(urb.stages.values()) == sorted(urb.stages.values())
    assert urb.stages[Stage.SUBMITTED] == -0.03
    assert timeline.why == "a fault was injected into it (STALL, 0 bytes)"


def test_every_source_is_in_it_in_order(tmp_path: Path) -> None:
    timeline = of_folder(a_failure(tmp_path))
    assert {event.source for event in timeline.events} == set(Source)
    assert [event.at for event in timeline.events] == sorted(event.at for event in timeline.events)
    at = {event.text.partition("\n")[0]: event.at for event in timeline.events}
    assert at["WARNING wslusb.host.pump: URB 63 stalled"] == -0.028
    assert at["ERROR wslusb.guest.relay: done() raised"] == -0.027
    assert at["I/O error, dev sda, sector 128 op 0x0:(READ)"] == pytest.approx(-0.0269, abs=1e-6)
    assert at["injected stall: number 41 on endpoint 0x81"] == pytest.approx(-0.02988)


def test_what_ended_long_before_is_left_out_and_what_never_ended_is_not(tmp_path: Path) -> None:
    timeline = of_folder(a_failure(tmp_path), before=0.05)
    pending = [urb for urb in timeline.urbs if urb.pending]
    assert [(urb.urb, urb.stages[Stage.ASKED]) for urb in pending] == [(1, -59.99988)]
    assert all(urb.stages[Stage.COMPLETED] >= -0.05 for urb in timeline.urbs if not urb.pending)
    assert len(timeline.urbs) < 40
    assert "pending: URB 1, interrupt IN 0x83, 8 bytes: given to the device at -59.999880, and nothing since" in (
        timeline.as_text()
    )


def test_a_long_story_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MOST_EVENTS", 10)
    timeline = of_folder(a_failure(tmp_path))
    assert len(timeline.events) == 10
    assert timeline.events[-1].source is Source.TEST
    assert timeline.notes == ["242 earlier events are left out"]


def without(folder: Path, key: str) -> None:
    facts = json.loads((folder / "rig.json").read_text())
    del facts[key]
    (folder / "rig.json").write_text(json.dumps(facts))


def test_without_an_offset_the_messages_tell_it(tmp_path: Path) -> None:
    without(a_failure(tmp_path), "offset")
    timeline = of_folder(tmp_path)
    assert timeline.notes == ["clock offset by the messages of both captures: +250.000 ms"]
    assert timeline.suspect is not None
    assert timeline.urbs[timeline.suspect].stages[Stage.SUBMITTED] == pytest.approx(-0.03)


def test_an_offset_that_messages_disprove_is_corrected(tmp_path: Path) -> None:
    facts = json.loads((a_failure(tmp_path) / "rig.json").read_text())
    (tmp_path / "rig.json").write_text(json.dumps({**facts, "offset": OFFSET + 0.1}))
    timeline = of_folder(tmp_path)
    assert timeline.suspect is not None
    stages = list(timeline.urbs[timeline.suspect].stages.values())
    assert stages == sorted(stages)
    assert "both captures prove that it is +249.960 to +250.040 ms: taken as +250.000 ms" in timeline.notes[0]


def test_without_a_mark_of_failure_the_last_that_is_known_stands_for_it(tmp_path: Path) -> None:
    without(a_failure(tmp_path), "failed")
    (tmp_path / "agent.log").unlink()
    (tmp_path / "guest.dmesg").unlink()
    timeline = of_folder(tmp_path)
    assert timeline.zero == FAILED - 27_960_000
    assert timeline.events[-1].at == 0


def test_an_empty_folder_has_an_empty_timeline(tmp_path: Path) -> None:
    timeline = of_folder(tmp_path)
    assert (timeline.events, timeline.urbs, timeline.suspect) == ([], [], None)


@pytest.mark.parametrize("name", ["capture.pcapng", "capture-guest.pcapng", "rig.json", "faults.jsonl"])
def test_a_damaged_file_is_a_note_and_the_rest_is_told(tmp_path: Path, name: str) -> None:
    path = a_failure(tmp_path) / name
    path.write_bytes(b"\x7fjunk" + path.read_bytes())
    timeline = of_folder(tmp_path)
    assert any(name in note for note in timeline.notes)
    assert timeline.events


def test_a_capture_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = of_folder(a_failure(tmp_path))
    path = tmp_path / "capture.pcapng"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    cut = of_folder(tmp_path)
    assert (
        0
        < sum(event.source is Source.HOST for event in cut.events)
        < sum(event.source is Source.HOST for event in whole.events)
    )
    assert sum(event.source is Source.GUEST for event in cut.events) == sum(
        event.source is Source.GUEST for event in whole.events
    )


def test_a_kernel_without_a_boot_time_is_a_note(tmp_path: Path) -> None:
    without(a_failure(tmp_path), "guest")
    timeline = of_folder(tmp_path)
    assert "guest.dmesg: rig.json has no guest.boot, so its messages are left out" in timeline.notes


def test_it_is_written_for_people_and_for_programs(tmp_path: Path) -> None:
    timeline = write(a_failure(tmp_path))
    assert Timeline.read(tmp_path / "timeline.json") == timeline
    text = (tmp_path / "timeline.txt").read_text()
    assert "    -0.030000  guest         URB 63      submit: bulk IN 0x81, 65,536 bytes\n" in text
    assert "\x1b" not in text
    assert text.endswith(
        "look at: URB 63, bulk IN 0x81, 65,536 bytes: a fault was injected into it (STALL, 0 bytes)\n"
        "look in: the fault's plan\n"
    )


@pytest.mark.parametrize("text", ["", "{}", '{"zero": 1, "schema": 2}', '{"zero": 1, "events": [{"at": "soon"}]}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "timeline.json").write_text(text)
    with pytest.raises(ResultsError, match=r"timeline\.json"):
        Timeline.read(tmp_path / "timeline.json")


# -- which URB to look at


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


# -- in which part


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


def test_the_typical_way_has_the_medians_of_what_most_urbs_are(tmp_path: Path) -> None:
    host, guest = Tape(), Tape(GUEST_AHEAD)
    for number in range(12):
        slow = rig_failure.MS * (20 if number else 900)
        pass_through(host, guest, FAILED - SECOND + number * rig_failure.MS, number, READ, FINE, device=slow)
    host.write(tmp_path / "capture.pcapng")
    guest.write(tmp_path / "capture-guest.pcapng")
    way = of_folder(tmp_path).typical
    assert way is not None
    assert way.name == "median of 12 times bulk IN 0x81, 4 bytes"
    assert list(way.stages) == list(Stage)
    assert slowest(way) == (Stage.ASKED, "a URB spends 20.00 ms of its 20.24 ms there")
    assert of_folder(a_failure(tmp_path / "few"), before=0.04).typical is None


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


def test_what_the_daemons_warned_of_up_to_the_failure_are_complaints(tmp_path: Path) -> None:
    told = [(each.source, each.text.partition("\n")[0]) for each in complaints(of_folder(a_failure(tmp_path)).events)]
    assert told == [
        (Source.SERVICE, "WARNING wslusb.host.pump: URB 63 stalled"),
        (Source.AGENT, "ERROR wslusb.guest.relay: done() raised"),
    ]
