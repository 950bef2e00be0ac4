"""Where both sides of a rig of real hardware meet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hil.live.real import meeting
from hil.rig.model import PlaceEntry, Rig


def _rig(host: Mapping[str, object], guest: Mapping[str, object]) -> Rig:
    return Rig(
        name="r", host=PlaceEntry("local", host), guest=PlaceEntry("ssh", guest), devices=(), path=Path("rig.toml")
    )


def test_each_run_has_a_port_of_its_own() -> None:
    found = [meeting(_rig({}, {})) for _ in range(3)]
    assert len({connect for _, connect in found}) == 3
    for (listen,), connect in found:
        assert connect.removeprefix("vsock:2:") == listen.removeprefix("vsock::") != ""


def test_what_the_rig_file_says_of_one_side_goes_with_the_usual_port_of_the_other() -> None:
    for host, guest in (({"listen": ("vsock:",)}, {}), ({}, {"connect": "vsock:2"})):
        assert meeting(_rig(host, guest)) == (["vsock:"], "vsock:2")
