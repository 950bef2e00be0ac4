"""Capture frames by V4L2: ``video_frames.py /dev/video0 160x120 30 10 FILE`` (device, size, frames a second, how many).

The frames go into FILE, one after the other; for each a line is printed with the driver's sequence number, the bytes,
the flags and the time in seconds. ``brightness=N`` as one more argument sets that control first.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import sys
from pathlib import Path

# linux/videodev2.h, on 64-bit machines.
S_FMT, REQBUFS, QUERYBUF, QBUF, DQBUF = 0xC0D05605, 0xC0145608, 0xC0585609, 0xC058560F, 0xC0585611
STREAMON, STREAMOFF, S_PARM, S_CTRL = 0x40045612, 0x40045613, 0xC0CC5616, 0xC008561C
CAPTURE, MMAP = 1, 1
YUYV = int.from_bytes(b"YUYV", "little")
BRIGHTNESS = 0x00980900
BUFFERS = 4
FORMAT = struct.Struct("<IxxxxIIIIII176x")
"""Type, then width, height, pixel format, field, bytes a line, bytes a picture."""
PARAMETERS = struct.Struct("<IIIII184x")
"""Type, capability, mode, time a frame (numerator, denominator)."""
BUFFER = struct.Struct("<IIIII4xqq16xIIQI12x")
"""Index, type, bytes, flags, field, seconds, microseconds, time code, sequence, memory, offset, length."""


def buffer(device: int, code: int, index: int) -> tuple[int, ...]:
    """One of the requests that take a v4l2_buffer."""
    return BUFFER.unpack(fcntl.ioctl(device, code, BUFFER.pack(index, CAPTURE, 0, 0, 0, 0, 0, 0, MMAP, 0, 0)))


def main(path: str, size: str, rate: str, count: str, out: str, *controls: str) -> None:
    """Capture."""
    device = os.open(path, os.O_RDWR)
    width, height = map(int, size.split("x"))
    got = FORMAT.unpack(fcntl.ioctl(device, S_FMT, FORMAT.pack(CAPTURE, width, height, YUYV, 0, 0, 0)))
    assert got[1:4] == (width, height, YUYV), f"the driver wants {got[1:4]}"
    fcntl.ioctl(device, S_PARM, PARAMETERS.pack(CAPTURE, 0, 0, 1, int(rate)))
    for control in controls:
        fcntl.ioctl(device, S_CTRL, struct.pack("<Ii", BRIGHTNESS, int(control.removeprefix("brightness="))))
    fcntl.ioctl(device, REQBUFS, struct.pack("<III8x", BUFFERS, CAPTURE, MMAP))
    maps = []
    for index in range(BUFFERS):
        *_, offset, length = buffer(device, QUERYBUF, index)
        maps.append(mmap.mmap(device, length, offset=offset))
        buffer(device, QBUF, index)
    fcntl.ioctl(device, STREAMON, struct.pack("<i", CAPTURE))
    with Path(out).open("wb") as file:
        for _ in range(int(count)):
            index, _, used, flags, _, seconds, micros, sequence, *_ = buffer(device, DQBUF, 0)
            file.write(maps[index][:used])
            print(sequence, used, flags, seconds + micros / 1e6, flush=True)
            buffer(device, QBUF, index)
    fcntl.ioctl(device, STREAMOFF, struct.pack("<i", CAPTURE))


if __name__ == "__main__":
    main(*sys.argv[1:])
