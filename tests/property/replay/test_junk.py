"""Captures that are damaged or lie: they are read or refused, and replay without a crash or a URB that is lost."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import samples
from tests.support.usb import Waiter
from tests.support.usbpcap import converted
from wslusb.capture import pcapng, usbpcap
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.replay.device import Mode, ReplayDevice
from wslusb.replay.facts import Facts
from wslusb.replay.host import ReplayHost
from wslusb.replay.reading import choose, records
from wslusb.replay.story import Story, tell
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Urb

LINKS = st.sampled_from([189, 220, 249])
MODES = st.sampled_from(list(Mode))


def stories(data: bytes) -> list[Story]:
    try:
        return list(tell(records(io.BytesIO(data))).values())
    except LocalError:
        return []


def use(story: Story, mode: Mode, seed: int) -> None:
    """Ask for what the capture has and for what it has not; whatever comes, each URB ends once."""
    numbers, clock = random.Random(seed), VirtualClock()
    Facts.of(story).info()
    device = ReplayDevice(story, mode, clock=clock)
    waiters = []
    for exchange in story.exchanges[:20]:
        request = exchange.request
        setup = exchange.setup if numbers.random() < 0.8 else Setup(0xC0, 1, 2, 3, 4)
        length = setup.length if setup else max(request.length, len(request.data), 0)
        data = b"" if request.is_in else request.data.ljust(length, b"x")[:length]
        lengths = tuple(each.length for each in request.iso)
        urb = Urb(0, request.endpoint, request.transfer, length, 0, data, setup, iso_lengths=lengths)
        if request.transfer != TransferType.CONTROL:
            urb.setup = None
        waiters.append(waiter := Waiter())
        device.submit(urb, waiter)
    clock.advance(60)
    device.close()
    assert [len(waiter.completions) for waiter in waiters] == [1] * len(waiters)
    assert all(str(each) for each in device.log.kept)


def packets(link: int, datas: list[bytes]) -> bytes:
    head = pcapng.section() + pcapng.interface(link, "junk")
    return head + b"".join(pcapng.packet(0, index, [data]) for index, data in enumerate(datas))


@given(LINKS, st.lists(st.binary(max_size=120), max_size=8), MODES, st.integers(0, 9))
def test_packets_of_junk(link: int, datas: list[bytes], mode: Mode, seed: int) -> None:
    for story in stories(packets(link, datas)):
        use(story, mode, seed)


@given(st.data(), MODES, st.integers(0, 999))
def test_a_capture_with_bytes_changed_and_packets_lost(data: st.DataObject, mode: Mode, seed: int) -> None:
    numbers = random.Random(seed)
    link = data.draw(st.sampled_from([220, 249]))
    whole = [packet.data for packet in samples.packets()[: numbers.randrange(300)]]
    if link == 249:
        whole = [each for packet in whole for each in converted(packet, old=numbers.random() < 0.5)]
    damaged = []
    for packet in whole:
        changed = bytearray(packet)
        if numbers.random() < 0.2:
            changed[numbers.randrange(len(changed))] = numbers.randrange(256)
        if numbers.random() < 0.9:
            damaged.append(bytes(changed))
    for story in stories(packets(link, damaged)):
        use(story, mode, seed)


@given(st.binary(max_size=200))
def test_files_of_junk(data: bytes) -> None:
    assert all(isinstance(story, Story) for story in stories(data))


@given(st.binary(max_size=100))
def test_usbpcap_reads_anything(data: bytes) -> None:
    usbpcap.read(data)


def test_no_transfers_are_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="holds no USB transfers"):
        choose([], "", str(tmp_path))
    assert ReplayHost(Story(1, 2)).log.report() == []
