"""A process that a shell has started."""

from __future__ import annotations

import time
from typing import IO

import pytest

from hil.places import shell
from hil.places.shell_process import ShellProcess


def test_its_number_is_waited_for_though_its_output_is_here_already(monkeypatch: pytest.MonkeyPatch) -> None:
    read = ShellProcess._read

    def slowly(self: ShellProcess, stream: str, pipe: IO[bytes]) -> None:
        time.sleep(0.2 if stream == "stderr" else 0)
        read(self, stream, pipe)

    monkeypatch.setattr(ShellProcess, "_read", slowly)
    process = shell.local().start("echo ready; cat /proc/$$/stat; sleep 60")
    try:
        process.wait_for_output("ready")
        assert process.pid is not None
    finally:
        process.kill()
        process.wait(10)
