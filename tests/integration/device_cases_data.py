"""Device contract: what is moved. Control, bulk, interrupt and isochronous transfers of every length that matters."""

from __future__ import annotations

import random

import pytest

from tests.integration.device_bench import Bench, Cases, needs, room_for
from wslusb.usb.descriptors import Configuration, DeviceDescriptor
from wslusb.usb.ids import DescriptorType
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Status, UrbFlag

AROUND_PACKETS = [(0, 0), (0, 1), (1, -1), (1, 0), (1, 1), (2, 0), (0, 65536), (0, 1 << 20)]
"""(packets, more bytes) of a transfer."""


def of_length(packets: int, more: int, max_packet: int) -> int:
    return packets * max_packet + more


class ControlCases(Cases):
    def test_descriptors_of_info_are_well_formed(self, bench: Bench) -> None:
        info = bench.device.info
        device = DeviceDescriptor.unpack(info.device_descriptor)
        assert (device.vendor, device.product) == (info.vendor, info.product)
        assert device.configuration_count == len(info.configurations)
        configurations = [Configuration.unpack(raw) for raw in info.configurations]
        assert [each.pack() for each in configurations] == list(info.configurations)
        assert self.traits.bulk.configuration in [each.value for each in configurations]

    def test_device_descriptor_is_that_of_info(self, bench: Bench) -> None:
        pending = bench.descriptor(DescriptorType.DEVICE, 18)
        assert pending.wait().status == Status.OK
        assert pending.data == bench.device.info.device_descriptor

    @pytest.mark.parametrize("length", [0, 1, 8, 17, 18, 19, 64, 4096])
    def test_control_in_never_gives_more_than_asked(self, bench: Bench, length: int) -> None:
        pending = bench.descriptor(DescriptorType.DEVICE, length)
        completion = pending.wait()
        assert completion.status == Status.OK
        assert completion.actual_length == len(pending.data) == min(length, 18)
        assert pending.data == bench.device.info.device_descriptor[:length]

    def test_short_control_in_without_short_ok(self, bench: Bench) -> None:
        pending = bench.descriptor(DescriptorType.DEVICE, 64, flags=0)
        assert (pending.wait().status, len(pending.data)) == (Status.SHORT, 18)

    @needs("control_buffer")
    @pytest.mark.parametrize("length", [1, 63, 64, 65, 512, 4096])
    def test_control_out_then_in(self, bench: Bench, length: int) -> None:
        data = random.Random(length).randbytes(length)
        completion = bench.control(Setup(0x40, 0x5B, 0, 0, length), data).wait()
        assert (completion.status, completion.actual_length) == (Status.OK, length)
        pending = bench.control(Setup(0xC0, 0x5C, 0, 0, length))
        assert (pending.wait().status, pending.data) == (Status.OK, data)

    @needs("control_buffer")
    def test_control_without_data(self, bench: Bench) -> None:
        completion = bench.control(Setup(0x40, 0x5B, 0, 0, 0)).wait()
        assert (completion.status, completion.actual_length) == (Status.OK, 0)

    @pytest.mark.parametrize("request_type", [0xC0, 0x40])
    def test_unknown_request_stalls_and_the_device_lives(self, bench: Bench, request_type: int) -> None:
        assert bench.control(Setup(request_type, 0xEE, 1, 2, 0)).wait().status == Status.STALL
        assert bench.descriptor(DescriptorType.DEVICE, 18).wait().status == Status.OK

    def test_descriptor_that_does_not_exist_stalls(self, bench: Bench) -> None:
        setup = Setup(0x80, Request.GET_DESCRIPTOR, DescriptorType.STRING << 8 | 0xFE, 0x0409, 255)
        assert bench.control(setup).wait().status == Status.STALL
        assert bench.descriptor(DescriptorType.DEVICE, 18).wait().status == Status.OK


