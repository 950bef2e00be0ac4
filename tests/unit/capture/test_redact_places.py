"""Secrets in every place that docs/capture.md lists, in every format that is read: none of them is in the copy."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator import catalogue
from tests.support import usbpcap
from wslusb.capture import links, pcapfile, pcapng, usbmon
from wslusb.capture.known import Known
from wslusb.capture.redact_file import redact_file
from wslusb.capture.secrets import Secrets
from wslusb.usb import bos
from wslusb.usb.descriptors import Configuration, Endpoint
from wslusb.usb.ids import DIR_IN, ClassCode, TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, IsoResult, Status, Urb

PLACE = (1, 4)
SECRET = b"the secret that nobody may read "
SERIAL = "5E1A10FF99AB"
"""Looks like a hardware address: its twelve digits are six bytes elsewhere."""
BOX = uuid.UUID("11223344-5566-7788-99aa-bbccddeeff00")
KEYS = [bytes((0x20, 0, 0x13, key, 0, 0, 0, 0)) for key in (0x04, 0x16, 0x1A)]
MESSAGE = struct.pack("<BIBBBBB", 0x6F, len(SECRET), 0, 1, 0, 0, 0) + SECRET
ANSWER = struct.pack("<BIBBBBB", 0x80, len(SECRET), 0, 1, 0, 0, 0) + SECRET
KINDS = [
    "keyboard", "storage", "uas", "ethernet", "ncm", "serial", "ftdi", "ccid", "fido", "printer", "midi", "dfu",
    "audio", "webcam", "composite",
]  # fmt: skip
FORMATS: dict[str, tuple[int, Callable[[bytes], list[bytes]]]] = {
    "usbmon": (220, lambda data: [data]),
    "usbmon, short": (189, lambda data: [data[:48] + data[64:]]),
    "USBPcap": (249, usbpcap.converted),
    "USBPcap, a packet a stage": (249, lambda data: usbpcap.converted(data, old=True)),
}


def whole(parts: list[Buffer]) -> bytes:
    return b"".join(parts)


def halves(urb: Urb, data: bytes = b"") -> list[bytes]:
    """Both halves of a URB that succeeds, of link type 220."""
    iso = [IsoResult(Status.OK, length) for length in urb.iso_lengths]
    done = Completion(urb, Status.OK, len(data) if urb.is_in else urb.length, data, iso=iso)
    return [whole(usbmon.submitted(urb, PLACE, 0)), whole(usbmon.completed(done, PLACE, 0))]


def asked(setup: Setup, data: bytes) -> list[bytes]:
    endpoint, out = (0x80, b"") if setup.is_in else (0, data)
    return halves(Urb(1, endpoint, TransferType.CONTROL, setup.length, data=out, setup=setup), data)


def described(kind: int, index: int, data: bytes) -> list[bytes]:
    return asked(Setup(0x80, 6, kind << 8 | index, 0x0409 if kind == 3 else 0, 255), data)


def string(text: str) -> bytes:
    return bytes((2 * len(text) + 2, 3)) + text.encode("utf-16-le")


def moved(endpoint: Endpoint, data: bytes) -> list[bytes]:
    lengths = (len(data) // 2,) * 2 if endpoint.transfer == TransferType.ISOCHRONOUS else ()
    out = b"" if endpoint.address & DIR_IN else data
    urb = Urb(2, endpoint.address, endpoint.transfer, len(data), data=out, interval=1, iso_lengths=lengths)
    return halves(urb, data)


def command(opcode: int, length: int, *, is_in: bool) -> bytes:
    head = struct.pack("<4sIIBBB", b"USBC", 7, length, DIR_IN if is_in else 0, 0, 10)
    return (head + bytes((opcode,))).ljust(31, b"\0")


def payloads(kind: str, endpoint: Endpoint) -> list[bytes]:
    """What a device of this kind moves there, with something in it that is nobody's business."""
    is_in = endpoint.address & DIR_IN != 0
    special = {
        ("keyboard", True): KEYS,
        ("storage", False): [command(0x2A, 32, is_in=False), SECRET, command(0x28, 32, is_in=True)],
        ("ccid", False): [MESSAGE], ("ccid", True): [ANSWER],
    }  # fmt: skip
    return [*special.get((kind, is_in), []), SECRET]


