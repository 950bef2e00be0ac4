"""What went wrong, in a line for people: an exception without its class, an assertion without pytest's drawing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from hil.errors import RigError
from hil.report import page
from hil.report.comparing import first_difference
from hil.report.events import Timeline, complaints
from hil.report.results import Comparison
from hil.report.suspect import PARTS
from hil.report.typical import slowest

__all__ = ["LEFT", "headline", "often", "where"]

_BARE = "assert "
_TIME_OUT = re.compile(r"Timeout \(>([\d.]+)s\)")
_PLAIN = (AssertionError, RigError, pytest.fail.Exception)
"""Exceptions whose text is a sentence; of all others the name of the class says more than the text."""
_REQUEST = re.compile(r'`exec [^`]*"run": "([\w.]+)", "arguments": (\[[^]]*\])[^`]*`')
_BYTES = re.compile(r'"[0-9a-f]{10,}"?(?: \.\.\.)?')
_SLOW = re.compile("times native, and may be|times as long as")
"""As in :func:`hil.report.plots.broken`, and by tests that have a measure of their own."""
_SELF = re.compile(r"(?:memory of the )?(service|agent):")
_NATIVE = re.compile(r"natively\b|native:")
LEFT = "left its host during the test"
_ROOMS = {"service": "host", "agent": "guest"}
_ROOT = Path(__file__).parents[2]
_MOST = 400


def headline(caught: pytest.ExceptionInfo[BaseException], compared: Comparison | None) -> str:
    """The line. ``compared`` is what the test's last probe of both sides said that was not the same."""
    text = _plain(str(caught.value))
    if found := _TIME_OUT.match(text):
        return f"no end after {float(found[1]):g} s; it waited in {_place(caught)}"
    said = text.partition("\nassert ")[0]
    if isinstance(caught.value, AssertionError) and (not said or said.startswith(_BARE)):
        return _cut(_difference(compared) if compared else _untrue(caught, said))
    words = _lines(said)
    return _cut(words if isinstance(caught.value, _PLAIN) else f"{type(caught.value).__name__}: {words}")


def where(headline: str, deaths: Sequence[str], told: Timeline, *, rigs: bool) -> str:
    """In which part to look for what went wrong; empty if nothing points to one.

    ``deaths``: the daemons that ended by themselves. ``rigs``: it is the rig's trouble.
    """
    if deaths:
        name = deaths[0]
        return f"the {name} of wslusb (wslusb/{_ROOMS[name]}): {name}.log has its last words"
    if _SLOW.search(headline) and told.typical is not None:
        stage, share = slowest(told.typical)
        return f"{PARTS[stage]}: {share}"
    if found := _SELF.match(headline):
        return f"the {found[1]} of wslusb (wslusb/{_ROOMS[found[1]]}): what it keeps of each attach, or of each URB"
    if LEFT in headline:
        return "the device, its plug, or the hub that it is plugged into: it was not on the host's bus all the time"
    if rigs:
        return "the rig: wslusb and the device were not judged"
    if _NATIVE.match(headline):
        return "the device, or its host: it is the native side that went wrong, where wslusb is not in the way"
    if not told.where and (said := complaints(told.events)):
        return f"{said[0].source}.log: {said[0].text.partition(' ')[2]}"
    if told.suspect is None:
        return "not on the way of a URB: none passed during the test"
    return told.where


def often(times: int) -> str:
    """``once``, ``2 times``."""
    return "once" if times == 1 else f"{times} times"


def _plain(text: str) -> str:
    """With what a zygote was asked to run in place of how (hil/zygote.py)."""
    return _REQUEST.sub(lambda found: "`" + " ".join([found[1], *json.loads(found[2])]) + "`", text)


def _lines(text: str) -> str:
    """The first; where it ends with a colon, what it announces: the last one, which ends a traceback."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "no reason was given"
    return f"{lines[0]} {lines[-1]}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]


def _difference(compared: Comparison) -> str:
    """The first part that is not the same."""
    rows = page.compared(compared)
    path, one, other = rows[0]
    what = compared.what.partition(",")[0]
    if not path:
        return f"{what}: native and passthrough are not the same"
    more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
    if _BYTES.fullmatch(one) and _BYTES.fullmatch(other):
        a, b = one.strip('" .'), other.strip('" .')
        at = first_difference(a, b) // 2
        here, there = (each[2 * at : 2 * at + 2] or "the end" for each in (a, b))
        return f"{what}: byte {at} of {path} is {here} natively, and {there} in the guest{more}"
    return f"{what}: {path} is {one} natively, and {other} in the guest{more}"


def _untrue(caught: pytest.ExceptionInfo[BaseException], said: str) -> str:
    """A bare assertion by its source, and what its values were."""
    source = str(caught.traceback[-1].statement).strip().removeprefix(_BARE)
    values = _lines(said).removeprefix(_BARE)
    return f"this is not so: {source}" + (f" (it is: {values})" if values and values != source else "")


def _place(caught: pytest.ExceptionInfo[BaseException]) -> str:
    """The innermost line of this project."""
    own = [entry for entry in caught.traceback if Path(entry.path).is_relative_to(_ROOT)]
    entry = own[-1] if own else caught.traceback[-1]
    path = Path(entry.path)
    name = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path.name
    return f"{name}:{entry.lineno + 1}: {str(entry.statement).strip().splitlines()[0]}"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]} ..."
