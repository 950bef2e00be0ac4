"""A tone, or silence, to a sound card of the kernel (aplay): what aplay complained of, and how long it took."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from pathlib import Path
from typing import IO, Any

from hil.clients.sound import SAMPLES, sine

__all__ = ["run"]

_LOOK_SECONDS = 0.02


def run(
    device: str, rate: int, channels: int, duration: float, tone: int = 0, status: str = "", form: str = "S16_LE"
) -> dict[str, Any]:
    """Play to an ALSA device (``hw:1,0``): a ``tone`` in Hz if it takes 16 bits, else zeroes.

    ``seconds``: from the first sample to the end; ``said``: what aplay complains of, such as an underrun; ``status``:
    the alternate setting that this file of sysfs told of while it played; ``late``: by how many seconds this machine
    woke somebody up too late in the meantime.
    """
    frames = round(rate * duration)
    silence = bytes(frames * channels * SAMPLES[form])
    sound = sine(tone, frames, rate, channels).tobytes() if tone and form == "S16_LE" else silence
    command = ["aplay", "-q", "-D", device, "-t", "raw", "-f", form, "-c", str(channels), "-r", str(rate)]
    started, told, late = time.monotonic(), "", 0.0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as player:
        assert player.stdin is not None  # noqa: S101
        assert player.stderr is not None  # noqa: S101
        writer = threading.Thread(target=_write, args=(player.stdin, sound))
        writer.start()
        while player.poll() is None:
            told = (_read(status) if status else "") or told
            due = time.monotonic() + _LOOK_SECONDS
            time.sleep(_LOOK_SECONDS)
            late = max(late, time.monotonic() - due)
        writer.join()
        said = player.stderr.read().decode(errors="replace")
    return {"seconds": time.monotonic() - started, "said": said.strip(), "status": told, "late": late}


def _write(file: IO[bytes], sound: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), file:  # aplay says why it has ended
        file.write(sound)


def _read(path: str) -> str:
    """The alternate setting; empty for 0, in which nothing is played."""
    return Path(path).read_text(encoding="ascii").strip().lstrip("0")
