from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.report import html, timeline
from hil.report.events import Event, Timeline, UrbLine
from hil.report.flights import Stage
from hil.report.moments import Source
from hil.report.results import Attempt, CaseResult, Comparison, DeviceFacts, Measurement, Outcome, Results, RigFacts
from hil.report.suspect import NONE_WRONG
from tests.support.rig_failure import a_failure
from tests.support.rig_results import HOSTILE, a_night

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """What a browser would make of it: elements, their attributes, and the text that is shown."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.raw: dict[str, str] = {"style": "", "script": ""}
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]] += data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def parsed(results: Results, folder: Path) -> Page:
    return Page(html.page_of(results, folder, folder))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("night")
    failed = a_failure(folder / "failures" / "test_what_is_written_is_read-stick")
    timeline.write(failed)
    return parsed(a_night(), folder)


def test_elements_are_closed_and_ids_are_unique(night: Page) -> None:
    assert night.open == []
    ids = [attributes["id"] for _, attributes in night.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_quarantine_is_told_with_its_device_since_when_and_how_it_is_lifted(night: Page) -> None:
    told = "headset (046d:0a44:1-3) failed in 3 runs in a row, the first at 2026-11-20T01:10:00+00:00, the last at"
    assert f"What is known of headset\n  in quarantine: {told}" in night.text
    assert night.text.count(told) >= 2, "and with the tests that were not run"
    assert "Let the device take part againpython -m hil release headset" in night.text
    assert "python -m hil release stick" not in night.text


def test_links_within_the_page_lead_somewhere(night: Page) -> None:
    ids = {attributes.get("id") for _, attributes in night.elements}
    inner = [str(each["href"])[1:] for each in night.all("a") if str(each["href"]).startswith("#")]
    assert inner
    assert set(inner) <= ids


def test_nothing_is_loaded_from_anywhere(night: Page) -> None:
    assert not [tag for tag, attributes in night.elements if {"src", "srcset", "data", "action"} & set(attributes)]
    assert not night.all("link")
    assert not re.search(r"url\(|@import", night.raw["style"])
    assert all(str(each["href"]).startswith(("#", "./")) for each in night.all("a"))


def test_the_policy_allows_the_pages_own_style_and_script_alone(night: Page) -> None:
    policy = next(str(each["content"]) for each in night.all("meta") if "http-equiv" in each)
    assert policy.startswith("default-src 'none'; ")
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(night.raw[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not [name for _, attributes in night.elements for name in attributes if name.startswith("on")]
    assert not [attributes for _, attributes in night.elements if "style" in attributes]


def test_what_a_device_calls_itself_is_shown_and_does_nothing(night: Page) -> None:
    assert len(night.all("script")) == 1
    assert not night.all("img")
    assert r'</script><script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover="alert(3)' in night.text
    assert r"\x1b[31m\u202e{{7*7}}" in night.text
    assert not set(night.text) & set("\x1b\u202e")


@settings(max_examples=15, deadline=None)
@given(text=st.text(max_size=30) | st.sampled_from([HOSTILE, "]]>", "<!--", "\ud800", "\0", "</style>", "&lt;"]))
def test_no_text_changes_the_page(text: str) -> None:
    def page(word: str) -> Page:
        measured = [Measurement.of(word, word, [1.0] * 30, [2.0] * 30)]
        said = f"part: {json.dumps(word)}"
        test = CaseResult(
            word,
            Outcome.FAILED,
            word,
            word,
            [word],
            1.0,
            word,
            word,
            None,
            [],
            measured,
            Comparison(word, said, said),
        )
        other = CaseResult("skipped" + word, Outcome.SKIPPED, device=word, message="why" + word)
        facts = DeviceFacts(word, 1, 2, word, [word], word, word, word, word, "odd")
        rig = RigFacts(word, word, word, {"a": word}, {"b": word})
        return parsed(Results(rig, "2026", 1, {"c": word}, 1, ["x"], [facts], [test, other]), Path("/nowhere"))

    plain, odd = page("word"), page(text or "x")
    assert [tag for tag, _ in odd.elements] == [tag for tag, _ in plain.elements]
    assert [set(attributes) for _, attributes in odd.elements] == [set(attributes) for _, attributes in plain.elements]


def test_every_picture_has_words(night: Page) -> None:
    pictures = [attributes for tag, attributes in night.elements if tag == "svg"]
    assert len(pictures) > 10
    assert all(each.get("role") == "img" for each in pictures)
    assert len(night.all("title")) == len(pictures) + 1
    assert len(night.all("desc")) == len(pictures)


def test_outcomes_are_words_and_signs_beside_colours(night: Page) -> None:
    for outcome in Outcome:
        assert outcome in night.text


def test_failures_come_before_measurements_and_those_before_what_was_skipped(night: Page) -> None:
    ids = [str(attributes["id"]) for tag, attributes in night.elements if tag == "h2" and "id" in attributes]
    assert ids == ["broke", "devices", "failed", "infrastructure", "flaky", "measurements", "skipped", "slowest", "all"]


def test_a_failure_has_its_urb_its_files_and_how_to_go_on(night: Page) -> None:
    place = "failures/test_what_is_written_is_read-stick"
    links = [unquote(str(each["href"])) for each in night.all("a")]
    assert f"./{place}/capture.pcapng" in links
    assert "URB 63, bulk IN 0x81, 65,536 bytes: a fault was injected into it (STALL, 0 bytes)." in night.text
    assert "completed in the guest after 2.04 ms" in night.text
    assert f"wslusb replay {place}/capture.pcapng" in night.text
    assert "WARNING wslusb.host.pump: URB 63 stalled" in night.text.partition("What service and agent warned of")[2]
    assert f"wslusb serve --faults {place}/faults.jsonl" in night.text
    again = "pytest --rig bench-1.toml --destructive stick --results hil-again 'hil/suite/test_storage.py::test_what"
    assert again in night.text


def test_the_page_may_lie_elsewhere_than_the_results(tmp_path: Path) -> None:
    folder, page = tmp_path / "a", tmp_path / "b" / "c" / "page.html"
    a_failure(folder / "failures" / "test_what_is_written_is_read-stick")
    written = Page(html.write(a_night(), page, folder).read_text())
    linked = [unquote(str(each["href"])) for each in written.all("a") if str(each["href"]).startswith("./")]
    assert linked
    assert all((page.parent / each).exists() for each in linked)


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    assert "No artefacts here: failures/test_what_is_written_is_read-stick/" in parsed(a_night(), tmp_path).text


def test_a_timeline_that_is_damaged_does_not_cost_the_page(tmp_path: Path) -> None:
    folder = a_failure(tmp_path / "failures" / "test_what_is_written_is_read-stick")
    (folder / "timeline.json").write_text("{")
    assert "timeline.json" in parsed(a_night(), tmp_path).text


def test_nothing_at_all_makes_a_page(tmp_path: Path) -> None:
    page = parsed(Results(RigFacts("empty", "real"), "2026-11-23T01:00:00+00:00"), tmp_path)
    assert "Nothing was tested." in page.text
    assert page.open == []


def test_tests_of_one_cause_are_told_as_one_and_all_but_the_first_are_closed(tmp_path: Path) -> None:
    tests = [
        CaseResult(f"t.py::test_{number}", Outcome.FAILED, "It works.", "stick", message=f"byte {number} is another")
        for number in range(4)
    ]
    page = parsed(Results(RigFacts("r", "real"), "2026", tests=tests), tmp_path)
    assert len(page.all("article")) == 4
    assert "4 tests, probably one cause" in page.text
    assert "3 more, probably by the same cause" in page.text


def test_where_to_look_and_what_is_new_are_at_the_top_and_with_the_failure(tmp_path: Path) -> None:
    test = CaseResult("t.py::test_a", Outcome.FAILED, "It works.", message="it does not", where="the host part")
    test.before = Outcome.PASSED
    page = parsed(Results(RigFacts("r", "real"), "2026", tests=[test], before="2026-11-22"), tmp_path)
    assert page.text.count("the host part") == 2
    assert page.text.count("new: it passed in the run before") == 2
    assert "Should be: It works." in " ".join(page.text.split())


def test_the_events_around_the_urb_to_look_at_are_shown_and_gaps_are_told() -> None:
    events = [Event(place - 100.0, Source.GUEST, f"event {place}", place) for place in range(101)]
    way = UrbLine("x", 20, {Stage.SUBMITTED: -80.0, Stage.COMPLETED: -79.0})
    shown = html._around(Timeline(1, events), way)
    told = [event.urb for event in shown if event is not None]
    assert {19, 20, 21, 22, 99, 100} <= set(told)
    assert [event.at for event in shown if event] == sorted(event.at for event in shown if event)
    assert shown.count(None) == 2
    assert len(told) < 60


def test_the_folder_of_an_earlier_attempt_is_linked(tmp_path: Path) -> None:
    for name in ("a", "a-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test.txt").touch()
    attempts = [Attempt(Outcome.FAILED, "x", 1.0, "a"), Attempt(Outcome.FAILED, "x", 1.0, "a-2")]
    test = CaseResult("t.py::test_a", Outcome.FAILED, message="x", artefacts="a-2", attempts=attempts)
    links = [each["href"] for each in parsed(Results(RigFacts("r", "real"), "2026", tests=[test]), tmp_path).all("a")]
    assert "./a" in links
    assert "./a-2/test.txt" in links


def test_where_no_urb_went_wrong_the_time_of_most_is_drawn(tmp_path: Path) -> None:
    stages = {stage.value: number / 1000 for number, stage in enumerate(Stage)}
    typical, last = UrbLine("median of 12 times bulk IN", None, stages), UrbLine("control OUT", 80, stages)
    (tmp_path / "a").mkdir()
    Timeline(1, urbs=[last], suspect=0, why=NONE_WRONG, typical=typical).write(tmp_path / "a")
    test = CaseResult("t.py::test_a", Outcome.FAILED, message="x", artefacts="a")
    text = parsed(Results(RigFacts("r", "real"), "2026", tests=[test]), tmp_path).text
    assert "median of 12 times bulk IN: none of its URBs went wrong; this is where their time goes." in text
    assert "control OUT" not in text


def test_of_many_differences_the_first_are_shown_at_once(tmp_path: Path) -> None:
    lines = ["\n".join(f"part {number}: {side}" for number in range(9)) for side in ("one", "other")]
    test = CaseResult("t.py::test_a", Outcome.FAILED, message="x", comparison=Comparison("probe x", *lines))
    page = parsed(Results(RigFacts("r", "real"), "2026", tests=[test]), tmp_path)
    assert "3 more differences" in page.text
    assert page.text.count("other") >= 9
