"""emulator.devices.midi: packets and streams, melodies, the instrument."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.midi_parts.descriptors import midi_gadget
from emulator.devices.midi_parts.events import EventParser, events
from emulator.devices.midi_parts.melody import Note, parse_melody
from tests.support.usb import bulk_in, bulk_out, start
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb.descriptors import split
from wslusb.usb.ids import Speed


def play(options: str, seconds: float = 10.0) -> list[tuple[float, str]]:
    """Times and events that a host sees which listens from the beginning."""
    (model,) = parse_models(f"midi:{options}")
    clock = VirtualClock()
    device = VirtualDevice(model.gadget, model.firmware, clock=clock)
    seen = []
    waiter = start(device, bulk_in(64, endpoint=0x82))
    while clock.now() < seconds:
        clock.advance(0.01)
        while waiter.finished.is_set():
            seen += [(round(clock.now(), 2), payload.hex()) for _, payload in events(waiter.data)]
            waiter = start(device, bulk_in(64, endpoint=0x82))
    return seen


@pytest.mark.parametrize(
    ("stream", "packets"),
    [
        ("903c64", ["09903c64"]),
        ("903c64 3c00", ["09903c64", "09903c00"]),  # running status
        ("c005 06", ["0cc00500", "0cc00600"]),
        ("e00040", ["0ee00040"]),
        ("f8", ["0ff80000"]),
        ("90f83c64", ["0ff80000", "09903c64"]),  # real time in the middle
        ("f105", ["02f10500"]),
        ("f20102", ["03f20102"]),
        ("f6", ["05f60000"]),
        ("f0f7", ["06f0f700"]),
        ("f001f7", ["07f001f7"]),
        ("f00102f7", ["04f00102", "05f70000"]),
        ("f0010203f7", ["04f00102", "0603f700"]),
        ("3c64", []),  # data that belongs to nothing
        ("f1053c", ["02f10500"]),  # no running status after a system message
        ("f001903c64", ["09903c64"]),  # given up for another message
        ("f43c64", []),  # undefined
        ("f7", []),
    ],
)
def test_a_stream_in_packets(stream: str, packets: list[str]) -> None:
    parser = EventParser()
    found = [packet for byte in bytes.fromhex(stream) for packet in parser.feed(bytes((byte,)))]
    assert [packet.hex() for packet in found] == packets


def test_cables_are_kept_apart() -> None:
    first, second = EventParser(0), EventParser(5)
    packets = first.feed(b"\x90\x3c") + second.feed(b"\x91\x40\x01") + first.feed(b"\x64")
    assert list(events(b"".join(packets))) == [(5, b"\x91\x40\x01"), (0, b"\x90\x3c\x64")]


def test_padding_and_cut_packets_are_no_events() -> None:
    assert list(events(bytes(8) + b"\x0f\xf8\x00\x00" + b"\x09\x90")) == [(0, b"\xf8")]


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("", []),
        ("C4.A4", [Note(60), Note(69)]),
        ("F#3.Bb5:2.-:1/2", [Note(54), Note(82, 2.0), Note(None, 0.5)]),
        ("C-1.G9", [Note(0), Note(127)]),
    ],
)
def test_melodies(text: str, notes: list[Note]) -> None:
    assert parse_melody(text) == notes


@pytest.mark.parametrize("text", ["H4", "C", "A9", "Cb-1", "C4:0", "C4:1/0", "c4"])
def test_what_is_no_melody(text: str) -> None:
    with pytest.raises(LocalError):
        parse_melody(text)


def test_a_melody_in_time() -> None:
    seen = play("melody=C4.-.E4:2,tempo=60,wait=1000")
    assert [event for _, event in seen] == ["903c64", "803c00", "904064", "804000"]
    assert [time for time, _ in seen] == pytest.approx([1.0, 1.9, 3.0, 4.8], abs=0.011)


def test_a_melody_again() -> None:
    seen = play("melody=C4,tempo=60,wait=0,every=1000", 3.5)
    assert [time for time, event in seen if event == "903c64"] == pytest.approx([0, 2.0], abs=0.011)


def test_what_comes_is_recorded_and_echoed(tmp_path: Path) -> None:
    record = tmp_path / "notes"
    (model,) = parse_models(f"midi:echo=yes,ports=2,record={record}")
    device = VirtualDevice(model.gadget, model.firmware, clock=VirtualClock())
    sent = bytes.fromhex("09903c64 19903e64 0ff80000")
    start(device, bulk_out(sent))
    assert record.read_text() == "1: 90 3c 64\n2: 90 3e 64\n1: f8\n"
    assert start(device, bulk_in(64, endpoint=0x82)).data == sent


def test_an_instrument_does_not_wait_for_its_listeners() -> None:
    (model,) = parse_models("midi:echo=yes")
    device = VirtualDevice(model.gadget, model.firmware, clock=VirtualClock())
    for _ in range(40):
        assert start(device, bulk_out(bytes.fromhex("0ff80000") * 16)).wait().actual_length == 64
    assert len(start(device, bulk_in(8192, endpoint=0x82)).data) == 64, "each transfer ends"
    assert device._core.pipes[0x82].queued == 1024 - 64  # type: ignore[attr-defined]


@pytest.mark.parametrize("ports", [1, 2, 16])
def test_totals_and_jacks_of_the_description(ports: int) -> None:
    configuration = midi_gadget(ports=ports, speed=Speed.HIGH).configurations[0]
    interface = configuration.interfaces[1]
    body = interface.pack()[9:]
    header = next(split(body))
    assert int.from_bytes(header[5:7], "little") == len(body)
    jacks = {piece[4]: piece for piece in split(body) if piece[1] == 0x24 and piece[2] in (2, 3)}
    assert sorted(jacks) == list(range(1, 4 * ports + 1))
    for endpoint, kind in zip(interface.endpoints, (2, 3), strict=True):
        served = endpoint.extra[0][4:]
        assert len(served) == ports
        assert all(jacks[each][2:4] == bytes((kind, 1)) for each in served), "embedded, and of the right direction"
    for jack in jacks.values():
        if jack[2] == 3:
            assert jacks[jack[6]][2] == 2, "an OUT jack is fed by an IN jack"