def planted(kind: str) -> Iterator[bytes]:
    """The records of a device of this kind, with secrets in them wherever it has room for some."""
    gadget = catalogue.parse_models(kind)[0].gadget
    configurations = [each.pack() for each in gadget.configurations]
    known = Known(Secrets())
    known.learn_device(gadget.device.pack())
    for index, configuration in enumerate(configurations):
        known.learn_configuration(configuration)
        yield from described(2, index, configuration)
    for index in known.serials | {gadget.device.product_string}:
        yield from described(3, index, string(SERIAL))
    yield from described(1, 0, gadget.device.pack())
    yield from described(15, 0, bos.bos(bos.usb_2_0_extension(), bos.container_id(BOX)))
    yield from asked(Setup(0xC0, 0x20, 0, 6, 24), bytes.fromhex("1800000000010600") + BOX.bytes_le)
    yield from asked(Setup(0xC0, 0x20, 0, 7, 32), SECRET)
    yield from asked(Setup(0x40, 0x21, 0, 0, 32), SECRET)
    interfaces = [each for raw in configurations for each in Configuration.unpack(raw).interfaces]
    for interface in interfaces:
        for request in (0, 1, 2, 9, 0x2F) if interface.interface_class != ClassCode.AUDIO else ():
            yield from asked(Setup(0x21, request, 0x0300, interface.number, 32), SECRET)
            yield from asked(Setup(0xA1, request | 0x40, 0x0300, interface.number, 32), SECRET)
        for endpoint in interface.endpoints:
            for payload in payloads(kind, endpoint):
                yield from moved(endpoint, payload)
    yield from moved(Endpoint(0x8F, TransferType.BULK, 512), SECRET)
    yield asked(Setup(0xC0, 1, 0, 0, 32), SECRET)[1]  # an answer to nothing


def read(path: Path) -> list[pcapfile.Packet]:
    with path.open("rb") as file:
        return list(pcapfile.packets(file))


def shape(packet: pcapfile.Packet) -> object:
    """All of a record but for the bytes of its data."""
    record = links.record(packet)
    assert record is not None
    place = (record.bus, record.device, record.endpoint)
    numbers = (record.status, record.length, len(record.data), record.errors)
    return record.kind, record.key, place, record.setup, numbers, record.iso, len(packet.data), packet.interface


def leaks(path: Path) -> list[str]:
    """Which of the secrets a file has."""
    data = path.read_bytes()
    values = {
        "payload": SECRET[:6], "payload's end": SECRET[-6:], "serial number": SERIAL.encode("utf-16-le"),
        "serial number in ASCII": SERIAL.encode(), "hardware address": bytes.fromhex(SERIAL),
        "container id": BOX.bytes_le, "keys": KEYS[0], "more keys": KEYS[2][:4],
    }  # fmt: skip
    return [name for name, value in values.items() if value in data]


def file_of(interfaces: list[tuple[int, list[bytes]]]) -> bytes:
    """A pcapng file whose names and comments are secrets, too."""
    text = SECRET.decode()
    blocks = [pcapng.section(text, system=text)]
    blocks += [pcapng.interface(link, text, text) for link, _ in interfaces]
    for number, (_, packets) in enumerate(interfaces):
        blocks += [pcapng.packet(number, 5, [each], comment=text) for each in packets]
    return b"".join(blocks)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_of_any_kind_of_device_is_in_the_copy(tmp_path: Path, kind: str, name: str) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    link, convert = FORMATS[name]
    packets = [each for record in planted(kind) for each in convert(record)]
    source.write_bytes(file_of([(link, packets)]))
    assert "payload" in leaks(source)
    assert "serial number" in leaks(source)
    assert redact_file(source, target).written == len(packets)
    assert leaks(target) == []
    assert b"second scan clean" in target.read_bytes()
    assert [shape(each) for each in read(target)] == [shape(each) for each in read(source)]


