from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.report import sides
from hil.report.sides import Half, view
from hil.report.timeline import of_folder
from hil.report.words import status_name
from tests.support.rig_failure import FAILED, MS, Tape, a_failure, pass_through
from wslusb.capture import usbmon
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Status, Urb
from wslusb.wire.cancels import Cancel
from wslusb.wire.frame import MessageType, pack_header
from wslusb.wire.urbs import encode_request

READ = Urb(0, 0x81, TransferType.BULK, 4)
DONE = Completion(READ, Status.OK, 4, b"1234")


def both(tmp_path: Path, host: Tape, guest: Tape) -> tuple[list[Half], list[Half]]:
    host.write(tmp_path / "host.pcapng")
    guest.write(tmp_path / "guest.pcapng")
    return (
        view(tmp_path / "host.pcapng", is_host=True).halves,
        view(tmp_path / "guest.pcapng", is_host=False).halves,
    )


def test_both_sides_know_a_urb_by_its_number_on_the_wire(tmp_path: Path) -> None:
    host, guest = Tape(), Tape()
    for number in range(5):
        pass_through(host, guest, FAILED + number * MS, 100 + number, READ, DONE)
    for halves in both(tmp_path, host, guest):
        assert [half.sequence for half in halves] == [100, 101, 102, 103, 104]
        assert all(None not in (each.submitted, each.requested, each.responded, each.completed) for each in halves)
        assert {(each.status, each.moved) for each in halves} == {(0, 4)}


def test_urbs_of_several_endpoints_are_not_mixed_up(tmp_path: Path) -> None:
    """Their requests leave in another order than they were submitted in."""
    guest, urbs = Tape(), [Urb(7, 0x81, TransferType.BULK, 4), Urb(8, 0x82, TransferType.BULK, 4)]
    for urb in urbs:
        guest.urb(FAILED, usbmon.submitted(urb, (1, 4), FAILED))
    for number, urb in ((1, urbs[1]), (2, urbs[0])):
        guest.message(FAILED + number, encode_request(urb, number, 9), from_host=False)
    _, halves = both(tmp_path, Tape(), guest)
    assert {half.endpoint: half.sequence for half in halves} == {0x82: 1, 0x81: 2}


def test_a_urb_that_was_never_sent_does_not_take_the_number_of_the_next(tmp_path: Path) -> None:
    host, guest = Tape(), Tape()
    unsent = Urb(6, 0x81, TransferType.BULK, 4)
    guest.urb(FAILED, usbmon.submitted(unsent, (1, 4), FAILED))
    guest.urb(FAILED + 1, usbmon.completed(Completion(unsent, Status.CANCELLED), (1, 4), FAILED + 1))
    pass_through(host, guest, FAILED + MS, 50, READ, DONE)
    _, halves = both(tmp_path, host, guest)
    ends = [(half.sequence, status_name(half.status or 0)) for half in halves]
    assert ends == [(None, "CANCELLED"), (50, "OK")]


def test_a_cancel_is_told_with_its_time(tmp_path: Path) -> None:
    host, guest = Tape(), Tape()
    pass_through(host, guest, FAILED, 5, READ, None)
    payload = Cancel(5).pack()
    for tape in (host, guest):
        frame: list[Buffer] = [pack_header(MessageType.CANCEL, len(payload), 6), payload]
        tape.message(FAILED + MS, frame, from_host=False)
    assert [[half.cancelled for half in halves] for halves in both(tmp_path, host, guest)] == [[FAILED + MS]] * 2


def test_a_state_change_is_matched_by_its_setup_packet(tmp_path: Path) -> None:
    """The host makes them through the device's own methods, and numbers them apart."""
    host = Tape()
    setup = Setup(0x00, 9, 1, 0, 0)
    asked = Urb(1, 0, TransferType.CONTROL, 0, 0, b"", setup)
    made = Urb(1 << 32, 0, TransferType.CONTROL, 0, 0, b"", setup)
    host.message(FAILED, encode_request(asked, 77, 9), from_host=False)
    host.urb(FAILED + 1, usbmon.submitted(made, (1, 4), FAILED + 1))
    host.urb(FAILED + 2, usbmon.completed(Completion(made), (1, 4), FAILED + 2))
    ((half,), _) = both(tmp_path, host, Tape())
    assert (half.sequence, half.submitted, half.completed) == (77, FAILED + 1, FAILED + 2)


def test_a_message_in_several_packets_is_one(tmp_path: Path) -> None:
    host, guest = Tape(), Tape()
    write = Urb(0, 2, TransferType.BULK, 900, 0, bytes(900))
    pass_through(host, guest, FAILED, 1, write, Completion(write, Status.OK, 900))
    split = Tape()
    for time, number, data in host.packets:
        if number:
            head, body = data[:32], data[32:]
            for at in range(0, len(body), 250):
                split.packets.append((time + at, number, head + body[at : at + 250]))
        else:
            split.packets.append((time, number, data))
    pass_through(split, guest, FAILED + MS, 2, READ, DONE)
    halves, _ = both(tmp_path, split, guest)
    assert [half.sequence for half in halves] == [1, 2]


def test_only_so_many_finished_urbs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "MOST_URBS", 10)
    host, guest = Tape(), Tape()
    pass_through(host, guest, FAILED, 1, READ, None)
    for number in range(2, 40):
        pass_through(host, guest, FAILED + number * MS, number, READ, DONE)
    host.write(tmp_path / "host.pcapng")
    found = view(tmp_path / "host.pcapng", is_host=True)
    assert [half.sequence for half in found.halves] == [1, *range(30, 40)]
    assert found.notes == ["host.pcapng: 28 URBs are left out, those that ended first"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_failure(tmp_path_factory.mktemp("failure"))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["capture.pcapng", "capture-guest.pcapng", "rig.json", "faults.jsonl", "guest.dmesg", "agent.log"]),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_no_damage_costs_the_timeline(folder: Path, name: str, wrong: list[tuple[int, int]]) -> None:
    path = folder / name
    whole = path.read_bytes()
    damaged = bytearray(whole)
    for at, value in wrong:
        damaged[at % len(damaged)] = value
    path.write_bytes(damaged)
    try:
        timeline = of_folder(folder)
        assert [event.at for event in timeline.events] == sorted(event.at for event in timeline.events)
        assert timeline.as_text()
    finally:
        path.write_bytes(whole)
