"""The scenarios of docs/examples, used as their first lines say."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.catalogue import kind_named
from emulator.device import VirtualDevice
from emulator.devices.keyboard import KEYBOARD_REPORT
from emulator.options import Options
from wslusb.device.clock import VirtualClock
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Status, Urb, UrbFlag

EXAMPLES = Path(__file__).parents[4] / "docs" / "examples"


class Bench:
    """A scenario's device on a clock that stands still."""

    def __init__(self, name: str, **options: str) -> None:
        self.clock = VirtualClock()
        model = kind_named(str(EXAMPLES / f"{name}.toml")).make(Options(options))
        self.device = VirtualDevice(model.gadget, model.firmware, clock=self.clock)
        self.seen: list[tuple[Status, bytes]] = []

    def _submit(self, urb: Urb) -> list[tuple[Status, bytes]]:
        seen: list[tuple[Status, bytes]] = []

        def done(completion: Completion) -> None:
            seen.append((Status(completion.status), bytes(completion.data)))

        self.device.submit(urb, done)
        return seen

    def control(self, setup: Setup, data: Buffer = b"") -> list[tuple[Status, bytes]]:
        return self._submit(Urb(0, 0, 0, setup.length, UrbFlag.SHORT_OK, data, setup))

    def read(self, endpoint: int, length: int, transfer: int = TransferType.BULK) -> list[tuple[Status, bytes]]:
        return self._submit(Urb(0, endpoint, transfer, length, UrbFlag.SHORT_OK))

    def write(self, endpoint: int, data: bytes) -> list[tuple[Status, bytes]]:
        return self._submit(Urb(0, endpoint, TransferType.BULK, len(data), 0, data))


def test_the_thermometer_measures_rings_and_keeps_its_limit(tmp_path: Path) -> None:
    bench = Bench("thermometer", record=str(tmp_path / "log"))
    temperatures = [bench.control(Setup(0xC0, 1, 0, 0, 2))[0][1] for _ in range(4)]
    assert temperatures == [b"\xd7\0", b"\xdc\0", b"\xe1\0", b"\xd7\0"]
    assert bench.control(Setup(0xC0, 2, 0, 0, 2)) == [(Status.OK, b"")]
    assert bench.control(Setup(0x40, 2, 0, 0, 2), b"\x2c\x01") == [(Status.OK, b"")]
    assert bench.control(Setup(0xC0, 2, 0, 0, 2)) == [(Status.OK, b"\x2c\x01")]
    alarms = [bench.read(0x81, 8, TransferType.INTERRUPT) for _ in range(3)]
    bench.control(Setup(0x40, 3, 0, 0, 0))
    assert alarms == [[(Status.OK, b"alarm 1")], [], []]
    bench.clock.advance(0.0099)
    assert alarms[1:] == [[(Status.OK, b"alarm 2")], []]
    bench.clock.advance(0.0001)
    assert alarms[2] == [(Status.OK, b"alarm 3")]
    assert "control 40 02 00 00 00 00 02 00: 2c 01" in (tmp_path / "log").read_text().splitlines()


def test_the_thermometer_is_not_ready_twice_and_then_slow() -> None:
    bench, ready = Bench("thermometer"), Setup(0xC0, 4, 0, 0, 8)
    assert bench.control(ready) + bench.control(ready) == [(Status.STALL, b"")] * 2
    for _ in range(2):
        answer = bench.control(ready)
        bench.clock.advance(0.019)
        assert answer == []
        bench.clock.advance(0.002)
        assert answer == [(Status.OK, b"ready")]


def test_the_keypad_types_once() -> None:
    bench, keys = Bench("keypad"), []
    for _ in range(8):
        report = bench.read(0x81, 8, TransferType.INTERRUPT)
        bench.clock.advance(0.5)
        keys.append(report[0][1][2])
    assert keys == [0x59, 0, 0x5A, 0, 0x5B, 0, 0x58, 0]
    last = bench.read(0x81, 8, TransferType.INTERRUPT)
    bench.clock.advance(10)
    assert last == []


def test_the_keypad_has_its_report_descriptor_and_hid_descriptor() -> None:
    bench = Bench("keypad")
    report = bench.control(Setup(0x81, 6, 0x2200, 0, 255))[0][1]
    assert report == KEYBOARD_REPORT
    descriptor = bytes.fromhex("09211101000122") + len(KEYBOARD_REPORT).to_bytes(2, "little")
    assert bench.control(Setup(0x81, 6, 0x2100, 0, 255)) == [(Status.OK, descriptor)]
    assert bench.control(Setup(0x81, 6, 0x2200, 1, 255)) == [(Status.STALL, b"")]


def test_the_modem_dials_echoes_and_hangs_up() -> None:
    bench = Bench("modem")

    def say(text: bytes) -> bytes:
        for letter in text:
            assert bench.write(0x02, bytes((letter,))) == [(Status.OK, b"")]
        bench.clock.advance(0.05)
        return bench.read(0x81, 512)[0][1]

    assert say(b"AT\r") == b"OK\r\n"
    assert say(b"ATH\r") == b"ERROR\r\n"
    assert say(b"ATD123\r") == b"CONNECT 9600\r\n"
    assert say(b"hello\r") == b"hello\r"
    assert say(b"ATH\r") == b"NO CARRIER\r\n"
    assert say(b"hello\r") == b"ERROR\r\n"


def test_the_modem_remembers_its_line_coding() -> None:
    bench, get = Bench("modem"), Setup(0xA1, 0x21, 0, 0, 7)
    assert bench.control(get)[0][1].hex() == "00c20100000008"
    bench.control(Setup(0x21, 0x20, 0, 0, 7), bytes.fromhex("80250000000008"))
    assert bench.control(get)[0][1].hex() == "80250000000008"


def test_the_tone_misses_every_hundredth_packet() -> None:
    bench = Bench("tone")
    bench.device.select_interface(0, 1)
    lengths: list[int] = []

    def done(completion: Completion) -> None:
        lengths.extend(result.actual_length for result in completion.iso)

    for _ in range(20):
        urb = Urb(0, 0x81, TransferType.ISOCHRONOUS, 1920, UrbFlag.ISO_ASAP, interval=1, iso_lengths=(192,) * 10)
        bench.device.submit(urb, done)
        bench.clock.advance(0.02)
    assert lengths == ([192] * 99 + [0]) * 2


def test_the_tangle_fails_where_it_says() -> None:
    bench, configuration = Bench("tangle"), Setup(0x80, 6, 0x0200, 0, 9)
    assert bench.control(configuration)[0][0] == Status.STALL
    assert bench.control(configuration)[0][1].hex() == "090219000101008032"
    assert [bench.write(1, b"x")[0][0] for _ in range(4)] == [Status.OK, Status.OK, Status.STALL, Status.STALL]
    bench.device.clear_halt(1)
    assert bench.write(1, b"x") == [(Status.OK, b"")]
    assert bench.control(Setup(0x80, 6, 0x03EE, 0, 255))[0][0] == Status.STALL
    assert bench.control(Setup(0x80, 6, 0x03EE, 0x0409, 255))[0][1][2:].decode("utf-16-le") == "MSFT100 "


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_each_example_says_what_it_is(path: Path) -> None:
    kind = kind_named(str(path))
    assert kind.name == path.stem
    assert kind.summary
