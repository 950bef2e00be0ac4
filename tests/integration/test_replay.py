"""Round trip: a virtual device, a capture of it, the capture as a device. The same host gets the same answers."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.device_bench import Bench
from tests.integration.test_device_contract_emulator import BULK, ECHO, LOOPBACK_TRAITS
from tests.support.recording import PLACE, recorded
from wslusb.device.api import Device
from wslusb.device.clock import VirtualClock
from wslusb.errors import DeviceError
from wslusb.replay.device import Mode, ReplayDevice
from wslusb.replay.pace import ASAP, RECORDED, Pace
from wslusb.replay.provider import Options, ReplayProvider
from wslusb.replay.reading import read
from wslusb.usb.descriptors import Configuration
from wslusb.usb.ids import DescriptorType
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Completion, Status, UrbFlag

NAME = f"{PLACE[0]}.{PLACE[1]}"
Answers = list[tuple[int, int, bytes]]
Play = Callable[[Device], Answers]


def answers(bench: Bench) -> Answers:
    bench.settle()
    return [(each.completions[0].status, each.completions[0].actual_length, each.data) for each in bench.started]


def enumeration(device: Device) -> Answers:
    bench = Bench(device)
    for kind, length in ((1, 18), (2, 9), (2, 4096), (3, 255)):
        bench.descriptor(kind, length)
    bench.control(Setup(0x80, Request.GET_DESCRIPTOR, DescriptorType.STRING << 8 | 2, 0x0409, 255))
    bench.control(Setup(0x80, Request.GET_DESCRIPTOR, DescriptorType.STRING << 8 | 0xFE, 0x0409, 255))
    bench.descriptor(DescriptorType.DEVICE, 64, flags=0)
    bench.control(Setup(0xC0, 0xEE, 1, 2, 0))
    return answers(bench)


def echo(device: Device) -> Answers:
    """Short and whole reads, a zero-length packet, reads that were submitted before their data, a read taken back."""
    bench = Bench(device)
    bench.use(ECHO)
    numbers = random.Random(5)
    for length in (0, 1, 511, 512, 513, 4096):
        bench.read(ECHO, 8192)
        bench.write(ECHO, numbers.randbytes(length), UrbFlag.ZERO_PACKET).wait()
    bench.read(ECHO, 1024, flags=0)
    bench.write(ECHO, b"short").wait()
    forgotten = bench.read(ECHO, 512)
    device.cancel(forgotten.urb)
    bench.read(ECHO, 512)
    bench.write(ECHO, b"after").wait()
    return answers(bench)


def stalls(device: Device) -> Answers:
    bench = Bench(device)
    bench.use(BULK)
    for endpoint in (BULK.source, BULK.sink):
        bench.control(Setup(0x02, Request.SET_FEATURE, 0, endpoint, 0)).wait()
    bench.read(BULK, 512).wait()
    bench.write(BULK, bytes(100)).wait()
    device.clear_halt(BULK.source)
    device.clear_halt(BULK.sink)
    bench.read(BULK, 1000).wait()
    bench.write(BULK, bytes(100)).wait()
    with pytest.raises(DeviceError):
        device.select_interface(0, 77)
    return answers(bench)


def packets(device: Device) -> Answers:
    bench = Bench(device)
    iso = LOOPBACK_TRAITS.iso
    assert iso
    bench.use(iso)
    bench.start(bench.iso_urb(iso, [1024, 0, 1000])).wait()
    bench.start(bench.iso_urb(iso, [100, 200], bytes(300))).wait()
    return answers(bench)


@pytest.mark.parametrize("play", [enumeration, echo, stalls, packets])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_host_that_does_the_same_gets_the_same(tmp_path: Path, play: Play, mode: Mode) -> None:
    path = tmp_path / "bug.pcapng"
    device = recorded(path)
    expected = play(device)
    device.close()
    replay = ReplayDevice(read(path), mode)
    if mode is Mode.STRICT:  # the tape begins with the requests for the descriptors: so does this host
        asked(replay, DescriptorType.DEVICE, 0, 18)
        for index, raw in enumerate(device.info.configurations):
            assert asked(replay, DescriptorType.CONFIGURATION, index, len(raw)) == raw
    assert play(replay) == expected
    replay.close()
    assert replay.log.report() == []


def asked(device: Device, kind: int, index: int, length: int) -> bytes:
    bench = Bench(device)
    pending = bench.control(Setup(0x80, Request.GET_DESCRIPTOR, kind << 8 | index, 0, length))
    assert pending.wait().status == Status.OK
    return pending.data


def test_what_the_capture_holds_of_the_device_is_what_the_device_is(tmp_path: Path) -> None:
    device = recorded(tmp_path / "c")
    enumeration(device)
    device.close()
    info, truth = ReplayDevice(read(tmp_path / "c")).info, device.info
    assert (info.device_descriptor, info.configurations) == (truth.device_descriptor, truth.configurations)
    assert (info.speed, info.product_name) == (truth.speed, truth.product_name)
    assert [Configuration.unpack(raw).value for raw in info.configurations] == [3, 2]


@pytest.mark.parametrize(("pace", "seconds"), [(ASAP, 0.0), (RECORDED, 2.0), (Pace(0.5), 1.0)])
def test_the_clock_is_that_of_the_capture_or_faster(tmp_path: Path, pace: Pace, seconds: float) -> None:
    device = recorded(tmp_path / "c")
    now = 1_000_000_000
    device._tape.now = lambda: now
    bench = Bench(device)
    bench.use(ECHO)
    reader = bench.read(ECHO, 512)
    now += 2_000_000_000
    bench.write(ECHO, b"late").wait()
    device.close()

    clock = VirtualClock()
    replay = ReplayDevice(read(tmp_path / "c"), Mode.KEYED, pace, clock=clock)
    bench = Bench(replay)
    bench.use(ECHO)
    reader = bench.read(ECHO, 512)
    bench.write(ECHO, b"late")
    if seconds:
        clock.advance(seconds - 0.01)
        assert not reader.finished.is_set()
        clock.advance(0.02)
    assert (reader.wait().status, reader.data) == (Status.OK, b"late")
    replay.close()


def test_a_device_that_was_pulled_out_leaves_its_provider(tmp_path: Path) -> None:
    path = tmp_path / "unplugged.pcapng"
    device = recorded(path)
    bench = Bench(device)
    bench.use(ECHO)
    pending = bench.read(ECHO, 512).urb
    device._end(device._begin(pending), Completion(pending, Status.GONE))
    device._tape.close()

    provider, left = ReplayProvider(Options(path)), list[None]()
    provider.watch(lambda: left.append(None))
    (info,) = provider.devices()
    replay = provider.open(info)
    bench = Bench(replay)
    bench.use(ECHO)
    assert bench.read(ECHO, 512).wait().status == Status.GONE
    assert (list(provider.devices()), left) == ([], [None])
    with pytest.raises(DeviceError, match="pulled out"):
        provider.open(info)
    replay.close()
    device.close()
