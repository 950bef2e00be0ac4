"""How many frames a second a sound card captures: ``audio_pace.py hw:1,0 48000 5`` (device, rate to ask for, seconds).

arecord hands on one period at a time. The pace is the slope of the straight line through what had come at what time,
so that a late wake-up counts little.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

PERIOD = 480
FRAME = 2
WARM_UP = 20
"""Periods that are not counted."""


def main(device: str, rate: str, seconds: str) -> None:
    """Print the frames a second."""
    command = ["arecord", "-q", "-D", device, "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", rate]
    buffer = ["--period-size", str(PERIOD), "--buffer-size", str(PERIOD * 40)]
    times: list[float] = []
    with subprocess.Popen([*command, *buffer], stdout=subprocess.PIPE) as recorder:
        assert recorder.stdout is not None
        recorder.stdout.read(PERIOD * FRAME * WARM_UP)
        while len(times) < float(seconds) * int(rate) / PERIOD:
            assert len(recorder.stdout.read(PERIOD * FRAME)) == PERIOD * FRAME, "arecord has ended"
            times.append(time.monotonic())
        recorder.terminate()
    frames = [float(index * PERIOD) for index in range(len(times))]
    print(statistics.linear_regression(times, frames).slope)


if __name__ == "__main__":
    main(*sys.argv[1:])