def test_interfaces_and_sections_of_several_kinds(tmp_path: Path) -> None:
    """Devices with the same bus and address, of several machines: one does not tell what another is."""
    source, target = tmp_path / "in", tmp_path / "out"
    plan = zip(("storage", "keyboard", "serial", "ccid"), FORMATS.values(), strict=True)
    interfaces = [
        (link, [each for record in planted(kind) for each in convert(record)]) for kind, (link, convert) in plan
    ]
    ethernet = (1, [SECRET])
    source.write_bytes(file_of([ethernet, *interfaces[:2]]) + file_of([*interfaces[2:], ethernet]))
    report = redact_file(source, target)
    assert (report.written, report.left_out) == (sum(len(packets) for _, packets in interfaces), 2)
    assert leaks(target) == []
    copies, originals = read(target), [each for each in read(source) if each.link_type != 1]
    assert [(each.interface + 1, each.link_type, each.time) for each in copies] == [
        (each.interface, each.link_type, each.time) for each in originals
    ]
    assert [shape(each)[:-1] for each in copies] == [shape(each)[:-1] for each in originals]  # type: ignore[index]


@pytest.mark.parametrize("link", [249, 220])
def test_what_one_interface_tells_of_an_address_says_nothing_of_another(tmp_path: Path, link: int) -> None:
    """The second machine's device was not described: any of its strings may be its serial number."""
    source, target = tmp_path / "in", tmp_path / "out"
    device = catalogue.parse_models("storage")[0].gadget.device
    convert = usbpcap.converted if link == 249 else lambda data: [data]
    told = [each for record in described(1, 0, device.pack()) for each in convert(record)]
    untold = [each for record in described(3, device.product_string, string(SERIAL)) for each in convert(record)]
    source.write_bytes(file_of([(link, told), (link, untold)]))
    redact_file(source, target)
    assert leaks(target) == []


def test_what_stands_where_no_field_of_usbpcap_is(tmp_path: Path) -> None:
    """Behind the known fields of a header, behind the data, and in packets that are no transfers."""
    source, target = tmp_path / "in", tmp_path / "out"
    get = Setup(0x80, 6, 0x0100, 0, 18).pack()
    packets = [
        usbpcap.packet(2, 0x80, get, more=b"\0" + SECRET) + SECRET,
        usbpcap.packet(3, 0x81, b"", more=SECRET) + SECRET,
        usbpcap.packet(0, 0x83, b"", more=bytes(12) + SECRET),
        usbpcap.packet(0xFE, 0x83, SECRET, function=0x1E) + SECRET,
        usbpcap.packet(0xFE, 0x00, SECRET),
        usbpcap.packet(2, 0x80, get[:4], more=b"\0") + SECRET,
    ]
    source.write_bytes(file_of([(249, packets)]))
    report = redact_file(source, target)
    assert (report.written, report.left_out) == (4, 2)
    assert leaks(target) == []
    assert [len(each.data) for each in read(target)] == [len(each) for each in packets[:4]]


def test_data_of_a_control_write_stay_where_they_are_settings(tmp_path: Path) -> None:
    """Line coding: in a packet of its own it is told from other data by the SETUP packet before."""
    source, target = tmp_path / "in", tmp_path / "out"
    coding = bytes.fromhex("80250000000008")
    records = [
        *described(2, 0, catalogue.parse_models("serial")[0].gadget.configurations[0].pack()),
        *asked(Setup(0x21, 0x20, 0, 0, 7), coding),
    ]
    packets = [each for record in records for each in usbpcap.converted(record, old=True)]
    source.write_bytes(file_of([(249, packets)]))
    redact_file(source, target)
    assert [each.data for each in read(target)] == packets
