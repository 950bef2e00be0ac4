"""Sources are strangers' files: whatever is in them, an importer answers with a device or with a LocalError."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.device import VirtualDevice
from emulator.importers import captures, libusbgx, lsusb, sysfs, transfers, umockdev
from emulator.importers.evidence import Evidence, cut_configurations
from emulator.importers.imported import assemble
from tests.support import samples
from wslusb.capture import pcapfile
from wslusb.errors import LocalError

TEXTS = {
    "lsusb": samples.SAMPLES / "composite/lsusb.txt",
    "midi": samples.SAMPLES / "midi/lsusb.txt",
    "umockdev": samples.SAMPLES / "keyboard/umockdev.txt",
    "usbmon": samples.SAMPLES / "keyboard/usbmon.txt",
    "scheme": samples.SAMPLES / "composite.scheme",
}


def of_blob(data: bytes) -> list[Evidence]:
    evidence = Evidence("blob")
    sysfs.add_descriptors(evidence, data)
    return [evidence]


def of_capture(data: bytes) -> list[Evidence]:
    return captures.read(transfers.controls(transfers.records(pcapfile.packets(io.BytesIO(data)))))


def of_usbmon_text(text: str) -> list[Evidence]:
    return captures.read(transfers.controls(transfers.from_text(text.splitlines())))


def survives(read: Callable[[], list[Evidence]]) -> None:
    """Reading, assembling and plugging in end in a device or in a LocalError of one line."""
    found, said = list[Evidence](), ""
    try:
        found = read()
    except LocalError as error:
        said = str(error)
    assert len(said.splitlines()) < 2
    for evidence in found:
        with contextlib.suppress(LocalError):
            model = assemble(evidence).model
            VirtualDevice(model.gadget, model.firmware).close()


def damaged(original: bytes) -> st.SearchStrategy[bytes]:
    """A good file with a piece of it replaced by junk."""
    places = st.tuples(st.integers(0, len(original)), st.integers(0, 40), st.binary(max_size=40))
    return places.map(lambda place: original[: place[0]] + place[2] + original[place[0] + place[1] :])


@given(st.binary(max_size=400) | damaged(samples.descriptors("composite")))
def test_blobs(data: bytes) -> None:
    survives(lambda: of_blob(data))


@given(st.binary(max_size=200))
def test_configurations_are_cut_without_loss(data: bytes) -> None:
    pieces = cut_configurations(data)
    assert data.startswith(b"".join(pieces))
    assert all(len(piece) >= 9 for piece in pieces)


@given(st.binary(max_size=400) | damaged(samples.CAPTURE.read_bytes()))
@example(b"\x0a\x0d\x0d\x0a" + bytes(8))
@example(b"\xd4\xc3\xb2\xa1" + bytes(20) + b"\xff" * 16)
def test_captures(data: bytes) -> None:
    survives(lambda: of_capture(data))


@pytest.mark.parametrize("link_type", list(transfers.LINK_TYPES))
@given(st.binary(max_size=120))
def test_records_of_captures(link_type: int, data: bytes) -> None:
    found = list(transfers.records([pcapfile.Packet(link_type, data)]))
    assert all(len(record.setup) <= 8 for record in found)
    survives(lambda: captures.read(transfers.controls(found)))


@pytest.mark.parametrize("name", TEXTS)
@given(st.data())
def test_texts(name: str, data: st.DataObject) -> None:
    original = TEXTS[name].read_bytes()
    text = data.draw(damaged(original) | st.binary(max_size=300)).decode("utf-8", "replace")
    readers: dict[str, Callable[[str], list[Evidence]]] = {
        "lsusb": lsusb.read, "midi": lsusb.read, "umockdev": umockdev.read, "usbmon": of_usbmon_text,
        "scheme": lambda scheme: [libusbgx.read(scheme)],
    }  # fmt: skip
    survives(lambda: readers[name](text))


@given(st.lists(st.sampled_from(["a = ", "{", "}", "(", ")", "[", "]", ";", ",", '"x"', "1", "configs", "=", "0x"])))
def test_schemes_of_good_words_in_bad_order(words: list[str]) -> None:
    survives(lambda: [libusbgx.read(" ".join(words))])


def test_nesting_has_a_bound() -> None:
    with pytest.raises(LocalError, match="more than 32 levels"):
        libusbgx.read("a = " + "(" * 10_000)


@given(st.lists(st.sampled_from([
    "Device Descriptor:", "  bLength  18", "  bLength  9", "  bDescriptorType  2", "  Configuration Descriptor:",
    "    wTotalLength  0xffff", "    MaxPower  70000mA", "    bNumInterfaces  300", "   Interface Descriptor:",
    "   CDC Union:", "    bSlaveInterface  999 1 2", "   Report Descriptor: (length is 1)",
    "   Item(Main  ): Input, data= [ 0x01 0x02 0x03 ] 1", "   ** UNRECOGNIZED:  05 24 00", "   bMaxBurst 300",
    "   MaxStreams 99999999999999999999", "  bLength  2",
    "  bLength  3", "   bControlSize 255", "   guidFormat {x}", "Binary Object Store Descriptor:",
    "   iThing 1 name", "   bcdUSB  99.99", "junk at descriptor end: 01 02",
]), max_size=40))  # fmt: skip
def test_lines_of_lsusb_in_any_order(lines: list[str]) -> None:
    survives(lambda: lsusb.read("\n".join(lines)))
