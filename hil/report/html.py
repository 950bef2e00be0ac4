"""The report of a run as one HTML page; ``templates/report.html`` is its template."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from . import before, figures, page, plots
from .events import Event, Timeline, UrbLine, complaints
from .ladder import ladder
from .rendering import render
from .results import CaseResult, Measurement, Outcome, Results, ResultsError
from .steps import Step, next_steps
from .suspect import NONE_WRONG

__all__ = ["page_of", "write"]

_SIGNS = {
    Outcome.PASSED: "\N{CHECK MARK}", Outcome.FAILED: "\N{MULTIPLICATION X}",
    Outcome.FLAKY: "\N{CLOCKWISE OPEN CIRCLE ARROW}", Outcome.INFRASTRUCTURE: "!", Outcome.SKIPPED: "\N{EN DASH}",
    Outcome.QUARANTINED: "\N{CIRCLED TIMES}",
}  # fmt: skip
_MEANINGS = {
    Outcome.PASSED: "it does what it should",
    Outcome.FAILED: "wslusb, or the device through it, does something else than natively",
    Outcome.INFRASTRUCTURE: "the rig failed: nothing was learnt of the device",
    Outcome.FLAKY: "it failed, and passed after a power-cycle",
    Outcome.QUARANTINED: "its device kept failing, so it was left out or does not count",
    Outcome.SKIPPED: "it was not run; the reasons are below",
}
_CARDS = (Outcome.FAILED, Outcome.INFRASTRUCTURE, Outcome.FLAKY)
_IN_PROCESS = ("emulated", "replay")
"""Back ends whose devices are opened in process natively: no kernel, no bus, so that ratios say little."""
_FEW = 6
"""Differences that are shown at once."""
_MANY = 20
"""Samples from which on a distribution says more than a median."""
_NEAR = 15
"""Events that are shown on either side of what matters."""
_MOST_DISTRIBUTIONS = 24


@dataclass(slots=True)
class Card:
    """A test that did not pass, with what its folder holds."""

    test: CaseResult
    steps: list[Step]
    files: dict[str, str] = field(default_factory=dict)
    missing: str = ""
    timeline: Timeline | None = None
    way: UrbLine | None = None
    words: str = ""
    """What is to be said of it."""
    picture: Markup | None = None
    events: list[Event | None] = field(default_factory=list)
    complaints: list[Event] = field(default_factory=list)
    since: str = ""
    compared: list[tuple[str, str, str]] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    """The folders of the other attempts."""


@dataclass(slots=True)
class Group:
    """Cards with a cause in common; the first is shown whole, the others closed."""

    cause: page.Cause
    cards: list[Card]


@dataclass(slots=True)
class Figure:
    """A picture with its words, and the test that it is of."""

    title: str
    picture: Markup
    test: CaseResult


def write(results: Results, path: Path, folder: Path | None = None) -> Path:
    """Write the page. ``folder`` is where results.json is, to which artefacts are relative. OSError if that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page_of(results, folder or path.parent, path.parent), encoding="utf-8", errors="replace")
    return path


def page_of(results: Results, folder: Path, beside: Path) -> str:
    """The page, for a file in ``beside``."""
    traits, rows = page.matrix(results)
    worst, sentence, asides = page.verdict(results)
    measured = [(test, each) for test in results.tests for each in test.measurements]
    groups = [
        Group(cause, [_card(test, results, folder, beside) for test in cause.tests]) for cause in page.causes(results)
    ]
    groups += [
        Group(page.Cause(test.outcome, [test]), [_card(test, results, folder, beside)])
        for test in results.tests
        if test.outcome is Outcome.FLAKY
    ]
    return render(
        "report.html", results=results, sentence=sentence, asides=asides, describe=page.describe, worst=worst,
        counts=results.counted(), signs=_SIGNS, meanings=_MEANINGS, traits=traits, rows=rows,
        Outcome=Outcome, groups={kind: [each for each in groups if each.cause.outcome is kind] for kind in _CARDS},
        mended=before.mended(results), in_process=results.rig.backend in _IN_PROCESS,
        distributions=_distributions(measured), curves=_curves(results.tests), measured=measured,
        ratio_bar=plots.ratio_bar, limit_text=plots.limit_text, at=plots.at_text, median=figures.median,
        percentile=figures.percentile, skipped=page.reasons(results.tests, Outcome.SKIPPED),
        quarantined=page.reasons(results.tests, Outcome.QUARANTINED), slowest=page.slowest(results.tests),
        steps=next_steps, anchor=_anchor, few=_FEW,
    )  # fmt: skip


