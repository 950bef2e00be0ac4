"""What can be captured in this process, and what is being captured: devices come and go, captures start and stop."""

from __future__ import annotations

import itertools
import threading
from collections import Counter

from ..usb.info import DeviceInfo
from .point import Point, TappedDevice, TappedLink
from .sink import Item, Sink
from .usbmon import Place
from .vsockmon import End

__all__ = ["Hub"]

_FIRST_PORT, _GUEST_CID = 1024, 3
"""Where the number of a guest is not known (a Unix socket; the guest's own side), it is the first that a guest has."""
_MOST_ADDRESSES = 127


class Hub:
    """The service has one, and the agent. ``busid`` is empty for every device, also those that are yet to come."""

    def __init__(self, *, is_host: bool) -> None:
        self._is_host = is_host
        self._points: set[Point] = set()
        self._sinks: dict[Sink, str] = {}
        self._rings: dict[str, Sink] = {}
        self._places: dict[str, Place] = {}
        self._ports = itertools.count(_FIRST_PORT)
        self._lock = threading.Lock()

    # -- devices

    def attach(self, info: DeviceInfo, device: TappedDevice, link: TappedLink, cid: int = _GUEST_CID) -> Point:
        """A device is attached from now on, to the guest of that context id."""
        with self._lock:
            guest = End(cid if 0 < cid < 1 << 32 else _GUEST_CID, next(self._ports) & 0xFFFFFFFF)
            point = Point(info, self._place(info.busid), guest, device, link, is_host=self._is_host)
            self._points.add(point)
            self._connect(point)
        return point

    def detach(self, point: Point) -> None:
        """It is not any more."""
        with self._lock:
            self._points.discard(point)
            point.listen(())

    def _place(self, busid: str) -> Place:
        """The bus's number and, as an address, the last port's: what ``2-1.4`` is on the bus nobody here knows."""
        found = self._places.get(busid)
        if found is None:
            bus, _, ports = busid.partition("-")
            number = int(bus) if bus.isdecimal() and 0 < int(bus) < 256 else 1
            last = ports.rpartition(".")[2]
            wanted = int(last) if last.isdecimal() and 0 < int(last) <= _MOST_ADDRESSES else 1
            taken = Counter(self._places.values())
            free = (n for n in (wanted, *range(1, _MOST_ADDRESSES + 1)) if (number, n) not in taken)
            found = self._places[busid] = (number, next(free, wanted))
        return found

    # -- captures

    def start(self, busid: str, sink: Sink) -> None:
        """Give ``sink`` what goes on."""
        with self._lock:
            self._sinks[sink] = busid
            self._connect_all()

    def stop(self, sink: Sink) -> None:
        """Give it nothing more."""
        with self._lock:
            self._sinks.pop(sink, None)
            self._connect_all()

    def keep_ring(self, busid: str, size: int) -> None:
        """Keep the last ``size`` bytes from now on; with 0, keep none any more."""
        with self._lock:
            before = self._rings.pop(busid, None)
            if before is not None:
                self._sinks.pop(before, None)
            if size:
                self._rings[busid] = ring = Sink(size, ring=True)
                self._sinks[ring] = busid
            self._connect_all()

    def ring(self, busid: str) -> tuple[Sink, list[Item]] | None:
        """What is in the ring of a device, or of it in the ring of all; None where none is kept."""
        with self._lock:
            ring = self._rings.get(busid) or self._rings.get("")
        if ring is None:
            return None
        return ring, [item for item in ring.peek() if busid in ("", item.point.info.busid)]

    def _connect_all(self) -> None:
        for point in self._points:
            self._connect(point)

    def _connect(self, point: Point) -> None:
        point.listen(tuple(sink for sink, busid in self._sinks.items() if busid in ("", point.info.busid)))
