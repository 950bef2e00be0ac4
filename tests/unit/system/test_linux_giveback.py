"""wslusb.system.linux_giveback on a made sysfs that changes while it is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.system.sysfs import Tree
from wslusb.system.linux_giveback import find, give_back


def test_find(tree: Tree) -> None:
    tree.add("1-1", 2, drivers={0: ""})
    tree.add("1-2", 3)
    (tree.add("1-3", 4) / "devnum").unlink()
    assert find(tree.root, 1, 3) == tree.devices / "1-2"
    assert find(tree.root, 1, 4) is None
    assert find(tree.root, 2, 3) is None


def test_usbfs_lets_go_while_it_is_looked_at(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link is there for glob and gone for readlink: the interface has no driver, and is offered one."""
    tree.add("1-1", 2, drivers={0: "usbfs", 1: "usbhid"})
    read = Path.readlink

    def readlink(link: Path) -> Path:
        if read(link).name == "usbfs":
            link.unlink()
        return read(link)

    monkeypatch.setattr(Path, "readlink", readlink)
    assert give_back(tree.root, tmp_path / "dev", 1, 2, reset=False)
    assert tree.probed() == ["1-1:1.0"]


def test_a_device_that_is_pulled_out_meanwhile(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tree.add("1-1", 2, drivers={0: "usbfs"})
    read = Path.readlink

    def readlink(link: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        return read(link)

    monkeypatch.setattr(Path, "readlink", readlink)
    assert give_back(tree.root, tmp_path / "dev", 1, 2, reset=True)
    assert tree.probed() == []
    assert "no reset" in caplog.text
