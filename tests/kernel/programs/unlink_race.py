"""Many bulk URBs on Gadget Zero's Loopback, some of them discarded at a random moment, counted and compared.

Loopback (configuration 2) sends back what it gets. OUT URBs carry a known stream and go on where the one before ended,
whatever became of that; IN URBs are sorted into the order of their submission. Then

- every URB is reaped exactly once, discarded or not, and none of them later than ten seconds;
- the bytes that came back are the bytes that went out, in order, none missing and none twice: those of cancelled URBs
  too.

python unlink_race.py SERIAL SECONDS SEED
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import usbfs

ENOENT, ECONNRESET = 2, 104
OUT, IN = 0x02, 0x81
DEPTH = 24
PACKET = 512
ECHO = 4096
"""f_loopback's requests: it echoes when it has that much, or at a short packet."""


@dataclass
class Race:
    """One run."""

    device: usbfs.Device
    random: random.Random
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("out", "in", "discarded", "late", "won", "partial"), 0)
    )
    sent: bytearray = field(default_factory=bytearray)
    reads: list[usbfs.Urb] = field(default_factory=list)
    writing: usbfs.Urb | None = None

    def run(self, seconds: float) -> None:
        """Keep both directions busy and discard at random; then let all come home."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._fill()
            self._discard_some()
            while (urb := self.device.reap(0)) is not None:
                self._home(urb)
        self._drain()

    def _fill(self) -> None:
        if self.writing is None:
            data = self.random.randbytes(PACKET * self.random.randrange(1, 17))
            self.writing = self.device.submit(usbfs.Urb(OUT, data))
            self.counts["out"] += 1
        while len(self.device.flying) < DEPTH:
            self.reads.append(self.device.submit(usbfs.Urb(IN, PACKET * self.random.choice((1, 2, 8, 32)))))
            self.counts["in"] += 1

    def _discard_some(self) -> None:
        """Any of them, or those that are the next to complete: where the race is."""
        flying = list(self.device.flying.values())
        if self.random.random() < 0.7:
            flying = flying[:3]
        for urb in self.random.sample(flying, self.random.randrange(len(flying) + 1) // 3):
            self.counts["discarded" if self.device.discard(urb) else "late"] += 1

    def _home(self, urb: usbfs.Urb) -> None:
        if urb.status not in (0, -ENOENT, -ECONNRESET):
            raise SystemExit(f"a URB ended with {urb.status}")
        written = urb is self.writing
        if urb.status:
            self.counts["won"] += 1
            self.counts["partial"] += bool(urb.actual)
        elif written and urb.actual != urb.length:
            raise SystemExit(f"an OUT URB of {urb.length} bytes succeeded with {urb.actual}")
        if written:
            self.sent += urb.buffer.raw[: urb.actual]
            self.writing = None

    def _drain(self) -> None:
        """Stop writing, fill the gadget's last request, read until nothing comes, discard the rest."""
        device = self.device
        if self.writing is not None:
            self._come_home(lambda: self.writing is None)
        padding = -len(self.sent) % ECHO or ECHO
        self.writing = device.submit(usbfs.Urb(OUT, bytes(padding)))
        self._come_home(lambda: self.writing is None)
        self.reads += [device.submit(usbfs.Urb(IN, 16 * PACKET)) for _ in range(DEPTH)]
        while (urb := device.reap(1.0)) is not None:
            self._home(urb)
        for urb in list(device.flying.values()):
            self.counts["discarded"] += device.discard(urb)
        self._come_home(lambda: not device.flying, refill=False)

    def _come_home(self, done: Callable[[], bool], *, refill: bool = True) -> None:
        deadline = time.monotonic() + 10
        while not done():
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(self.device.flying)} URBs never came back: {self.counts}")
            if refill and len(self.device.flying) < DEPTH:
                self.reads.append(self.device.submit(usbfs.Urb(IN, 16 * PACKET)))
            if (urb := self.device.reap(1.0)) is not None:
                self._home(urb)

    def verdict(self) -> dict[str, object]:
        """What was counted. SystemExit if a byte is missing, doubled, or out of place."""
        received = b"".join(urb.data for urb in self.reads)
        wrong = next((at for at, pair in enumerate(zip(received, self.sent, strict=False)) if pair[0] != pair[1]), -1)
        if wrong >= 0 or len(received) != len(self.sent):
            raise SystemExit(
                f"sent {len(self.sent)}, received {len(received)}, first difference at {wrong}: {self.counts}"
            )
        if any(urb.reaped != 1 for urb in self.reads):
            raise SystemExit("a URB was not reaped exactly once")
        return {**self.counts, "bytes": len(received)}


def main() -> None:
    """Run it and print what was counted."""
    serial, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    device = usbfs.Device(serial)
    device.configure(2)
    device.number(usbfs.CLAIMINTERFACE, 0)
    race = Race(device, random.Random(seed))
    race.run(seconds)
    print(json.dumps(race.verdict()), flush=True)


if __name__ == "__main__":
    main()
