from __future__ import annotations

import random
from pathlib import Path

import pytest

from hil import gadgets
from hil.gadgets import GadgetError


@pytest.fixture
def configfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Directories in place of configfs: enough for all but what the kernel does by itself."""
    root, udcs = tmp_path / "usb_gadget", tmp_path / "udc"
    root.mkdir()
    for number in range(2):
        (udcs / f"dummy_udc.{number}").mkdir(parents=True)
    monkeypatch.setattr(gadgets, "ROOT", root)
    monkeypatch.setattr(gadgets, "UDCS", udcs)
    return root


def test_source_sink_has_two_configurations(configfs: Path) -> None:
    assert gadgets.source_sink().create() == "dummy_udc.0"
    gadget = configfs / "zero"
    assert (gadget / "idVendor").read_text() == "0x0525"
    assert (gadget / "configs/c.2/Loopback.0").is_symlink()
    assert (gadget / "UDC").read_text() == "dummy_udc.0"


def test_udcs_run_out(configfs: Path) -> None:
    assert gadgets.acm(serial="A").create() == "dummy_udc.0"
    assert gadgets.acm(serial="B").create() == "dummy_udc.1"
    with pytest.raises(GadgetError, match=r"dummy_hcd\.num"):
        gadgets.acm(serial="C").create()
    assert gadgets.gadgets() == {"a": "dummy_udc.0", "b": "dummy_udc.1"}


def test_images_are_reproducible(tmp_path: Path) -> None:
    assert gadgets.make_image(tmp_path / "a", 1000, 5).read_bytes() == random.Random(5).randbytes(1000)
    assert gadgets.make_image(tmp_path / "b", 1000, None).read_bytes() == bytes(1000)


def test_the_command_line_names_the_gadget_by_its_serial(tmp_path: Path) -> None:
    options = gadgets.parser().parse_args(
        ["mass-storage", "--image", str(tmp_path / "i"), "--size", "1K", "--serial", "Q1"]
    )
    gadget = gadgets.build(options)
    assert (gadget.name, gadget.serial) == ("q1", "Q1")
    assert (tmp_path / "i").stat().st_size == 1024
