"""The terminal program at a pseudo terminal, whose other end the test has."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Iterator

import pytest

from hil.clients.terminal import Terminal


class FarEnd:
    """Sends back what comes, but for the bytes that it swallows."""

    def __init__(self, swallow: int = 0) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self.terminal = Terminal(self.path)
        os.close(slave)
        self._swallow = swallow
        self._thread = threading.Thread(target=self._echo, daemon=True)
        self._thread.start()

    def _echo(self) -> None:
        try:
            while data := os.read(self.master, 4096):
                os.write(self.master, data[self._swallow :])
                self._swallow = 0
        except OSError:
            return

    def close(self) -> None:
        self.terminal.close()
        self._thread.join(5)
        os.close(self.master)


@pytest.fixture
def far() -> Iterator[FarEnd]:
    end = FarEnd()
    yield end
    end.close()


def test_what_comes_back_is_what_was_written(far: FarEnd) -> None:
    data = bytes(range(256)) * 40
    assert far.terminal.exchange(data, 100) == data
    assert far.terminal.drain(0.01) == 0


def test_what_is_lost_is_missed_after_a_silence() -> None:
    far = FarEnd(swallow=3)
    assert far.terminal.exchange(b"0123456789", 10, 0.1) == b"3456789"
    far.close()


def test_what_is_left_of_earlier_is_drained(far: FarEnd) -> None:
    os.write(far.terminal.port, b"before")
    assert far.terminal.drain(0.1) == 6
    assert far.terminal.exchange(b"after") == b"after"


def test_a_port_that_has_gone_is_an_error() -> None:
    master, slave = os.openpty()
    terminal = Terminal(os.ttyname(slave))
    os.close(slave)
    os.close(master)
    with pytest.raises(OSError, match="hung up"):
        terminal.drain(1)
    terminal.close()
