"""wslusb.capture: sinks, the hub and the writer, without a socket."""

from __future__ import annotations

import errno
import fcntl
import io
import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from wslusb.capture import pcapfile, usbmon, vsockmon
from wslusb.capture.hub import Hub
from wslusb.capture.point import FrameTap, Point
from wslusb.capture.profile import Profile, check
from wslusb.capture.sink import Item, Kind, Sink
from wslusb.capture.writer import MOST_PACKET, Writer
from wslusb.errors import LocalError
from wslusb.usb.ids import TransferType
from wslusb.usb.info import DeviceInfo
from wslusb.usb.urb import Completion, Urb

EMPTY = b""
DEVICE = bytes.fromhex("120100020000004034127856000101020301")


@dataclass
class Taps:
    """A device and a link in one."""

    tap: FrameTap | None = None
    urbs: Point | None = None

    def listen(self, tap: Point | None) -> None:
        self.urbs = tap


def attach(hub: Hub, busid: str = "2-1") -> tuple[Point, Taps]:
    taps = Taps()
    info = DeviceInfo(busid=busid, vendor=1, product=2, serial="SERIAL99", product_name="Box", device_descriptor=DEVICE)
    return hub.attach(info, taps, taps), taps


def one_urb(point: Point, size: int = 64) -> None:
    urb = Urb(1, 0x01, TransferType.BULK, size, data=b"x" * size)
    point.submitted(urb)
    point.completed(Completion(urb, 0, size))


class TestHub:
    def test_taps_are_on_while_somebody_listens_and_only_then(self) -> None:
        hub, sink = Hub(is_host=True), Sink()
        point, taps = attach(hub)
        _, others = attach(hub, "2-2")
        assert taps == Taps()
        hub.start("2-1", sink)
        assert taps.urbs is point
        assert taps.tap is not None
        assert others.urbs is None
        hub.stop(sink)
        assert taps == Taps()

    def test_a_device_that_comes_later_is_captured_too(self) -> None:
        hub, sink = Hub(is_host=True), Sink()
        hub.start("", sink)
        point, _ = attach(hub)
        one_urb(point)
        assert [item.kind for item in sink.take(0)] == [Kind.URB, Kind.URB]
        hub.detach(point)
        one_urb(point)
        assert sink.take(0) == []

    def test_places_are_of_the_busid_and_no_two_are_the_same(self) -> None:
        hub = Hub(is_host=True)
        places = [attach(hub, busid)[0].place for busid in ("2-1", "2-1.1", "2-1", "3-4.2", "strange", "2-300")]
        assert places == [(2, 1), (2, 2), (2, 1), (3, 2), (1, 1), (2, 3)]

    def test_the_ring_of_all_gives_what_is_of_one_device(self) -> None:
        hub = Hub(is_host=True)
        hub.keep_ring("", 1 << 20)
        for busid in ("2-1", "2-2"):
            one_urb(attach(hub, busid)[0])
        found = hub.ring("2-2")
        assert found is not None
        assert {item.point.info.busid for item in found[1]} == {"2-2"}
        hub.keep_ring("", 0)
        assert hub.ring("2-2") is None


class TestSink:
    def test_what_has_no_room_is_dropped_and_the_next_record_tells(self) -> None:
        hub, sink = Hub(is_host=True), Sink(1000)
        point, _ = attach(hub)
        hub.start("", sink)
        for _ in range(4):
            one_urb(point)
        kept = sink.take(0)
        assert 0 < len(kept) < 8
        one_urb(point)
        counts = sink.counts[point, True]
        assert counts.received == 10
        assert counts.dropped == 8 - len(kept) == sink.take(0)[0].gap

    def test_for_a_writer_that_is_stuck_no_record_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hub, sink = Hub(is_host=True), Sink(1000)
        point, _ = attach(hub)
        hub.start("", sink)
        for _ in range(4):
            one_urb(point)
        assert sink.full
        with monkeypatch.context() as patched:
            patched.setattr(usbmon, "submitted", None)
            patched.setattr(usbmon, "completed", None)
            one_urb(point)
        counts = sink.counts[point, True]
        assert (counts.received, counts.dropped) == (10, 10 - len(sink.take(0)))
        one_urb(point)
        assert len(sink.take(0)) == 2

    def test_a_ring_keeps_what_came_last_within_its_size(self) -> None:
        sink = Sink(2000, ring=True)
        point, _ = attach(Hub(is_host=True))
        for number in range(50):
            sink.put(point, Kind.URB, number, bytes(100))
        times = [item.time for item in sink.peek()]
        assert times == list(range(50 - len(times), 50))
        assert 4 <= len(times) <= 10

    def test_a_ring_forgets_devices_that_left_nothing_in_it(self) -> None:
        sink, hub = Sink(2000, ring=True), Hub(is_host=True)
        for _ in range(600):
            sink.put(attach(hub)[0], Kind.URB, 1, bytes(100))
        assert len(sink.counts) <= 256
        assert {(item.point, True) for item in sink.peek()} <= set(sink.counts)