class DataCases(Cases):
    @pytest.mark.parametrize(("packets", "more"), AROUND_PACKETS)
    def test_bulk_out(self, bench: Bench, packets: int, more: int) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        length = of_length(packets, more, pair.max_packet)
        completion = bench.write(pair, bytes(length)).wait()
        assert (completion.status, completion.actual_length) == (Status.OK, length)

    @pytest.mark.parametrize(("packets", "more"), AROUND_PACKETS)
    def test_bulk_in_from_an_endless_source(self, bench: Bench, packets: int, more: int) -> None:
        """A packet that does not fit what is left is babble, whoever reports it: the URB did not get what it should."""
        pair = self.traits.bulk
        bench.use(pair)
        length = of_length(packets, more, pair.max_packet)
        pending = bench.read(pair, length)
        completion = pending.wait()
        if length and length % pair.max_packet == 0:
            assert (completion.status, completion.actual_length) == (Status.OK, length)
        else:
            assert completion.status == Status.OVERRUN or not length
        assert len(pending.data) == completion.actual_length <= length
        assert not any(pending.data)

    @needs("echo")
    @pytest.mark.parametrize(("packets", "more"), AROUND_PACKETS)
    def test_echo(self, bench: Bench, packets: int, more: int) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        data = random.Random(more).randbytes(of_length(packets, more, pair.max_packet))
        reader = bench.read(pair, room_for(pair, len(data)))
        assert bench.write(pair, data, UrbFlag.ZERO_PACKET).wait().status == Status.OK
        assert (reader.wait().status, reader.data == data) == (Status.OK, True)

    @needs("echo")
    def test_short_in_without_short_ok(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        reader = bench.read(pair, pair.max_packet * 2, flags=0)
        bench.write(pair, b"short")
        assert (reader.wait().status, reader.data) == (Status.SHORT, b"short")
        assert reader.completions[0].actual_length == 5

    @needs("echo")
    def test_zero_length_packet_is_a_transfer(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        reader, after = bench.read(pair, pair.max_packet), bench.read(pair, pair.max_packet)
        bench.write(pair, b"")
        bench.write(pair, b"after")
        assert (reader.wait().status, reader.data) == (Status.OK, b"")
        assert (after.wait().status, after.data) == (Status.OK, b"after")

    @needs("echo")
    def test_without_zero_packet_a_full_packet_ends_nothing(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        reader = bench.read(pair, pair.max_packet * 2)
        bench.write(pair, b"a" * pair.max_packet).wait()
        bench.write(pair, b"b").wait()
        assert (reader.wait().status, reader.data) == (Status.OK, b"a" * pair.max_packet + b"b")

    @needs("interrupt")
    def test_interrupt(self, bench: Bench) -> None:
        pair = self.traits.interrupt
        assert pair
        bench.use(pair)
        for length in (1, pair.max_packet - 1, pair.max_packet, 2 * pair.max_packet + 1):
            completion = bench.write(pair, bytes(length)).wait()
            assert (completion.status, completion.actual_length) == (Status.OK, length)
        reader = bench.read(pair, 3 * pair.max_packet)
        assert (reader.wait().status, reader.data) == (Status.OK, bytes(3 * pair.max_packet))

    @needs("iso")
    @pytest.mark.parametrize("count", [1, 8, 128, 129, 300])
    def test_isochronous(self, bench: Bench, count: int) -> None:
        """More than 128 packets, which is what usbfs takes at once; every tenth has no room at all."""
        pair = self.traits.iso
        assert pair
        bench.use(pair)
        lengths = [0 if number % 10 == 9 else pair.max_packet for number in range(count)]
        reader = bench.start(bench.iso_urb(pair, lengths))
        writer = bench.start(bench.iso_urb(pair, lengths, bytes(sum(lengths))))
        for pending in (reader, writer):
            completion = pending.wait()
            assert completion.status == Status.OK
            assert len(completion.iso) == count
            assert sum(result.actual_length for result in completion.iso) == completion.actual_length
            assert all(
                0 <= result.actual_length <= asked for result, asked in zip(completion.iso, lengths, strict=True)
            )
        assert len(reader.data) == reader.completions[0].actual_length
        assert not any(reader.data)
