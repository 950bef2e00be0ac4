"""What a device does as an input device of Linux: key events come, LEDs are lit."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Sequence
from pathlib import Path

from hil.clients.evdev import EV_KEY, EV_LED, EVENT, events

__all__ = ["run"]


def run(
    nodes: Sequence[str], seconds: float = 0.0, count: int = 10_000, leds: Sequence[Sequence[int]] = ()
) -> list[list[int]]:
    """Key events ([code, value], 1 down and 0 up) of all nodes for ``seconds``, or until ``count`` have come.

    ``leds``: [code, value] that are lit before. It says ``ready`` when it listens.
    """
    found: list[list[int]] = []
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(Path(node).open("r+b", buffering=0)) for node in nodes]
        for code, value in leds:
            for file in files:
                file.write(EVENT.pack(0, 0, EV_LED, code, value) + bytes(EVENT.size))
        print("ready", flush=True)  # noqa: T201
        deadline = time.monotonic() + seconds
        while len(found) < count and (rest := deadline - time.monotonic()) > 0:
            for file in select.select(files, [], [], rest)[0]:
                found += [[code, value] for kind, code, value in events(file) if kind == EV_KEY and value < 2]
    return found
