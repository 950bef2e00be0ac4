"""A place of a real coordinator: what is acquired is shared, what is released is the host's again."""

from __future__ import annotations

import signal

import pytest

from tests.labgrid.bench import Bench
from tests.support.waiting import until
from tests.support.world import Guest
from wslusb.wire.listing import DeviceState

SHARED, NOT_SHARED = DeviceState.SHARED, DeviceState.NOT_SHARED


def test_the_coordinator_knows_what_is_plugged_in(bench: Bench) -> None:
    told = bench.resources()
    assert "Resource 'stick' (host/lab/NetworkWslusbDevice[/stick])" in told
    assert "'busid': '9-2'" in told
    assert f"'vendor_id': {0x0525}}}" in told
    assert "'serial': 'STICK'" in told
    assert told.count("'avail': True") == 2
    bench.world.provider.unplug("9-2")
    until(lambda: "'reason': 'is not plugged in'" in bench.resources(), "the coordinator is told")
    assert bench.resources().count("'avail': True") == 1


def test_acquired_is_shared_and_released_is_not(bench: Bench) -> None:
    bench.place("bench-1", "host/lab/*/stick")
    assert bench.world.state("9-2") is NOT_SHARED
    bench.acquire("bench-1")
    assert (bench.world.state("9-1"), bench.world.state("9-2")) == (NOT_SHARED, SHARED)
    bench.release("bench-1")
    assert bench.world.state("9-2") is NOT_SHARED


def test_labgrid_refuses_a_second_client(bench: Bench) -> None:
    bench.place("bench-1", "host/lab/*/stick")
    bench.acquire("bench-1")
    assert "acquired by desk/alice" in bench.refusal("-p", "bench-1", "acquire", user="bob")
    assert bench.world.state("9-2") is SHARED
    bench.refusal("-p", "bench-1", "release", user="bob")
    assert bench.world.state("9-2") is SHARED
    bench.release("bench-1")
    bench.acquire("bench-1", user="bob")


def test_a_device_is_in_one_place_at_a_time(bench: Bench) -> None:
    bench.place("bench-1", "host/lab/*/stick")
    bench.place("bench-2", "host/lab/*")
    bench.acquire("bench-1")
    assert "Failed to acquire resources" in bench.refusal("-p", "bench-2", "acquire", user="bob")
    assert bench.world.state("9-1") is NOT_SHARED, "the other device of the place is not kept, either"


def test_one_of_two_exporters_has_it(bench: Bench) -> None:
    second = bench.start_exporter("host-again")
    bench.place("bench-1", "host/lab/*/stick")
    bench.place("bench-2", "host-again/lab/*/stick")
    bench.acquire("bench-1")
    assert "Failed to acquire resources" in bench.refusal("-p", "bench-2", "acquire", user="bob")
    second.wait_for_output("device 9-2 is lent already")
    bench.release("bench-1")
    bench.acquire("bench-2", user="bob")
    second.kill(signal.SIGTERM)
    second.wait()
    assert bench.world.state("9-2") is NOT_SHARED


def test_what_a_person_uses_is_not_taken_from_them(bench: Bench) -> None:
    bench.place("bench-1", "host/lab/*/loopback")
    bench.world.service.bind("9-1")
    guest = Guest(bench.world)
    until(lambda: "'reason': 'is attached to" in bench.resources(), "the coordinator is told")
    assert "Failed to acquire resources" in bench.refusal("-p", "bench-1", "acquire", user="bob")
    guest.close()
    bench.world.free()
    bench.acquire("bench-1")


def test_a_reserved_place_is_kept_for_whoever_reserved_it(bench: Bench) -> None:
    bench.place("bench-1", "host/lab/*/stick")
    bench.client("-p", "bench-1", "set-tags", "usb=storage")
    token = bench.client("reserve", "--shell", "--wait", "usb=storage").stdout
    assert "LG_TOKEN=" in token
    assert "was not reserved for desk/bob" in bench.refusal("-p", "bench-1", "acquire", user="bob")
    assert bench.world.state("9-2") is NOT_SHARED
    bench.client("-p", f"+{token.strip().rpartition('LG_TOKEN=')[2]}", "acquire")
    assert bench.world.state("9-2") is SHARED


def test_released_means_given_back_even_if_the_guest_does_not_let_go(bench: Bench) -> None:
    """What labgrid's client would have done at its end, had nobody killed it."""
    bench.place("bench-1", "host/lab/*/loopback")
    bench.acquire("bench-1")
    guest = Guest(bench.world)
    bench.world.taken()
    bench.release("bench-1")
    assert bench.world.state() is NOT_SHARED
    guest.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_exporter_that_ends_takes_its_loans_with_it(bench: Bench, number: signal.Signals) -> None:
    bench.place("bench-1", "host/lab/*/loopback")
    bench.acquire("bench-1")
    guest = Guest(bench.world)
    bench.world.taken()
    bench.exporter.kill(number)
    bench.exporter.wait()
    until(lambda: bench.world.state() is NOT_SHARED, "the host has it again")
    guest.close()


def test_a_coordinator_that_ends_gives_everything_back(bench: Bench) -> None:
    bench.place("bench-1", "host/lab/*/stick")
    bench.acquire("bench-1")
    bench.coordinator.kill()
    assert bench.exporter.wait().returncode == 100, "labgrid's own way to ask for a restart"
    until(lambda: bench.world.state("9-2") is NOT_SHARED, "the host has it again")


def test_a_board_that_reboots_stays_the_places(bench: Bench) -> None:
    bench.place("bench-1", "host/lab/*/stick")
    bench.acquire("bench-1")
    bench.world.provider.unplug("9-2")
    until(lambda: "is not plugged in" in bench.resources(), "the coordinator is told")
    bench.world.provider.plug("9-2")
    assert bench.world.state("9-2") is SHARED, "at once, without the exporter's doing"
    bench.release("bench-1")
    assert bench.world.state("9-2") is NOT_SHARED


def test_a_device_that_comes_after_its_place_was_acquired(bench: Bench) -> None:
    bench.world.provider.unplug("9-2")
    until(lambda: "is not plugged in" in bench.resources(), "the coordinator is told")
    bench.place("bench-1", "host/lab/*/stick")
    bench.acquire("bench-1")
    bench.world.provider.plug("9-2")
    until(lambda: bench.world.state("9-2") is SHARED, "the exporter has seen it")


def test_what_was_unbound_by_hand_is_not_there(bench: Bench) -> None:
    bench.place("bench-1", "host/lab/*/stick")
    bench.acquire("bench-1")
    bench.world.service.unbind("9-2")
    until(lambda: "'reason': 'was unbound" in bench.resources(), "the coordinator is told")
    bench.release("bench-1")
    until(lambda: "'reason': 'was unbound" not in bench.resources(), "the coordinator is told")
    bench.acquire("bench-1")
    assert bench.world.state("9-2") is SHARED
