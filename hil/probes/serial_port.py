"""What a terminal program sees of a serial port; each step opens it anew, as another program would."""

from __future__ import annotations

import contextlib
import os
import random
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from fcntl import ioctl
from typing import Any

from hil.clients.terminal import COUNTERS, LINES, Terminal

__all__ = ["run"]

_QUIET_SECONDS = 6.0
"""Bytes that have not come after so long a silence are lost."""
_LINE_SECONDS = 0.5
_FLAGS = ("input", "output", "control", "local", "speed in", "speed out")
_IN = ("cts", "dcd", "ring", "dsr")


def run(node: str, steps: Sequence[Sequence[Any]]) -> list[Any]:
    """What each step gives: a list of its name and its arguments. OSError, as a failure, if the port has gone."""
    return [_STEPS[name](node, *arguments) for name, *arguments in steps]


@contextlib.contextmanager
def _opened(node: str, form: str) -> Iterator[Terminal]:
    """The port, raw, and empty: what an earlier opening has left on its way is read first."""
    with contextlib.closing(Terminal(node)) as terminal:
        terminal.format(form)
        terminal.drain()
        yield terminal


def _exchange(node: str, baud: int, size: int, write_size: int, seed: int) -> dict[str, Any]:
    """Random bytes out, and in at the same time: how many came, the first that is wrong (None), the seconds it took."""
    data = random.Random(seed).randbytes(size)
    with _opened(node, f"{baud} 8N1") as terminal:
        started = time.perf_counter()
        got = terminal.exchange(data, write_size, _QUIET_SECONDS)
        seconds = time.perf_counter() - started
        extra = terminal.drain() if len(got) == size else 0
    wrong = next((at for at, pair in enumerate(zip(got, data, strict=False)) if pair[0] != pair[1]), None)
    return {"sent": size, "received": len(got) + extra, "wrong": wrong, "seconds": seconds}


def _latency(node: str, baud: int, count: int) -> list[float]:
    """Microseconds of one byte there and back, one after the other. OSError if one does not come."""
    taken = []
    with _opened(node, f"{baud} 8N1") as terminal:
        for number in range(count):
            data = bytes([number & 0xFF])
            started = time.perf_counter_ns()
            got = terminal.exchange(data, 1, _QUIET_SECONDS)
            taken.append((time.perf_counter_ns() - started) / 1000)
            if got != data:
                raise OSError(f"byte {number}: {data.hex()} was sent, {got.hex() or 'nothing'} came")
    return taken


def _lines(node: str) -> dict[str, list[str]]:
    """The lines that are up once DTR and RTS have been driven so, by what is driven."""
    found = {}
    with _opened(node, "9600 8N1") as terminal:
        for driven in ("", "rts", "dtr", "dtr rts", ""):
            terminal.drive(driven)
            found[driven or "none"] = _settled(terminal)
        terminal.drive("dtr rts")
    return found


def _settled(terminal: Terminal) -> list[str]:
    """Lines of the other end, once they have been the same for a while."""
    seen, since = -1, 0.0
    while time.monotonic() < since + _LINE_SECONDS or seen < 0:
        now = terminal.modem_lines()
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.02)
    return [name for name in _IN if seen & LINES[name]]


def _break(node: str, count: int) -> dict[str, int] | None:
    """By how much the driver's counters of breaks and framing errors go up at so many breaks; None: it has none."""
    with _opened(node, "9600 8N1") as terminal:
        before = _counters(terminal)
        for _ in range(count):
            terminal.send_break("")
            terminal.drain()
        after = _counters(terminal)
    if before is None or after is None:
        return None
    return {name: after[name] - before[name] for name in ("break", "frame", "overrun", "parity")}


def _counters(terminal: Terminal) -> dict[str, int] | None:
    try:
        return dict(zip(COUNTERS, terminal.counters(), strict=True))
    except OSError:
        return None


def _settings(node: str, form: str | None) -> dict[str, int]:
    """The port's settings as another opening sees them, after ``form`` (``57600 7E2``) was set; None: as they were."""
    if form is not None:
        with contextlib.closing(Terminal(node)) as terminal:
            terminal.format(form)
    file = os.open(node, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return dict(zip(_FLAGS, termios.tcgetattr(file)[:6], strict=True))
    finally:
        os.close(file)


def _interrupt(node: str, baud: int, size: int, rounds: int, seed: int) -> list[float]:
    """Write much, close while it is under way, open again; how many seconds each closing took."""
    dice = random.Random(seed)
    taken = []
    for _ in range(rounds):
        terminal = Terminal(node)
        terminal.format(f"{baud} 8N1")
        with contextlib.suppress(BlockingIOError):
            os.write(terminal.port, dice.randbytes(size))
        time.sleep(dice.random() * 0.05)
        ioctl(terminal.port, termios.TCFLSH, termios.TCIOFLUSH)
        started = time.perf_counter()
        terminal.close()
        taken.append(time.perf_counter() - started)
    return taken


_STEPS: dict[str, Callable[..., Any]] = {
    "exchange": _exchange, "latency": _latency, "lines": _lines, "break": _break, "settings": _settings,
    "interrupt": _interrupt,
}  # fmt: skip
