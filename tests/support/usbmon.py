"""Linux' own record of what goes over its USB buses: /dev/usbmonN into a pcap file of link type 220.

    python -m tests.support.usbmon FILE

runs in a machine of the rig, as root, until SIGTERM; "recording" on standard output says that it has begun.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import struct
import sys
import threading
from pathlib import Path

__all__ = ["Monitor"]

LINKTYPE_USB_LINUX_MMAPPED = 220
RING_SIZE, STATISTICS, GETX = 0x9204, 0x80089203, 0x4018920A
"""MON_IOCT_RING_SIZE, MON_IOCG_STATS, MON_IOCX_GETX (an event with 64 bytes of header): drivers/usb/mon/mon_bin.c."""
RING = 1200 << 10
"""The most that the kernel gives. It cuts data at a fifth of it."""
SNAP = RING // 5 + 128 * 16
"""Those data, and the table of as many packets as the kernel tells."""


class Monitor(threading.Thread):
    """Copies the events of a bus into a file; bus 0 is all of them."""

    def __init__(self, path: Path, bus: int = 0) -> None:
        super().__init__(daemon=True)
        self._device = os.open(f"/dev/usbmon{bus}", os.O_RDONLY | os.O_NONBLOCK)
        fcntl.ioctl(self._device, RING_SIZE, RING)
        self._file = path.open("wb")
        self._file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP, LINKTYPE_USB_LINUX_MMAPPED))
        self._ending = False
        self._header, self._data = ctypes.create_string_buffer(64), ctypes.create_string_buffer(SNAP)
        self._arguments = struct.pack("PPN", ctypes.addressof(self._header), ctypes.addressof(self._data), SNAP)

    def run(self) -> None:
        """Until :meth:`end`."""
        while True:
            ready = select.select([self._device], [], [], 0.2)[0]
            if ready:
                self._one()
            elif self._ending:
                return

    def _one(self) -> None:
        fcntl.ioctl(self._device, GETX, self._arguments)
        header = self._header.raw
        (captured,) = struct.unpack_from("<I", header, 36)
        data = self._data.raw[:captured]
        seconds, micro = struct.unpack_from("<qi", header, 16)
        self._file.write(struct.pack("<IIII", seconds, micro, 64 + len(data), 64 + len(data)))
        self._file.write(header + data)

    def end(self) -> int:
        """Read what is left, and close the file; how many events the kernel had no room for since it was asked last."""
        self._ending = True
        self.join()
        self._file.close()
        statistics = bytearray(8)
        fcntl.ioctl(self._device, STATISTICS, statistics)
        os.close(self._device)
        return int.from_bytes(statistics[4:8], "little")


def main() -> int:
    """Record until SIGTERM; 1 if something is missing in the file."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    monitor = Monitor(Path(sys.argv[1]))
    monitor.start()
    sys.stdout.write("recording\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM})
    lost = monitor.end()
    sys.stdout.write(f"{lost} events lost\n")
    return lost > 0


if __name__ == "__main__":
    sys.exit(main())