def packets(blocks: list[bytes]) -> list[pcapfile.Packet]:
    return list(pcapfile.packets(io.BytesIO(EMPTY.join(blocks))))


class TestWriter:
    def written(self, items: list[Item], profile: Profile | None = None) -> list[bytes]:
        writer = Writer(profile or Profile())
        return [writer.begin(), *writer.items(items), writer.end({})]

    def test_descriptors_come_first_and_the_serial_number_is_a_token(self) -> None:
        point, _ = attach(Hub(is_host=True))
        read = usbmon.submitted(Urb(5, 0x81, TransferType.BULK, 64), point.place, 10**18)
        item = Item(point, Kind.URB, 10**18, EMPTY.join(read))
        found = packets(self.written([item]))
        records = [usbmon.read(each.data) for each in found]
        assert next(each.data for each in records if each and each.data) == DEVICE
        assert records[-1] is not None
        assert records[-1].key == 5
        assert "SERIAL99".encode("utf-16-le") not in EMPTY.join(each.data for each in found)
        raw = EMPTY.join(self.written([item], Profile(raw=True)))
        assert "SERIAL99".encode("utf-16-le") in raw
        assert b"--raw" in raw

    def test_a_long_urb_is_cut_and_a_long_message_goes_on_in_the_next_packet(self) -> None:
        point, _ = attach(Hub(is_host=True))
        urb = Urb(5, 0x01, TransferType.BULK, 1 << 19, data=bytes(1 << 19))
        frame = struct.pack("<IIII", 4, 1 << 19, 1, 5) + bytes(1 << 19)
        items = [
            Item(point, Kind.URB, 1, EMPTY.join(usbmon.submitted(urb, point.place, 1))),
            Item(point, Kind.FROM_GUEST, 2, frame),
        ]
        found = packets(self.written(items))
        assert max(len(each.data) for each in found) == MOST_PACKET
        record = usbmon.read(next(each.data for each in found if each.time == 1 and len(each.data) == MOST_PACKET))
        assert record is not None
        assert (record.length, len(record.data)) == (1 << 19, MOST_PACKET - 64)
        chunks = [vsockmon.read(each.data) for each in found if each.link_type == 271]
        assert EMPTY.join(each.data for each in chunks if each) == frame


class TestSecondScan:
    def test_a_clean_file_says_so_and_another_is_removed(self, tmp_path: Path) -> None:
        path = tmp_path / "f"
        path.write_bytes(Writer(Profile()).begin() + b"SERIAL99")
        check(path, [b"SERIAL98"])
        assert b"second scan clean" in path.read_bytes()
        with pytest.raises(LocalError, match="removed"):
            check(path, [b"SERIAL99"])
        assert not path.exists()

    def test_a_file_that_can_be_mapped_for_reading_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As on 9p: the folder that a virtual machine shares with its host."""

        def map_as_9p(number: int, size: int, access: int = mmap.ACCESS_DEFAULT) -> mmap.mmap:
            if access != mmap.ACCESS_READ or fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            return whole(number, size, access=access)

        whole = mmap.mmap
        monkeypatch.setattr("wslusb.capture.profile.mmap.mmap", map_as_9p)
        path = tmp_path / "f"
        path.write_bytes(Writer(Profile()).begin())
        check(path, [b"SERIAL98"])
        assert b"second scan clean" in path.read_bytes()
