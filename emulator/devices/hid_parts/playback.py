"""Input that happens by itself: a hand that types, moves or plays what an option says."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from wslusb.device.clock import Timer

from ...options import Options
from .function import Boot, HidFirmware

__all__ = ["PACE_OPTIONS", "Pace", "PlayedFirmware"]

_END = object()
PACE_OPTIONS = {
    "wait": "milliseconds from when the host listens until it begins (default 1000)",
    "pace": "milliseconds between two reports (default 10)",
    "every": "milliseconds from the end until it begins again; 0 (the default): once",
}


@dataclass(slots=True, frozen=True)
class Pace:
    """Times in seconds. ``every`` 0: once.

    Linux drops what comes in the first 50 ms after a program opened the device (usbhid_open), and people are slower
    still: ``wait`` is not 0 for a reason.
    """

    wait: float = 1.0
    pace: float = 0.01
    every: float = 0.0

    @classmethod
    def from_options(cls, options: Options) -> Pace:
        """The three options of ``PACE_OPTIONS``."""
        wait, pace, every = (
            options.integer(name, default, 0, 3_600_000) / 1000
            for name, default in (("wait", 1000), ("pace", 10), ("every", 0))
        )
        return cls(wait, pace, every)


class PlayedFirmware(HidFirmware):
    """A HID device that goes through a row of states once the host listens, and reports each."""

    def __init__(self, report_descriptor: bytes, boot: Boot = Boot.NONE, pace: Pace | None = None) -> None:
        super().__init__(report_descriptor, boot)
        self._pace = pace or Pace()
        self._steps: Iterator[object] | None = None
        self._timer: Timer | None = None

    @abstractmethod
    def steps(self) -> Iterator[object]:
        """Change the state that ``input_report`` tells, and yield: after each step there is a report."""

    def configured(self, value: int) -> None:
        """From the beginning, when the host listens again."""
        super().configured(value)
        if self._timer is not None:
            self._timer.cancel()
        self._steps = self._timer = None

    def polled(self) -> None:
        """The first time, somebody has begun to listen."""
        if self._steps is None:
            self._begin(self._pace.wait)

    def taken(self) -> None:
        """Go on, if it was a step that was taken and not an idle report."""
        if self._steps is not None and self._timer is None:
            self._timer = self.after(self._pace.pace, self._step)

    def _begin(self, wait: float) -> None:
        self._steps = self.steps()
        self._timer = self.after(wait, self._step)

    def _step(self) -> None:
        assert self._steps is not None  # noqa: S101 - the timer is cancelled where this is
        self._timer = None
        if next(self._steps, _END) is not _END:
            self.send_report()
        elif self._pace.every:
            self._begin(self._pace.every)
