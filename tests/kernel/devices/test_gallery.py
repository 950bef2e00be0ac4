"""The screens of docs/emulator.md: each command is run, and says what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab

SCREENS = sorted((Path(__file__).resolve().parents[3] / "docs/gallery").glob("*.txt"))
COMMAND = re.compile(r"(host)?# (.+)")


def pattern(line: str) -> str:
    """A line of a screen as a regular expression: ``...`` is anything, and blanks are one blank."""
    return r"\s+".join(".*".join(map(re.escape, word.split("..."))) for word in line.split())


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: path.stem)
def test_a_screen_of_the_gallery_is_true(lab: Lab, kernel: UmlMachine, path: Path) -> None:
    device, *lines = path.read_text(encoding="utf-8").splitlines()
    with lab.plug(device):
        while lines:
            command = COMMAND.fullmatch(lines.pop(0))
            assert command, "a screen starts with a command"
            expected = []
            while lines and not COMMAND.fullmatch(lines[0]):
                expected.append(lines.pop(0))
            said = (lab.host if command[1] else kernel).run(command[2], timeout=30).output.splitlines()
            wanted = r"\s*\n\s*".join(map(pattern, expected))
            assert re.fullmatch(rf"\s*{wanted}\s*", "\n".join(said)), said
