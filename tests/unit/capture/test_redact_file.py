"""wslusb.capture.redact_file: copies of files without what is private."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from emulator import catalogue
from wslusb.capture import pcapfile, pcapng, usbmon, vsockmon
from wslusb.capture.redact_file import redact_file
from wslusb.errors import LocalError
from wslusb.usb.ids import TransferType
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Urb
from wslusb.wire.messages import AttachAnswer
from wslusb.wire.urbs import encode_request

PLACE, OTHER = (1, 4), (1, 5)
SERIAL = "SERIAL99"
SECRET = b"the secret that nobody may read " * 16
GUEST = vsockmon.End(3, 1024)
GADGET = catalogue.parse_models("storage")[0].gadget


def joined(parts: list[Buffer]) -> bytes:
    return b"".join(parts)


def exchange(urb: Urb, data: bytes = b"", place: tuple[int, int] = PLACE) -> list[bytes]:
    length = len(data) if urb.is_in else urb.length
    done = Completion(urb, 0, length, data)
    return [joined(usbmon.submitted(urb, place, 0)), joined(usbmon.completed(done, place, 0))]


def get(kind: int, index: int, data: bytes, place: tuple[int, int] = PLACE) -> list[bytes]:
    setup = Setup(0x80, 6, kind << 8 | index, 0x0409, 255)
    return exchange(Urb(1, 0, TransferType.CONTROL, 255, setup=setup), data, place)


def string(text: str) -> bytes:
    return bytes((2 * len(text) + 2, 3)) + text.encode("utf-16-le")


def records() -> list[bytes]:
    """A string that is told to be the serial number only later; descriptors; a write."""
    return [
        *get(3, 2, string(f"Disk {SERIAL}")),
        *get(3, 3, string(SERIAL)),
        *get(1, 0, GADGET.device.pack()),
        *get(2, 0, GADGET.configurations[0].pack()),
        *exchange(Urb(2, 0x02, TransferType.BULK, 512, data=SECRET)),
        *get(1, 0, GADGET.device.pack(), OTHER),
    ]


def pcap(link: int, found: list[bytes]) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, link)
    return head + b"".join(struct.pack("<IIII", 5, 6, len(each), len(each)) + each for each in found)


def read(path: Path) -> list[pcapfile.Packet]:
    with path.open("rb") as file:
        return list(pcapfile.packets(file))


@pytest.mark.parametrize("link", [189, 220])
def test_a_capture_of_usbmon(tmp_path: Path, link: int) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    found = records() if link == 220 else [each[:48] + each[64:] for each in records()]
    source.write_bytes(pcap(link, found))
    assert redact_file(source, target).written == len(found)
    whole = target.read_bytes()
    assert SERIAL.encode("utf-16-le") not in whole
    assert b"secret" not in whole
    assert b"second scan clean" in whole
    copies = read(target)
    assert [(each.link_type, each.time, len(each.data)) for each in copies] == [
        (link, 5_000_006_000, len(each)) for each in found
    ]
    assert copies[5].data == found[5]
    assert "Disk ".encode("utf-16-le") in copies[1].data


def test_one_device_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(pcap(220, records()))
    report = redact_file(source, target, only=[OTHER])
    assert (report.written, report.left_out) == (2, 10)


def test_a_device_that_the_file_does_not_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(pcap(220, records()))
    with pytest.raises(LocalError, match=r"has no packets of 1\.99") as caught:
        redact_file(tmp_path / "in", tmp_path / "out", only=[(1, 99)])
    assert caught.value.hint == "without --device the packets of all devices are written"


def test_messages_that_are_cut_anywhere_keep_their_packets(tmp_path: Path) -> None:
    info = DeviceInfo(
        busid="1-1", vendor=1, product=2, serial=SERIAL, device_descriptor=GADGET.device.pack(),
        configurations=tuple(each.pack() for each in GADGET.configurations),
    )  # fmt: skip
    answer = AttachAnswer(0, "", 5, 8, 4096, info).pack()
    write = joined(encode_request(Urb(1, 0x02, TransferType.BULK, 512, data=SECRET), 9, 5))
    down = struct.pack("<IIII", 2, len(answer), 1, 0) + answer
    source, target = tmp_path / "in", tmp_path / "out"
    blocks = [pcapng.section(), pcapng.interface(271, "x")]
    blocks += [pcapng.packet(0, 1, [vsockmon.from_host(GUEST), down[i : i + 50]]) for i in range(0, len(down), 50)]
    blocks += [pcapng.packet(0, 2, [vsockmon.from_guest(GUEST), write[i : i + 70]]) for i in range(0, len(write), 70)]
    source.write_bytes(b"".join(blocks))
    redact_file(source, target)
    before, after = ([vsockmon.read(each.data) for each in read(path)] for path in (source, target))
    assert [(each.to_host, len(each.data)) for each in before if each] == [
        (each.to_host, len(each.data)) for each in after if each
    ]
    up = b"".join(each.data for each in after if each and each.to_host)
    assert up == write[:52] + bytes(512)
    assert SERIAL.encode() not in target.read_bytes()


def test_a_connection_that_begins_in_the_middle_of_a_message_is_blanked(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    blocks = [pcapng.section(), pcapng.interface(271, "x"), pcapng.packet(0, 1, [vsockmon.from_guest(GUEST), SECRET])]
    source.write_bytes(b"".join(blocks))
    redact_file(source, target)
    chunk = vsockmon.read(read(target)[0].data)
    assert chunk is not None
    assert chunk.data == bytes(512)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(pcap(1, [b"an Ethernet frame"]))
    with pytest.raises(LocalError, match="no packets"):
        redact_file(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
