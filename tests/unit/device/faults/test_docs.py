"""docs/faults.md names every kind of fault with every parameter, and its example is a plan."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from wslusb.device.faults import KINDS, SetupMatch, When, Where, parse_plan

DOCS = (Path(__file__).parents[4] / "docs" / "faults.md").read_text()
ROWS = [line for line in DOCS.splitlines() if line.startswith("| ")]


def names(kind: type) -> list[str]:
    return [each.name for each in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_and_parameter_is_in_the_table(kind: str) -> None:
    rows = [row for row in ROWS if f"`{kind}`" in row.split("|")[1] and row.count("|") == 4]
    assert any(all(f"`{name}`" in row for name in names(KINDS[kind])) for row in rows), names(KINDS[kind])


@pytest.mark.parametrize("part", [Where, When, SetupMatch])
def test_every_key_is_explained(part: type) -> None:
    assert [name for name in names(part) if f"`{name}`" not in DOCS] == []


def test_the_example_is_a_plan() -> None:
    text = re.search(r"cat plan.toml\n(.*?)\n\$", DOCS, re.DOTALL)
    assert text
    assert parse_plan(text[1]).names() == ["stall 1", "delay 2"]
