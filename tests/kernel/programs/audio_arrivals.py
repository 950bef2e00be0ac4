"""When captured sound arrives: ``audio_arrivals.py hw:1,0 48000 5`` (device, rate to ask for, seconds).

For each period that arecord hands on a line is printed: the time in seconds, and how many frames have come until then.
"""

from __future__ import annotations

import subprocess
import sys
import time

PERIOD = 480
FRAME = 2


def main(device: str, rate: str, seconds: str) -> None:
    """Capture 16-bit mono."""
    command = ["arecord", "-q", "-D", device, "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", rate]
    buffer = ["--period-size", str(PERIOD), "--buffer-size", str(PERIOD * 40)]
    times: list[float] = []
    with subprocess.Popen([*command, *buffer], stdout=subprocess.PIPE) as recorder:
        assert recorder.stdout is not None
        while len(times) < float(seconds) * int(rate) / PERIOD:
            assert len(recorder.stdout.read(PERIOD * FRAME)) == PERIOD * FRAME, "arecord has ended"
            times.append(time.monotonic())
        recorder.terminate()
    for index, moment in enumerate(times, 1):
        print(moment, index * PERIOD)


if __name__ == "__main__":
    main(*sys.argv[1:])
