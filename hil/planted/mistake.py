"""A mistake that is made on purpose, in a copy of the program: for whoever wants to know what his tests are worth."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Mistake", "copied", "made"]

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """``old`` stands once in ``file``, and ``new`` in its place."""

    breaks: str
    file: str
    old: str
    new: str


def made(mistake: Mistake, folder: Path) -> None:
    """Make the mistake in a copy. ValueError if the code has changed so that it cannot be made."""
    path = folder / mistake.file
    text = path.read_text()
    if text.count(mistake.old) != 1:
        raise ValueError(f"{mistake.file} does not have this once: {mistake.old!r}")
    path.write_text(text.replace(mistake.old, mistake.new))


def copied(parts: Iterable[str], folder: Path) -> None:
    """Copy these files and folders of the checkout, with their times: what Python has compiled stays good."""
    for part in parts:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
