"""What the cases of Linux' usbtest (drivers/usb/misc/usbtest.c) ask of a device, asked by a program.

Their names begin with usbtest's numbers; case 0 does nothing and is left out. Those that move data need a device that
sends and swallows whatever a host likes (:func:`.pipes.source_and_sink`); 9 and 10 run on any.
"""

from __future__ import annotations

from . import control, halts, streams, transfers, unlinking

__all__ = ["CASES"]

CASES = sorted(
    [*transfers.CASES, *control.CASES, *unlinking.CASES, *halts.CASES, *streams.CASES],
    key=lambda case: int(case.name.split()[0]),
)
