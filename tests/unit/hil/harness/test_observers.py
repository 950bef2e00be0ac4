"""What is kept of a failure whose machines do not all answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil.errors import MachineDiedError
from hil.harness import observers
from hil.vm.remote import Result


class Machine:
    release = "6.12"

    def __init__(self, name: str, *, alive: bool) -> None:
        self.name = name
        self._alive = alive

    def run(self, *_words: object, **_more: object) -> Result:
        if not self._alive:
            raise MachineDiedError(self.name, "it is gone: Broken pipe", "a long console")
        return Result("date", 0, "100.5\n1000.5 +0100\n", "", "", 0.1)


@pytest.mark.parametrize("alive", [True, False])
def test_the_facts_of_a_host_are_kept_where_the_guest_is_dead(monkeypatch: pytest.MonkeyPatch, alive: bool) -> None:
    monkeypatch.setattr("hil.places.clock.offset", lambda _place: SimpleNamespace(seconds=0.25))
    live = SimpleNamespace(
        rig=SimpleNamespace(name="bench", path="rig.toml"), backend="qemu",
        host=Machine("host", alive=True), guest=Machine("guest", alive=alive),
    )  # fmt: skip
    facts = observers.facts(cast("Any", live))
    assert facts["host"] == {"name": "host", "release": "6.12", "boot": 900.0, "offset": 0.25, "utc_offset": 3600}
    assert facts["offset"] == (0.0 if alive else None)
    assert facts["guest"].get("missing") == (None if alive else "guest: it is gone: Broken pipe")
