"""What both demonstrations share: how they tell what they do, the bytes that they move, and how they judge."""

from __future__ import annotations

import hashlib
import random
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PROJECT", "SIZE", "DemoError", "Story", "payload", "sha256"]

PROJECT = Path(__file__).resolve().parents[2]
SIZE = 32 << 20
_SEED = 77


class DemoError(Exception):
    """A step did not work."""


def payload(size: int = SIZE) -> bytes:
    """The bytes that are written: random, and the same every time."""
    return random.Random(_SEED).randbytes(size)


def sha256(data: bytes | bytearray) -> str:
    """The checksum that both sides are compared by."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Timed:
    """What a step took."""

    seconds: float

    def rate(self, size: int) -> str:
        """For people."""
        return f"{size / self.seconds / 1e6:.0f} MB/s"


class Story:
    """Prints a demonstration as it goes: commands with a ``$``, what they said below them, indented."""

    def __init__(self, write: Callable[[str], object] = sys.stdout.write) -> None:
        self._write = write
        self._started = time.monotonic()

    def title(self, line: str) -> None:
        """What this is going to be."""
        self._line(line)

    def command(self, line: str, said: Iterable[str] = ()) -> None:
        """A command that was run, and what it said."""
        self._line(f"$ {line}")
        for text in said:
            self.note(text)

    def note(self, text: str) -> None:
        """What was seen."""
        self._line(f"    {text}")

    def verdict(self, written: str, read: str) -> int:
        """The end of the story, and the exit code."""
        seconds = time.monotonic() - self._started
        if written == read:
            self._line(f"Checksums are equal: the same bytes came back. ({seconds:.1f} s)")
            return 0
        self._line(f"CHECKSUMS DIFFER: wrote {written}, read {read}")
        return 1

    def _line(self, text: str) -> None:
        self._write(f"{text}\n")
        sys.stdout.flush()


def timed(action: Callable[[], object]) -> Timed:
    """Do it, and take the time."""
    start = time.perf_counter()
    action()
    return Timed(max(time.perf_counter() - start, 1e-9))
