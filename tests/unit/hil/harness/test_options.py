"""What the options of the suite mean together."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from hil.errors import RigError
from hil.harness.options import rig_of


def config(**given: Any) -> Any:
    options = {"rig": None, "backend": None, "replay": [], "dut": [], "destructive": [], **given}
    return Mock(getoption=lambda name: options[name.removeprefix("--")])


@pytest.mark.parametrize("options", [{}, {"backend": "emulated"}, {"backend": "replay", "rig": Path("rig.toml")}])
def test_a_capture_does_not_stand_beside_another_rig(options: dict[str, Any]) -> None:
    with pytest.raises(RigError, match="--replay stands in for a rig file") as caught:
        rig_of(config(**options, replay=[Path("bug.pcapng")]))
    assert caught.value.hint == "--backend replay --replay bug.pcapng, and no --rig"


def test_a_device_is_named_as_the_rig_file_names_it(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text('[host]\nkind = "emulated"\n[device.stick]\nsource = "storage"\n')
    found = rig_of(config(rig=rig, dut=["stick", "stick"], destructive=["stick"]))
    assert found is not None
    assert [each.name for each in found.devices] == ["stick"]
    for option in ("dut", "destructive"):
        with pytest.raises(RigError, match="there is no device 'stikc'"):
            rig_of(config(rig=rig, **{option: ["stikc"]}))
