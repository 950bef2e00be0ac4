"""What the speaker under test has played: a WAV file of its bench, which grows."""

from __future__ import annotations

import array
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil.live.device import LiveDevice
from hil.places.place import Place
from hil.vm.hardware import Speaker
from hil.vm.qemu import QemuMachine

__all__ = ["Heard", "heard_by"]

_HEADER = 44
_QEMU_RATE, _STEREO = 44100, 2


@dataclass(slots=True)
class Heard:
    """The file, and how much of it was there before."""

    place: Place | None
    path: str
    before: int = 0

    def mark(self) -> None:
        """From here on."""
        self.before = len(self._read())

    def _read(self) -> bytes:
        try:
            return Path(self.path).read_bytes() if self.place is None else self.place.get(self.path)
        except OSError:
            return b""

    def sound(self) -> tuple[array.array[int], int]:
        """The first channel since :meth:`mark`, from the first loud sample to the last, and its rate.

        QEMU writes the header when it ends: until then it is zeroes, and its file has the rate of its audio system.
        """
        data = self._read()
        channels, rate = int.from_bytes(data[22:24], "little"), int.from_bytes(data[24:28], "little")
        channels, rate = channels or _STEREO, rate or _QEMU_RATE
        size, start = 2 * channels, max(_HEADER, self.before)
        whole = data[start : start + (len(data) - start) // size * size]
        samples = array.array("h", whole)[::channels]
        limit = max(map(abs, samples), default=0) / 10
        loud = [at for at, sample in enumerate(samples) if abs(sample) > limit]
        return (samples[loud[0] : loud[-1] + 1] if loud else array.array("h")), rate


def heard_by(device: LiveDevice) -> Heard:
    """Skips where nothing keeps it."""
    host = device.rig.host
    if isinstance(host, QemuMachine) and isinstance(piece := host.hardware.get(device.name), Speaker):
        return Heard(None, str(piece.wav))
    path = device.entry.options.get("audio", {}).get("record")
    if path is None:
        pytest.skip("nobody listens to it: audio = { record = FILE } in the rig file")
    return Heard(host, path)
