"""A board with a serial console and a USB stick, both in the host: what a test of the guest makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def board(target: Any) -> Iterator[Any]:
    usb = target.get_driver("WslusbDriver", name="console-usb")
    yield target.get_driver("SerialDriver", name="board")
    target.deactivate(usb)


@pytest.fixture
def stick(target: Any) -> Iterator[Any]:
    usb = target.get_driver("WslusbDriver", name="stick-usb")
    yield target.get_driver("USBStorageDriver", name="stick")
    target.deactivate(usb)


def test_the_modem_of_the_board_answers(board: Any) -> None:
    board.sendline("ATI")
    board.expect("OK", timeout=5)


def test_the_board_survives_a_replug(target: Any, board: Any) -> None:
    target.get_driver("WslusbDriver", name="console-usb").cycle()
    target.activate(board)
    board.sendline("AT")
    board.expect("OK", timeout=5)


def test_an_image_is_written(stick: Any, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(range(256)) * 4096)
    stick.write_image(str(image))
    with Path(stick.storage.path).open("rb") as back:
        assert back.read(1 << 20) == image.read_bytes()
