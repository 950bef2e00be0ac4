from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from hil.report import junit
from hil.report.results import CaseResult, Outcome, Results, RigFacts
from tests.support.rig_results import a_night

SUITE = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"}
CASE = {"classname", "name", "time"}
ENDINGS = {"failure", "error", "skipped"}


def parsed(results: Results) -> ET.Element:
    return ET.fromstring(junit.as_xml(results))  # noqa: S314 -- our own


def document(*tests: CaseResult) -> ET.Element:
    return parsed(Results(RigFacts("r", "real"), "2026-11-23T03:00:00+02:00", tests=list(tests)))


def case(outcome: Outcome, message: str = "") -> CaseResult:
    return CaseResult("hil/suite/test_a.py::test_b[x]", outcome, device="x", seconds=1.25, message=message)


def test_the_document_is_as_both_schemas_have_it() -> None:
    root = parsed(a_night())
    assert (root.tag, root.attrib) == ("testsuites", {})
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.attrib) == SUITE
        tags = [each.tag for each in suite]
        cases = suite.findall("testcase")
        assert tags == ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
        assert int(suite.attrib["tests"]) == len(cases)
        for each in cases:
            assert set(each.attrib) == CASE
            assert len(each) <= 1
            assert {child.tag for child in each} <= ENDINGS


def test_there_is_a_suite_a_device_with_its_counts() -> None:
    root = parsed(a_night())
    assert [each.attrib["name"] for each in root] == ["stick", "uart", "headset", "zero", "rig"]
    counts = {
        each.attrib["name"]: [int(each.attrib[key]) for key in ("failures", "errors", "skipped")] for each in root
    }
    assert counts == {"stick": [1, 0, 0], "uart": [1, 0, 3], "headset": [0, 0, 4], "zero": [1, 1, 1], "rig": [0, 0, 0]}


@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        (Outcome.PASSED, []),
        (Outcome.FLAKY, []),
        (Outcome.FAILED, [("failure", {"type": "failed", "message": "why"})]),
        (Outcome.INFRASTRUCTURE, [("error", {"type": "infrastructure", "message": "why"})]),
        (Outcome.SKIPPED, [("skipped", {"message": "why"})]),
        (Outcome.QUARANTINED, [("skipped", {"message": "quarantined: why"})]),
    ],
)
def test_each_outcome_has_its_element(outcome: Outcome, ending: list[tuple[str, dict[str, str]]]) -> None:
    found = document(case(outcome, "why")).find("testsuite/testcase")
    assert found is not None
    assert [(each.tag, each.attrib) for each in found] == ending


@pytest.mark.parametrize("outcome", [Outcome.FLAKY, Outcome.INFRASTRUCTURE, Outcome.QUARANTINED])
def test_what_junit_does_not_know_is_a_property_of_the_suite(outcome: Outcome) -> None:
    properties = {each.attrib["name"]: each.attrib["value"] for each in document(case(outcome)).iter("property")}
    assert properties["outcome of hil/suite/test_a.py::test_b[x]"] == outcome


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    found = document(case(Outcome.FAILED, "\x00\x1b[31m\ud800 \N{PILE OF POO}")).find(".//failure")
    assert found is not None
    assert found.attrib["message"] == "\ufffd\ufffd[31m\ufffd \N{PILE OF POO}"


def test_the_time_of_day_is_utc_without_an_offset() -> None:
    suite = document(case(Outcome.PASSED))[0]
    assert suite.attrib["timestamp"] == "2026-11-23T01:00:00"
    assert suite.attrib["time"] == "1.250"


def test_the_class_is_the_module() -> None:
    found = document(case(Outcome.PASSED)).find(".//testcase")
    assert found is not None
    assert found.attrib == {"classname": "hil.suite.test_a", "name": "test_b[x]", "time": "1.250"}


def test_it_is_written_to_a_file(tmp_path: Path) -> None:
    assert junit.write(a_night(), tmp_path / "a" / "junit.xml").read_bytes() == junit.as_xml(a_night())


def test_a_failure_says_where_to_look() -> None:
    test = case(Outcome.FAILED, "byte 4 is another")
    test.where, test.details = "the host part", "Traceback"
    failure = document(test).find(".//failure")
    assert failure is not None
    assert failure.text == "look in: the host part\n\nTraceback"
