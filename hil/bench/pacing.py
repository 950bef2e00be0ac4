"""How well the emulator's isochronous streams keep time on the real clock: drift, lateness and lost slots.

A stream as a sound driver makes it: URBs of one millisecond, sixteen in flight, each queued again as it completes.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from statistics import median, quantiles

from emulator.device import VirtualDevice
from emulator.firmware import Firmware
from emulator.gadget import Gadget
from hil.bench.record import Measure
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import Speed, TransferType
from wslusb.usb.urb import Completion, Urb

__all__ = ["pacing_measures", "timing"]

OURS = "wslusb"
_IN_FLIGHT = 16
_PACKET = 64
_PERIOD = 0.001
_FRAMES = 1 << 11
_STREAMS = {"1 ms, full speed": (Speed.FULL, 1), "125 us, high speed": (Speed.HIGH, 8)}
"""Packets in a URB."""


def pacing_measures(seconds: float, say: Callable[[str], None]) -> list[Measure]:
    """Run each stream for so long."""
    found = []
    for name, (speed, packets) in _STREAMS.items():
        say(f"isochronous, a packet every {name}: {seconds:g} s")
        times, frames = _stream(speed, packets, int(seconds / _PERIOD))
        for what, (unit, value) in timing(times, frames).items():
            found.append(Measure(f"packets every {name}: {what}", unit, {OURS: [value]}))
    return found


def timing(times: list[float], frames: list[int]) -> dict[str, tuple[str, float]]:
    """What the completion times (seconds) and the frame numbers of URBs of one frame each say.

    Drift is the slope of the lateness between the medians of its first and last quarter; lateness is counted from the
    earliest. A slot is lost where a URB does not start in the frame after the one before it.
    """
    late = [when - number * _PERIOD for number, when in enumerate(times)]
    quarter = len(late) // 4
    drift = (median(late[-quarter:]) - median(late[:quarter])) / ((len(late) - quarter) * _PERIOD)
    earliest = min(late)
    late = [1e6 * (each - earliest) for each in late]
    percentiles = quantiles(late, n=1000)
    lost = sum((new - old) % _FRAMES - 1 for old, new in itertools.pairwise(frames))
    return {
        "drift": ("ppm", drift * 1e6),
        "late, median": ("us", percentiles[499]),
        "late, 99 %": ("us", percentiles[989]),
        "late, 99.9 %": ("us", percentiles[998]),
        "late, most": ("us", max(late)),
        "slots lost": ("", float(lost)),
    }


def _stream(speed: Speed, packets: int, count: int) -> tuple[list[float], list[int]]:
    """The times and frame numbers of ``count`` URBs of a stream."""
    device = VirtualDevice(_gadget(speed), Firmware())
    device.select_interface(0, 1)
    times: list[float] = []
    frames: list[int] = []
    finished = threading.Event()
    microframes = packets  # of a URB, where a frame number counts them

    def done(completion: Completion) -> None:
        times.append(time.monotonic())
        frames.append(completion.start_frame // microframes)
        if len(times) >= count:
            finished.set()
        else:
            device.submit(completion.urb, done)

    lengths = [_PACKET] * packets
    for number in range(_IN_FLIGHT):
        urb = Urb(number, 0x81, TransferType.ISOCHRONOUS, sum(lengths), iso_lengths=lengths)
        device.submit(urb, done)
    finished.wait()
    device.close()
    return times[:count], frames[:count]


def _gadget(speed: Speed) -> Gadget:
    stream = Endpoint(0x81, TransferType.ISOCHRONOUS, _PACKET, 1)
    settings = [Interface(0, 0), Interface(0, 1, endpoints=[stream])]
    return Gadget(
        device=DeviceDescriptor(0x0525, 0xA4A0), configurations=(Configuration(1, settings),), speed=speed
    )  # fmt: skip
