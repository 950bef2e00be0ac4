"""A made sysfs for every test that asks for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.system.sysfs import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "sys")
