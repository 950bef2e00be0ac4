"""Sound as it comes from a sound card of the kernel (arecord): when it comes, and whether it is the tone due."""

from __future__ import annotations

import array
import subprocess
import time
from pathlib import Path
from typing import Any

from hil.clients.sound import SAMPLES, breaks

__all__ = ["run"]

_PERIOD_SECONDS = 0.01
_PERIODS = 40


def run(
    device: str, rate: int, channels: int, duration: float, tone: int = 0, status: str = "", form: str = "S16_LE"
) -> dict[str, Any]:
    """Capture from an ALSA device (``hw:1,0``).

    ``arrivals``: seconds of the clock and frames until then, a period each; ``said``: what arecord complains of, as
    an overrun; ``status``: what that file of sysfs says in the middle. Of the first channel, if there are 16 bits:
    ``loudest``: the largest sample, and if there is a ``tone`` in Hz ``breaks``, see :func:`hil.clients.sound.breaks`.
    """
    period = round(rate * _PERIOD_SECONDS)
    command = ["arecord", "-q", "-D", device, "-t", "raw", "-f", form, "-c", str(channels), "-r", str(rate)]
    buffer = ["--period-size", str(period), "--buffer-size", str(period * _PERIODS)]
    size, samples, arrivals, told = period * channels * SAMPLES[form], array.array("h"), list[list[float]](), ""
    with subprocess.Popen([*command, *buffer], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as recorder:
        assert recorder.stdout is not None  # noqa: S101
        assert recorder.stderr is not None  # noqa: S101
        wanted = round(duration / _PERIOD_SECONDS)
        while len(arrivals) < wanted and len(data := recorder.stdout.read(size)) == size:
            arrivals.append([time.monotonic(), len(arrivals) * period + period])
            if form == "S16_LE":
                samples.frombytes(data)
            if status and len(arrivals) == wanted // 2:
                told = _read(status)
        recorder.terminate()
        said = recorder.stderr.read().decode(errors="replace")
    heard = samples[::channels]
    return {
        "arrivals": arrivals, "said": _complaints(said), "breaks": breaks(heard, tone, rate) if tone else [],
        "loudest": max(map(abs, heard), default=0), "status": told,
    }  # fmt: skip


def _read(path: str) -> str:
    return Path(path).read_text(encoding="ascii", errors="replace")


def _complaints(said: str) -> str:
    """That it was told to end is none."""
    return "\n".join(line for line in said.splitlines() if "Aborted by signal" not in line)
