"""Rules made ready for the data path: requests find theirs by a dictionary, and what a rule does not say is free."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wslusb.usb.setup import RequestType, Setup

from .data import Stream, stream
from .script import Among, Answer, ControlRule, Masked, Repeat, Rule, Send, Spoken, Wanted

__all__ = ["ControlTable", "Taken", "Track", "listens"]

_SetupTest = Callable[[Setup], bool]
_FOR_EVER = 1 << 62
_KINDS = 0x60


@dataclass(slots=True)
class Taken:
    """An answer that is to be given, and where its bytes come from."""

    rule: Rule
    answer: Answer
    data: Stream
    sends: Sequence[tuple[Send, Stream]]


class Track:
    """A rule at work: how often it matched, and which answer is next."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.matched = 0
        self._given = 0
        self._ends = list(itertools.accumulate(answer.times for answer in rule.answers))
        self._round = self._ends[-1]
        self._limit = _FOR_EVER if isinstance(rule.repeat, Repeat) else rule.repeat * self._round
        self._streams = [stream(answer.data) for answer in rule.answers]
        self._sends = [(send, stream(send.answer.data)) for send in rule.sends]

    def take(self) -> Taken | None:
        """Count a match. None where the rule has nothing to say to this one."""
        self.matched += 1
        nth = self.rule.nth
        if (nth is not None and self.matched not in nth) or self._given >= self._limit:
            return None
        at = self._given
        at = min(at, self._round - 1) if self.rule.repeat is Repeat.LAST else at % self._round
        self._given += 1
        number = bisect.bisect_right(self._ends, at)
        return Taken(self.rule, self.rule.answers[number], self._streams[number], self._sends)


class ControlTable:
    """Which rules may match a request: by bmRequestType and bRequest first, then by what else a rule says."""

    def __init__(self, tracks: Iterable[Track]) -> None:
        entries = [_Entry(track, rule) for track in tracks if isinstance(rule := track.rule, ControlRule)]
        kinds = {kind for entry in entries for kind in _numbers(entry.rule.request_type)}
        requests = {request for entry in entries for request in _numbers(entry.rule.request)}
        self._known = {
            (kind, request): [entry for entry in entries if entry.fits(kind, request)]
            for kind in kinds
            for request in requests
        }
        self._others = [entry for entry in entries if not (entry.named_type and entry.named_request)]
        self.empty = not entries

    def candidates(self, setup: Setup) -> list[Track]:
        """The rules whose SETUP fields fit, in order."""
        entries = self._known.get((setup.request_type, setup.request))
        if entries is None:
            entries = [each for each in self._others if each.fits(setup.request_type, setup.request)]
        return [entry.track for entry in entries if all(test(setup) for test in entry.tests)]


class _Entry:
    """A rule with the tests that are left when bmRequestType and bRequest fit."""

    def __init__(self, track: Track, rule: ControlRule) -> None:
        self.track = track
        self.rule = rule
        self.tests = _setup_tests(rule)
        self.named_type = bool(_numbers(rule.request_type))
        self.named_request = bool(_numbers(rule.request))

    def fits(self, kind: int, request: int) -> bool:
        if self.rule.request_type is None and kind & _KINDS == RequestType.STANDARD:
            return False
        return _is(self.rule.request_type, kind) and _is(self.rule.request, request)


def _numbers(wanted: Wanted) -> Sequence[int]:
    """The numbers that a condition names one by one; none for a mask, and for no condition."""
    if isinstance(wanted, int):
        return (wanted,)
    return wanted.values if isinstance(wanted, Among) else ()


def _is(wanted: Wanted, number: int) -> bool:
    if isinstance(wanted, Masked):
        return number & wanted.mask == wanted.value & wanted.mask
    return wanted is None or number in _numbers(wanted)


def _setup_tests(rule: ControlRule) -> list[_SetupTest]:
    tests: list[_SetupTest] = []
    if (value := rule.value) is not None:
        tests.append(lambda setup: _is(value, setup.value))
    if (index := rule.index) is not None:
        tests.append(lambda setup: _is(index, setup.index))
    if (length := rule.length) is not None:
        tests.append(lambda setup: _is(length, setup.length))
    return tests


def listens(rule: Rule, data: bytes) -> bool:
    """Whether what the host sent is what the rule listens for."""
    if not isinstance(rule, Spoken):
        return True
    if rule.equals is not None and data != rule.equals:
        return False
    return data.startswith(rule.starts_with) and (rule.matches is None or rule.matches.search(data) is not None)