def _anchor(test: CaseResult) -> str:
    return f"t{hashlib.sha256(test.id.encode('utf-8', 'replace')).hexdigest()[:12]}"


# -- failures


def _card(test: CaseResult, results: Results, folder: Path, beside: Path) -> Card:
    card = Card(test, next_steps(test, results, {}), since=before.since(test, results))
    card.compared = page.compared(test.comparison) if test.comparison else []
    if not test.artefacts:
        return card
    place = folder / test.artefacts
    held = {each.name: os.path.relpath(each, beside) for each in sorted(place.glob("*"))} if place.is_dir() else {}
    card.files = {name: _link(path) for name, path in held.items()}
    card.others = {
        f"attempt {number}": _link(os.path.relpath(folder / each.artefacts, beside))
        for number, each in enumerate(test.attempts, 1)
        if each.artefacts and each.artefacts != test.artefacts and (folder / each.artefacts).is_dir()
    }
    if not held:
        card.missing = test.artefacts
    try:
        timeline = Timeline.read(place / "timeline.json")
    except FileNotFoundError:
        timeline = None
    except ResultsError as error:
        timeline, card.missing = None, str(error)
    card.steps = next_steps(test, results, held, timeline)
    if timeline is None:
        return card
    card.timeline = timeline
    card.complaints = complaints(timeline.events)[:_FEW]
    if (suspected := timeline.suspected) is not None:
        card.way = suspected
        card.picture = ladder(card.way, "the way of the URB to look at first", timeline.after)
        begin = min(card.way.stages.values())
        when = f"{abs(begin):.3f} s {'before' if begin < 0 else 'after'} the failure"
        card.words = f"{timeline.why}. It was submitted {when}."
    if timeline.typical is not None and (card.way is None or timeline.why == NONE_WRONG):
        card.way, card.words = timeline.typical, "none of its URBs went wrong; this is where their time goes."
        card.picture = ladder(card.way, "the way of most URBs of the test")
    card.events = _around(timeline, card.way if card.way is not timeline.typical else None)
    return card


def _link(path: str) -> str:
    """A relative address, which no name can turn into one of another scheme."""
    return f"./{quote(path)}"


def _around(timeline: Timeline, way: UrbLine | None) -> list[Event | None]:
    """The events around the URB to look at, and the last up to the failure and after it; None is a gap."""
    events = timeline.events
    failed = sum(event.at <= 0 for event in events)
    kept = set(range(max(failed - _NEAR, 0), min(failed + _NEAR, len(events))))
    if way is not None:
        begin, end = min(way.stages.values()), max(way.stages.values())
        first = next((place for place, event in enumerate(events) if event.at >= begin), failed)
        last = next((place for place, event in enumerate(events) if event.at > end), len(events))
        kept |= set(range(max(first - _NEAR, 0), min(first + _NEAR, len(events))))
        kept |= set(range(max(last - _NEAR, 0), min(last + _NEAR, len(events))))
    shown: list[Event | None] = []
    for place in sorted(kept):
        if place and place - 1 not in kept:
            shown.append(None)
        shown.append(events[place])
    return shown


# -- measurements


def _distributions(measured: Sequence[tuple[CaseResult, Measurement]]) -> list[Figure]:
    """Of what has many samples on both sides; what is over its limit comes first."""
    many = [(test, each) for test, each in measured if min(len(each.native), len(each.passthrough)) >= _MANY]
    many.sort(key=lambda pair: pair[1].within is not False)
    found = []
    for test, each in many[:_MOST_DISTRIBUTIONS]:
        title = ", ".join(filter(None, (f"{each.name} of {test.device or 'the rig'}", plots.at_text(each))))
        found.append(Figure(title, plots.distribution(each, title), test))
    return found


def _curves(tests: Sequence[CaseResult]) -> list[Figure]:
    """Of what one test measured at several sizes."""
    found = []
    for test in tests:
        groups: dict[tuple[str, str], list[Measurement]] = {}
        for each in test.measurements:
            if isinstance(each.at.get("size"), int | float) and (each.native or each.passthrough):
                groups.setdefault((each.name, each.unit), []).append(each)
        for (name, _unit), points in groups.items():
            if len({each.at["size"] for each in points}) > 2:
                points.sort(key=lambda each: float(each.at["size"]))
                title = f"{name} of {test.device or 'the rig'} by size"
                found.append(Figure(title, plots.by_size(points, title), test))
    return found
