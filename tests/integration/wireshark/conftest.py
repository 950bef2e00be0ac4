"""The Wireshark dissector under tshark. These need it (``nox -s tools``)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.requirements import WIRESHARK, require
from tests.support.wireshark import Wireshark
from wslusb.cli.wireshark import dissector


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    require(WIRESHARK)


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wireshark") / "wslusb.lua"
    path.write_text(dissector(), encoding="utf-8")
    return path


@pytest.fixture
def wireshark(tmp_path: Path, plugin: Path) -> Wireshark:
    return Wireshark(tmp_path, plugin)
