"""wslusb.replay.story: both halves of a URB found by their key, and what to make of one that is alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.support import samples
from wslusb.capture import pcapng
from wslusb.capture.record import Record
from wslusb.errors import LocalError, LocalReason
from wslusb.replay.facts import Facts
from wslusb.replay.reading import choose, read, stories
from wslusb.replay.story import ANYTIME, tell
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Status

BULK_IN = Record(1000, "S", 7, 1, 4, TransferType.BULK, 0x81, -115, 512)


def done(data: bytes = b"", status: int = 0, kind: str = "C", time: int = 3000) -> Record:
    return dataclasses.replace(BULK_IN, kind=kind, status=status, length=len(data), data=data, time=time)


def test_a_key_that_comes_again_is_another_urb() -> None:
    story = tell(enumerate([BULK_IN, done(b"a"), BULK_IN, done(b"b")], 1))[1, 4]
    found = [(each.number, each.answer_number, each.answer and each.answer.data) for each in story.exchanges]
    assert found == [(1, 2, b"a"), (3, 4, b"b")]
    assert story.exchanges[0].seconds == pytest.approx(2e-6)


@pytest.mark.parametrize(
    ("end", "status", "waits", "refused"),
    [
        (done(b"abc"), Status.OK, False, False),
        (done(status=-32), Status.STALL, False, False),
        (done(b"ab", -104), Status.CANCELLED, True, False),
        (done(status=-2), Status.CANCELLED, True, False),
        (done(status=-108), Status.GONE, True, False),
        (done(status=-28, kind="E"), Status.FAILED, False, True),
        (None, None, True, False),
    ],
)
def test_how_a_urb_ends(end: Record | None, status: Status | None, waits: bool, refused: bool) -> None:
    (exchange,) = tell(enumerate([BULK_IN] + ([end] if end else []), 1))[1, 4].exchanges
    assert (exchange.status, exchange.waits, exchange.refused) == (status, waits, refused)


def test_an_answer_to_what_was_asked_before_the_capture_began_is_kept() -> None:
    (exchange,) = tell(enumerate([done(b"abc")], 1))[1, 4].exchanges
    assert (exchange.number, exchange.answer_number) == (ANYTIME, 1)


def test_the_devices_of_a_capture_and_their_descriptors() -> None:
    found = {story.name: Facts.of(story) for story in stories(samples.CAPTURE)}
    for gadget, name in samples.ADDRESSES.items():
        info = found[name].info()
        assert info.device_descriptor + b"".join(info.configurations) == samples.descriptors(gadget), gadget


def test_several_devices_are_listed() -> None:
    with pytest.raises(LocalError, match=r"has several devices: .*1\.3 \(1d6b:0105") as caught:
        read(samples.CAPTURE)
    assert caught.value.reason is LocalReason.AMBIGUOUS
    with pytest.raises(LocalError, match=r"has no device 9\.9"):
        choose(stories(samples.CAPTURE), "9.9", "it")
    assert read(samples.CAPTURE, "1.4").name == "1.4"


def test_what_two_interfaces_have_seen_comes_once(tmp_path: Path) -> None:
    """Wireshark on all interfaces: usbmon0 and usbmon1 have the same URBs, a few microseconds apart."""
    blocks = [pcapng.section(), pcapng.interface(220, "usbmon0"), pcapng.interface(220, "usbmon1")]
    for index, each in enumerate(samples.packets()):
        time = 1_000_000_000 * index
        blocks += [pcapng.packet(index % 2, time, [each.data]), pcapng.packet(1 - index % 2, time + 9000, [each.data])]
    path = tmp_path / "all"
    path.write_bytes(b"".join(blocks))
    found = [(each.name, len(each.exchanges)) for each in stories(path)]
    assert found == [(each.name, len(each.exchanges)) for each in stories(samples.CAPTURE)]


def test_an_end_that_is_not_in_the_file_is_noted() -> None:
    begun = [dataclasses.replace(BULK_IN, key=key) for key in (1, 2)]
    story = tell(enumerate([*begun, dataclasses.replace(done(b"a"), key=2)], 1))[1, 4]
    assert [(each.lost, each.waits) for each in story.exchanges] == [(True, False), (False, False)]
    assert story.notes == ["how 1 URBs ended, the first of them packet 1"]


def test_a_device_that_says_it_has_many_configurations_is_told_in_a_line() -> None:
    device = bytes.fromhex("120100020000004034127856000100000015")
    begun = Record(0, "S", 1, 1, 4, TransferType.CONTROL, 0x80, -115, 18, setup=bytes.fromhex("8006000100001200"))
    end = dataclasses.replace(begun, kind="C", status=0, data=device, setup=b"")
    facts = Facts.of(tell(enumerate([begun, end], 1))[1, 4])
    assert facts.missing == ["configuration descriptors 0 to 20"]
