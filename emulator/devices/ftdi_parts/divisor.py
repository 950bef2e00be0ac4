"""Baud rates as an FT232B, FT232R or FT-X is told them (FTDI AN232B-05; drivers/usb/serial/ftdi_sio.h).

A rate is 3 MHz (48 MHz / 16) divided by a number with eighths: 14 bits of integer, three of fraction that are coded so
that the older chips, which had two of them, understand the commonest.
"""

from __future__ import annotations

__all__ = ["baud_rate", "encode"]

_BASE = 3_000_000
_EIGHTHS = (0, 4, 2, 1, 3, 5, 6, 7)
"""What each code of the fraction adds, in eighths."""
_ONE, _ONE_AND_A_HALF = 0, 1
"""Divisors that stand for others: 0 is 1, and 1 is 1.5."""


def baud_rate(value: int, index: int) -> int:
    """The rate that wValue and wIndex of SET_BAUD_RATE ask for."""
    integer, code = value & 0x3FFF, value >> 14 | (index & 1) << 2
    if not code and integer == _ONE:
        return _BASE
    if not code and integer == _ONE_AND_A_HALF:
        return _BASE * 2 // 3
    return round(_BASE * 8 / max(8, integer * 8 + _EIGHTHS[code]))


def encode(baud: int) -> tuple[int, int]:
    """The wValue and wIndex for the nearest rate, as the driver makes them."""
    eighths = round(_BASE * 8 / baud)
    if eighths in (8, 12):
        return (_ONE if eighths == 8 else _ONE_AND_A_HALF), 0
    code = _EIGHTHS.index(eighths & 7)
    return eighths >> 3 | (code & 3) << 14, code >> 2
