"""The virtual webcam under uvcvideo: frames by V4L2 over both transports, their numbers, pixels and times."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import pytest

from hil.live.side import probe
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab

COUNT = 12
BARS = [
    (180, 128, 128), (162, 44, 142), (131, 156, 44), (112, 72, 58), (84, 184, 198), (65, 100, 212), (35, 212, 114),
    (16, 128, 128),
]  # fmt: skip
"""Luma, blue and red of 75 % colour bars."""
FLAG_ERROR = 0x40


@dataclass(slots=True)
class Frame:
    """One as the driver gave it, and what its pixels say."""

    sequence: int
    flags: int
    time: float
    pixels: bytes
    width: int
    height: int

    def at(self, x: float, y: float) -> tuple[int, int, int]:
        """Luma, blue and red of the pixel at a place of the picture, 0 to 1 from left to right and top to bottom."""
        offset = (int(y * self.height) * self.width + int(x * self.width) // 2 * 2) * 2
        luma, blue, _, red = self.pixels[offset : offset + 4]
        return luma, blue, red

    @property
    def number(self) -> int:
        """The frame's number by the device's own count, from its 16 blocks of black and white."""
        found = [self.at((block + 0.5) / 16, 1 / 16)[0] for block in range(16)]
        assert set(found) <= {16, 235}
        return int("".join(str(int(luma > 128)) for luma in found), 2)


def capture(lab: Lab, node: str, size: tuple[int, int], rate: int, brightness: int | None = None) -> list[Frame]:
    out = lab.rig.shared / "frames.raw"
    answer = probe(
        lab, lab.guest, "video_frames", node=node, size=size, interval=(1, rate), count=COUNT, out=str(out),
        brightness=brightness,
    )  # fmt: skip
    data, found = out.read_bytes(), []
    for sequence, used, whole, flags, moment, *_ in answer["frames"]:
        assert used == whole == size[0] * size[1] * 2
        found.append(Frame(sequence, flags, moment, data[:used], *size))
        data = data[used:]
    assert len(found) == COUNT
    return found


def check(frames: list[Frame], rate: int, brightness: int = 0) -> None:
    numbers = [each.number for each in frames]
    assert numbers == list(range(numbers[0], numbers[0] + COUNT)), "frames are lost or come twice"
    check_pictures(frames, brightness)
    pace = 1 / statistics.linear_regression(range(COUNT), [each.time for each in frames]).slope
    print(f"{pace:.2f} frames a second")
    assert pace == pytest.approx(rate, rel=0.05)


def check_pictures(frames: list[Frame], brightness: int = 0) -> None:
    assert not any(each.flags & FLAG_ERROR for each in frames)
    first = frames[0]
    for frame in frames:
        assert frame.sequence - first.sequence == frame.number - first.number
        for y in (0.2, 0.5, 0.99):
            found = [frame.at((bar + 0.5) / 8, y) for bar in range(8)]
            assert found == [(min(max(luma + brightness, 0), 255), blue, red) for luma, blue, red in BARS]


@pytest.mark.parametrize("transport", ["iso", "bulk"])
def test_uvcvideo_gets_every_frame_whole(lab: Lab, kernel: UmlMachine, transport: str) -> None:
    with lab.plug(f"webcam:transport={transport}") as plugged:
        node = plugged.node("/dev/video")
        check(capture(lab, node, (160, 120), 30), 30)
        check(capture(lab, node, (320, 240), 10, 40), 10, 40)
        check(capture(lab, node, (160, 120), 15, -100), 15, -100)
        lab.wait_driver_in_guest("uvcvideo")


LOST_PACKETS = """
seed = 1
[[fault]]
where = { endpoint = 0x81 }
when = { every = 20 }
what = { kind = "iso-errors", packets = [5] }
"""


def test_pictures_with_lost_packets_are_dropped_and_the_others_are_whole(lab: Lab, kernel: UmlMachine) -> None:
    plan = lab.rig.shared / "plan.toml"
    plan.write_text(LOST_PACKETS)
    with lab.plug("webcam", "--faults", str(plan)) as plugged:
        frames = capture(lab, plugged.node("/dev/video"), (160, 120), 30)
    numbers = [each.number for each in frames]
    print(numbers)
    assert numbers[-1] - numbers[0] > COUNT, "a lost packet every 80 ms hits more than every third picture"
    check_pictures(frames)
