"""Words of serial lines: their format, their signals, what goes wrong on them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ...options import Options, bad

__all__ = ["Error", "Format", "Signal", "signals_from_options"]

_PARITIES = "NOEMS"
_STOP_BITS = ("1", "1.5", "2")


class Signal(enum.Flag):
    """The lines beside the data (ITU-T V.24). The host drives DTR and RTS, the far end all others."""

    DTR = enum.auto()
    RTS = enum.auto()
    DCD = enum.auto()
    DSR = enum.auto()
    CTS = enum.auto()
    RING = enum.auto()

    @property
    def words(self) -> str:
        """Lower case, in the order of the declaration, ``-`` for none."""
        return " ".join(str(each.name).lower() for each in self) or "-"


class Error(enum.Flag):
    """What a receiver may see besides characters. All are moments, not states."""

    BREAK = enum.auto()
    FRAMING = enum.auto()
    PARITY = enum.auto()
    OVERRUN = enum.auto()


@dataclass(slots=True, frozen=True)
class Format:
    """Characters on the line. ``stop`` and ``parity`` are CDC's numbers (PSTN 1.2, table 17), and FTDI's as well."""

    baud: int = 9600
    data: int = 8
    parity: int = 0
    stop: int = 0

    @property
    def seconds(self) -> float:
        """How long one character takes: start bit, data, parity, stop bits."""
        bits = 1 + self.data + (self.parity != 0) + 1 + self.stop / 2
        return bits / max(1, self.baud)

    def __str__(self) -> str:
        parity = _PARITIES[self.parity] if self.parity < len(_PARITIES) else "?"
        stop = _STOP_BITS[self.stop] if self.stop < len(_STOP_BITS) else "?"
        return f"{self.baud} {self.data}{parity}{stop}"


def parse_signals(words: list[str]) -> Signal:
    """Signals by their names. ValueError for one that the far end does not drive."""
    result = Signal(0)
    for word in words:
        signal = Signal.__members__.get(word.upper(), Signal.DTR)
        if signal in Signal.DTR | Signal.RTS:
            raise ValueError(f"{word!r} is none of dcd, dsr, cts, ring")
        result |= signal
    return result


def signals_from_options(options: Options) -> Signal | None:
    """``lines=dcd+dsr``; None for ``lines=loop``, where the far end is a plug that joins the lines."""
    text = options.text("lines", "dcd+dsr+cts")
    if text == "loop":
        return None
    try:
        return parse_signals([word for word in text.split("+") if word not in ("", "none")])
    except ValueError as error:
        raise bad(f"lines: {error}") from error
