"""JUnit XML of results: what both common schemas allow (Ant's JUnit.xsd of Windy Road, and junit-10.xsd of Jenkins).

A suite a device. ``failed`` is a failure; ``infrastructure`` is an error of that type; ``quarantined`` is skipped, and
its message says so. A ``flaky`` test passes. No element of a case says more in both schemas, so a property of the suite
does, for each of the three outcomes that JUnit does not know: ``infrastructure``, ``flaky``, ``quarantined``.
"""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from .results import CaseResult, Outcome, Results

__all__ = ["as_xml", "write"]

_ELEMENTS = {
    Outcome.FAILED: "failure", Outcome.INFRASTRUCTURE: "error", Outcome.SKIPPED: "skipped",
    Outcome.QUARANTINED: "skipped",
}  # fmt: skip
_UNKNOWN_TO_JUNIT = (Outcome.INFRASTRUCTURE, Outcome.FLAKY, Outcome.QUARANTINED)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold in any form (2.2, Characters); devices' strings can."""
_NO_DEVICE = "rig"


def write(results: Results, path: Path) -> Path:
    """Write the file. OSError if that is not possible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_xml(results))
    return path


def as_xml(results: Results) -> bytes:
    """The document."""
    root = ET.Element("testsuites")
    for number, device in enumerate(dict.fromkeys(test.device for test in results.tests)):
        _suite(root, number, results, device or _NO_DEVICE, [test for test in results.tests if test.device == device])
    ET.indent(root, " ")
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _suite(root: ET.Element, number: int, results: Results, name: str, tests: Sequence[CaseResult]) -> None:
    elements = [_ELEMENTS.get(test.outcome) for test in tests]
    suite = ET.SubElement(
        root, "testsuite", name=_text(name), package=_text(results.rig.name), id=str(number),
        timestamp=_utc(results.started), hostname=_text(str(results.rig.host.get("hostname", "localhost"))),
        tests=str(len(tests)), failures=str(elements.count("failure")), errors=str(elements.count("error")),
        skipped=str(elements.count("skipped")), time=_seconds(sum(test.seconds for test in tests)),
    )  # fmt: skip
    properties = ET.SubElement(suite, "properties")
    facts = {"rig": results.rig.name, "backend": results.rig.backend, **results.versions}
    if results.seed is not None:
        facts["seed"] = str(results.seed)
    special = {f"outcome of {test.id}": test.outcome for test in tests if test.outcome in _UNKNOWN_TO_JUNIT}
    for key, value in {**facts, **special}.items():
        ET.SubElement(properties, "property", name=_text(key), value=_text(value))
    for test in tests:
        _case(suite, test)
    ET.SubElement(suite, "system-out").text = _text("\n".join(_notes(tests)))
    ET.SubElement(suite, "system-err")


def _case(suite: ET.Element, test: CaseResult) -> None:
    module = test.id.partition("::")[0].removesuffix(".py").replace("/", ".")
    case = ET.SubElement(suite, "testcase", classname=_text(module), name=_text(test.name), time=_seconds(test.seconds))
    element = _ELEMENTS.get(test.outcome)
    if element is not None:
        ending = ET.SubElement(case, element, message=_text(_message(test)))
        ending.text = _text(f"look in: {test.where}\n\n{test.details}" if test.where else test.details)
        if element != "skipped":
            ending.set("type", test.outcome)


def _message(test: CaseResult) -> str:
    return f"quarantined: {test.message}" if test.outcome is Outcome.QUARANTINED else test.message


def _notes(tests: Sequence[CaseResult]) -> list[str]:
    lines = []
    for test in tests:
        if test.outcome in _UNKNOWN_TO_JUNIT:
            lines.append(f"{test.outcome}: {test.id}: {test.message}")
        if test.artefacts:
            lines.append(f"artefacts of {test.id}: {test.artefacts}")
    return lines


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _seconds(value: float) -> str:
    return f"{max(value, 0.0):.3f}"


def _utc(started: str) -> str:
    """JUnit's times have no offset."""
    moment = dt.datetime.fromisoformat(started)
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}"
