from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hil.report.comparing import comparison

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=4), each, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("native", "passthrough", "left", "right"),
    [
        ({"device": "1201", "bos": None}, {"device": "1202", "bos": None}, 'device: "1201"', 'device: "1202"'),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "a[1].b: 2", "a[1].b: 3"),
        ({"a": 1}, {}, "a: 1\nanswer: (absent)", "a: (absent)\nanswer: {}"),
        (1, "1", "answer: 1", 'answer: "1"'),
        ([1, 2], [1], "[1]: 2", "[1]: (absent)"),
    ],
)
def test_what_differs_is_told_with_its_path(native: Any, passthrough: Any, left: str, right: str) -> None:
    found = comparison("descriptors", native, passthrough)
    assert (found.what, found.native, found.passthrough) == ("descriptors", left, right)


def test_long_values_are_cut_around_the_difference() -> None:
    found = comparison("x", "a" * 1000 + "b" + "c" * 1000, "a" * 1000 + "d" + "c" * 1000)
    assert len(found.native) < 250
    assert "... (from character 961) aaaa" in found.native
    assert "abc" in found.native
    assert "adc" in found.passthrough


def test_of_many_differences_the_first_are_told_and_all_counted() -> None:
    found = comparison("x", list(range(100)), list(range(1, 101)))
    assert found.what == "x, 20 of 100 differences"
    assert len(found.native.splitlines()) == 20


@given(json_values, json_values)
@example(None, {"": None})
def test_it_is_short_whatever_was_answered(native: Any, passthrough: Any) -> None:
    found = comparison("x", native, passthrough)
    assert bool(found.native) is (repr(native) != repr(passthrough)) or native == passthrough
    assert len(found.native) < 20 * 400


def test_a_list_that_is_empty_on_one_side_is_told_by_what_the_other_has() -> None:
    found = comparison("probe loop", {"wrong": []}, {"wrong": ["byte 4"]})
    assert (found.native, found.passthrough) == ("wrong[0]: (absent)", 'wrong[0]: "byte 4"')
    assert comparison("x", {"a": [], "b": 1}, {"b": 1}).native == "a: []"
