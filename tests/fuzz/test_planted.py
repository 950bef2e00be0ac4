"""The mistakes of planted.py can still be made: that they are found, ``python -m tests.fuzz.planted`` looks."""

from __future__ import annotations

import ast

import pytest

from tests.fuzz.planted import BUGS, ROOT, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.breaks)
def test_a_mistake_can_be_made_in_the_code_as_it_is(bug: Bug) -> None:
    text = (ROOT / bug.file).read_text()
    assert text.count(bug.old) == 1
    ast.parse(text.replace(bug.old, bug.new))
