"""Device contract: halts, settings, reset, and the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.device_bench import Bench, Cases, Pair, needs
from wslusb.errors import DeviceError
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Status

GIVEN_BACK = {Status.CANCELLED, Status.GONE}
ENDPOINT_HALT = 0


def halt(bench: Bench, endpoint: int) -> Status:
    return Status(bench.control(Setup(0x02, Request.SET_FEATURE, ENDPOINT_HALT, endpoint, 0)).wait().status)


class StateCases(Cases):
    def test_halted_in_endpoint_stalls_until_cleared(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        assert halt(bench, pair.source) == Status.OK
        for _ in range(2):
            assert bench.read(pair, pair.max_packet).wait().status == Status.STALL
        bench.device.clear_halt(pair.source)
        assert bench.read(pair, pair.max_packet).wait().status == Status.OK

    def test_halted_out_endpoint_stalls_until_cleared(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        assert halt(bench, pair.sink) == Status.OK
        for _ in range(2):
            completion = bench.write(pair, bytes(pair.max_packet)).wait()
            assert (completion.status, completion.actual_length) == (Status.STALL, 0)
        bench.device.clear_halt(pair.sink)
        assert bench.write(pair, bytes(pair.max_packet)).wait().status == Status.OK

    def test_clear_halt_of_an_endpoint_that_is_not_halted(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        bench.read(pair, pair.max_packet).wait()
        bench.device.clear_halt(pair.source)
        bench.device.clear_halt(pair.sink)
        assert bench.read(pair, pair.max_packet).wait().status == Status.OK
        assert bench.write(pair, bytes(pair.max_packet)).wait().status == Status.OK

    def test_endpoint_that_does_not_exist(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        urb = bench.in_urb(pair, pair.max_packet)
        urb.endpoint = 0x8E
        assert bench.start(urb).wait().status != Status.OK
        assert bench.read(pair, pair.max_packet).wait().status == Status.OK

    @needs("iso")
    def test_select_interface_with_isochronous_endpoints(self, bench: Bench) -> None:
        assert self.traits.iso
        self.go_to_and_fro(bench, self.traits.iso)

    @needs("interrupt")
    def test_select_interface_with_interrupt_endpoints(self, bench: Bench) -> None:
        assert self.traits.interrupt
        self.go_to_and_fro(bench, self.traits.interrupt)

    def test_select_same_interface_setting(self, bench: Bench) -> None:
        self.go_to_and_fro(bench, self.traits.bulk)

    def go_to_and_fro(self, bench: Bench, other: Pair) -> None:
        """The bulk pair works at each alternate setting: usbtest's layout has it in all of them."""
        pair = self.traits.bulk
        assert (other.configuration, other.interface) == (pair.configuration, pair.interface)
        bench.use(pair)
        for each in (other, pair, other, other, pair):
            bench.device.select_interface(pair.interface, each.alternate)
            assert bench.write(pair, bytes(100)).wait().status == Status.OK
            assert bench.read(pair, pair.max_packet).wait().status == Status.OK

    def test_interface_setting_that_does_not_exist(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        with pytest.raises(DeviceError):
            bench.device.select_interface(pair.interface, 200)
        bench.use(pair)
        assert bench.write(pair, bytes(100)).wait().status == Status.OK

    @needs("echo")
    def test_select_interface_gives_back_what_is_in_flight(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        readers = [bench.read(pair, pair.max_packet) for _ in range(8)]
        bench.device.select_interface(pair.interface, pair.alternate)
        assert all(reader.completions for reader in readers), "not given back before the call returned"
        assert {reader.wait().status for reader in readers} <= GIVEN_BACK
        reader = bench.read(pair, pair.max_packet)
        bench.write(pair, b"again")
        assert (reader.wait().status, reader.data) == (Status.OK, b"again")

    def test_select_same_configuration(self, bench: Bench) -> None:
        pair = self.traits.bulk
        for _ in range(3):
            bench.device.select_configuration(pair.configuration)
            bench.device.select_interface(pair.interface, pair.alternate)
            assert bench.read(pair, pair.max_packet).wait().status == Status.OK

    @needs("echo")
    def test_select_other_configuration(self, bench: Bench) -> None:
        pair, echo = self.traits.bulk, self.traits.echo
        assert echo
        for _ in range(2):
            bench.use(pair)
            assert bench.read(pair, pair.max_packet).wait().status == Status.OK
            bench.use(echo)
            reader = bench.read(echo, echo.max_packet)
            bench.write(echo, b"echo")
            assert (reader.wait().status, reader.data) == (Status.OK, b"echo")

    def test_configuration_that_does_not_exist(self, bench: Bench) -> None:
        with pytest.raises(DeviceError):
            bench.device.select_configuration(200)
        bench.use(self.traits.bulk)
        assert bench.write(self.traits.bulk, bytes(100)).wait().status == Status.OK

    @needs("echo")
    def test_reset_gives_back_what_is_in_flight(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        readers = [bench.read(pair, pair.max_packet) for _ in range(8)]
        bench.device.reset()
        assert {reader.wait().status for reader in readers} <= GIVEN_BACK

    def test_usable_after_reset(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        bench.device.reset()
        bench.use(pair)
        assert bench.read(pair, pair.max_packet).wait().status == Status.OK
        assert bench.write(pair, bytes(100)).wait().status == Status.OK


class LifeCases(Cases):
    @needs("echo")
    def test_close_gives_back_what_is_in_flight(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        readers = [bench.read(pair, pair.max_packet) for _ in range(16)]
        bench.device.close()
        assert all(reader.completions for reader in readers), "not given back before close returned"
        assert {reader.wait().status for reader in readers} <= GIVEN_BACK

    def test_close_twice(self, bench: Bench) -> None:
        bench.device.close()
        bench.device.close()

    def test_submit_after_close_says_gone(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        bench.device.close()
        assert bench.read(pair, pair.max_packet).wait().status == Status.GONE
        assert bench.write(pair, bytes(100)).wait().status == Status.GONE
        assert bench.control(Setup(0x80, Request.GET_STATUS, 0, 0, 2)).wait().status == Status.GONE

    def test_cancel_after_close_does_nothing(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        pending = bench.read(pair, pair.max_packet)
        bench.device.close()
        bench.device.cancel(pending.urb)
        assert len(pending.completions) == 1

    def test_the_other_calls_say_gone_after_close(self, bench: Bench) -> None:
        device, pair = bench.device, self.traits.bulk
        device.close()
        calls: list[Callable[[], None]] = [
            lambda: device.select_configuration(pair.configuration),
            lambda: device.select_interface(pair.interface, pair.alternate),
            lambda: device.clear_halt(pair.source),
            device.reset,
        ]
        for call in calls:
            with pytest.raises(DeviceError) as caught:
                call()
            assert caught.value.status == Status.GONE

    def test_open_again_after_close(self, bench: Bench) -> None:
        bench.device.close()
        again = Bench(self.open_device())
        try:
            again.use(self.traits.bulk)
            assert again.write(self.traits.bulk, bytes(100)).wait().status == Status.OK
        finally:
            again.device.close()
