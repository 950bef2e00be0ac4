"""wslusb.report.redactor: a value that one place gives away is nowhere, whatever stands around it."""

from __future__ import annotations

import json
import string

from hypothesis import given
from hypothesis import strategies as st

from wslusb.report.redactor import Redactor

SERIALS = st.text(string.ascii_letters + string.digits + "-_.", min_size=6, max_size=40).filter(
    lambda text: text.strip("0") and not text[0].isspace()
)
AROUND = st.text(max_size=40)
PLACES = st.sampled_from((
    "usb 1-4: SerialNumber: {}\n", "serial: {}\n", "\\home\nwslusb 0.1.0 ({}, Linux 6.1)", "/home/{}/x",
    "USB\\VID_0403&PID_6001\\{} is shared",
))  # fmt: skip


@given(SERIALS, PLACES, AROUND, AROUND)
def test_what_is_learned_once_is_nowhere(serial: str, place: str, before: str, after: str) -> None:
    redactor = Redactor()
    log = f"{before}{serial}{after}"
    redactor.learn(place.format(serial))
    redactor.learn(log)
    shown = redactor.text(log)
    assert serial not in shown
    assert not redactor.finds(shown)


@given(SERIALS, AROUND, st.sampled_from(("product", "kept", "x")))
def test_json_and_texts_learn_of_each_other(serial: str, around: str, key: str) -> None:
    redactor = Redactor()
    redactor.learn_tree({"devices": [{"serial": serial}]})
    shown = json.dumps(redactor.tree({key: [f"{around}{serial}{around}"], "serial": serial}), ensure_ascii=False)
    assert serial not in shown


@given(st.text(max_size=300))
def test_any_text_can_be_redacted(text: str) -> None:
    redactor = Redactor()
    redactor.learn(text)
    assert not redactor.finds(redactor.text(text))
