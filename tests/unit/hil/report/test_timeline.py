"""hil.report.timeline: what a failure left, in one order and on one clock."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.report import timeline as merging
from hil.report.events import Timeline, complaints
from hil.report.flights import Stage
from hil.report.moments import Moment, Source
from hil.report.results import ResultsError
from hil.report.timeline import merged, of_folder, write
from tests.support.rig_failure import FAILED, OFFSET, a_failure

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


def test_what_the_daemons_warned_of_up_to_the_failure_are_complaints(tmp_path: Path) -> None:
    told = [(each.source, each.text.partition("\n")[0]) for each in complaints(of_folder(a_failure(tmp_path)).events)]
    assert told == [
        (Source.SERVICE, "WARNING wslusb.host.pump: URB 63 stalled"),
        (Source.AGENT, "ERROR wslusb.guest.relay: done() raised"),
    ]
