"""Strings of devices and peers, as they may be shown: who writes them may write escape sequences and line ends."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str, but: str = "") -> str:
    """``text`` with "?" for each character that a terminal would not print, but for those in ``but``."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c in but else "?" for c in text)
