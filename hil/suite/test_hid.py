"""HID: the same descriptors and answers on both sides; what the device says arrives, what is said to it is heard."""

from __future__ import annotations

from typing import Any

import pytest

from hil.clients import hid
from hil.harness.fixtures import Both
from hil.live.device import LiveDevice
from hil.live.side import Running, Side, probe, start
from hil.suite.fingers import DIGITS, Fingers, fingers_for
from hil.suite.interfaces import of_class
from hil.waiting import poll
from wslusb.usb.descriptors import Endpoint, Interface
from wslusb.usb.ids import ClassCode, TransferType, is_in

pytestmark = pytest.mark.trait("hid")

_FROM, _TO, _STANDARD = 0xA1, 0x21, 0x81
_GET_DESCRIPTOR, _HID, _REPORT = 6, 0x21, 0x22
_GET_REPORT, _GET_IDLE, _GET_PROTOCOL, _SET_REPORT, _SET_IDLE, _SET_PROTOCOL = 1, 2, 3, 9, 10, 11
_NO_SUCH_ID = 0xEE
_LED_CAPS_LOCK = 1
_LIGHT_SECONDS, _TYPING_SECONDS = 5.0, 30.0
_LISTEN_SECONDS = 4.0


def _report_length(interface: Interface) -> int:
    """The wDescriptorLength of a HID descriptor (HID 1.11, 6.2.1)."""
    (raw,) = [each for each in interface.extra if each[1] == _HID][:1] or [bytes(9)]
    return int.from_bytes(raw[7:9], "little")


def _interfaces(dut: LiveDevice) -> list[Interface]:
    return [each for each in of_class(dut, ClassCode.HID) if each.alternate == 0]


def _source(dut: LiveDevice) -> tuple[Interface, Endpoint]:
    """Where its input reports come from: of several interfaces, the keyboard of a boot device, or the first."""
    found = [
        (interface, endpoint)
        for interface in sorted(_interfaces(dut), key=lambda each: each.protocol != 1)
        for endpoint in interface.endpoints
        if endpoint.transfer == TransferType.INTERRUPT and is_in(endpoint.address)
    ]
    assert found, f"{dut.name}: no HID interface of it has an interrupt IN endpoint"
    return found[0]


def _descriptors(side: Side, interfaces: list[Interface]) -> list[bytes]:
    """Report descriptors, as the device gives them."""
    requests: list[list[Any]] = [
        [_STANDARD, _GET_DESCRIPTOR, _REPORT << 8, each.number, _report_length(each), ""] for each in interfaces
    ]
    return [bytes.fromhex(each["data"]) for each in side.probe("requests", requests=requests)]


def _must_be_captured(dut: LiveDevice, found: list[str]) -> None:
    """A capture that was begun after the enumeration has no report descriptors, and without them no driver works."""
    if dut.rig.backend == "replay" and not any(found):
        pytest.skip("the capture has none of its report descriptors: it was begun after the enumeration")


def test_class_descriptors_are_the_same(dut: LiveDevice, both: Both) -> None:
    """HID and report descriptors, asked for whole, in part, and with more room than they need."""
    requests = [
        [_STANDARD, _GET_DESCRIPTOR, kind << 8, each.number, length, ""]
        for each in _interfaces(dut)
        for kind, whole in ((_HID, 9), (_REPORT, _report_length(each)))
        for length in (whole, whole - 1, 1, whole + 64)
    ]
    native, passthrough = both.probe("requests", requests=requests)
    assert passthrough == native
    _must_be_captured(dut, [answer["data"] for answer in native[4::8]])
    for each, answer in zip(_interfaces(dut), native[4::8], strict=True):
        assert len(answer["data"]) == 2 * _report_length(each), f"interface {each.number}: its report descriptor is cut"


def test_the_guest_s_drivers_have_its_report_descriptors(dut: LiveDevice) -> None:
    """What hidraw says in the guest is what the device gives on its host, byte for byte."""
    expected = {each.hex() for each in _descriptors(dut.native(), _interfaces(dut))}
    _must_be_captured(dut, [*expected])
    side = dut.passthrough()
    # A driver of its own may mend what its device says of itself.
    found = {each["descriptor"] for each in _hidraw(side).values() if each["driver"] == "hid-generic"}
    if not found:
        pytest.skip("no HID interface of it is hid-generic's in the guest")
    assert found <= expected


def _hidraw(side: Side, **words: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = probe(side.daemons, side.place, "hidraw", nodes=_nodes(side), **words)
    return found


def _nodes(side: Side, prefix: str = "/dev/hidraw") -> list[str]:
    found = [node for node in side.nodes or () if node.startswith(prefix)]
    assert found, f"{side}: no {prefix} among {side.nodes}"
    return found


def test_class_requests_get_the_same_answers(dut: LiveDevice, both: Both) -> None:
    """Every report there is, idle rates, protocol; reports that there are not: the same data, the same stalls."""
    interfaces = _interfaces(dut)
    requests: list[list[Any]] = []
    for interface, descriptor in zip(interfaces, _descriptors(dut.native(), interfaces), strict=True):
        number, known = interface.number, hid.reports(descriptor)
        requests += [
            [_FROM, _GET_REPORT, kind << 8 | report, number, length, ""] for (kind, report), length in known.items()
        ]
        requests += [[_FROM, _GET_REPORT, kind << 8 | _NO_SUCH_ID, number, 8, ""] for kind in (1, 2, 3)]
        requests += [[_FROM, _GET_IDLE, 0, number, 1, ""], [_FROM, _GET_PROTOCOL, 0, number, 1, ""]]
    native, passthrough = both.probe("requests", requests=requests)
    again = dut.native().probe("requests", requests=requests)
    for request, first, second, seen in zip(requests, native, again, passthrough, strict=True):
        what = f"bmRequestType {request[0]:#x}, bRequest {request[1]}, wValue {request[2]:#06x}, wIndex {request[3]}"
        assert seen["status"] == first["status"], what
        assert len(seen["data"]) == len(first["data"]), what
        # An input report says how things are now: only what stays the same can be compared.
        assert first != second or seen == first, what


@pytest.mark.safety("reversible")
def test_idle_rate_and_protocol_can_be_set_as_natively(dut: LiveDevice, both: Both) -> None:
    """SET_IDLE, SET_PROTOCOL, and what the device says then; a protocol that there is not."""
    requests = []
    for interface in _interfaces(dut):
        number = interface.number
        for value in (0x1900, 0):
            requests += [[_TO, _SET_IDLE, value, number, 0, ""], [_FROM, _GET_IDLE, 0, number, 1, ""]]
        for value in (0, 1) if interface.subclass else ():
            requests += [[_TO, _SET_PROTOCOL, value, number, 0, ""], [_FROM, _GET_PROTOCOL, 0, number, 1, ""]]
    native, passthrough = both.probe("requests", requests=requests)
    assert passthrough == native


def _listen(side: Side, source: tuple[Interface, Endpoint], seconds: float, count: int = 10_000) -> Running:
    endpoint = source[1]
    running = side.start(
        "input_reports", endpoint=endpoint.address, length=endpoint.packet_size, seconds=seconds, count=count,
        interval=max(1, endpoint.interval),
    )  # fmt: skip
    running.wait_ready()
    return running


def _listen_hidraw(side: Side, seconds: float, count: int = 10_000) -> Running:
    running = start(side.daemons, side.place, "hidraw", nodes=_nodes(side), seconds=seconds, count=count)
    running.wait_ready()
    return running


def _busiest(found: dict[str, dict[str, Any]]) -> list[str]:
    return max((each["reports"] for each in found.values()), key=len, default=[])


def _is_part(part: list[str], whole: list[str]) -> bool:
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def _first_wrong(part: list[str], whole: list[str]) -> str:
    """How far the longest beginning of a part goes that the whole has, for a person."""
    good = next(length for length in range(len(part), -1, -1) if _is_part(part[:length], whole))
    return f"report {good} of {len(part)} is {part[good]}, after {' '.join(part[max(0, good - 3) : good])}"


@pytest.mark.safety("reversible")
def test_reports_that_come_by_themselves(dut: LiveDevice) -> None:
    """A device that says the same again and again: the guest hears that, unchanged and in order, also by hidraw."""
    source = _source(dut)
    native: list[str] = _listen(dut.native(), source, _LISTEN_SECONDS).answer()
    third = len(native) // 3
    if third < 4 or not _is_part(native[-third:], native[: -third - 1]):
        pytest.skip(f"it says nothing that repeats by itself within {_LISTEN_SECONDS:g} s")
    by_driver = _busiest(_listen_hidraw(dut.passthrough(), _LISTEN_SECONDS * 3, third).answer())
    by_urbs = _listen(dut.passthrough(), source, _LISTEN_SECONDS * 3, third).answer()
    for seen, way in ((by_driver, "hidraw"), (by_urbs, "URBs")):
        assert len(seen) >= third, f"{len(seen)} reports by {way} in the guest where {third} come natively"
        assert _is_part(seen, native), f"by {way} in the guest, {_first_wrong(seen, native)}; that is not said natively"


@pytest.fixture
def fingers(dut: LiveDevice, request: pytest.FixtureRequest) -> Fingers:
    """Somebody who presses keys."""
    return fingers_for(dut, guided=request.config.getoption("--guided"))


@pytest.mark.trait("keyboard")
@pytest.mark.safety("reversible")
def test_reports_of_pressed_keys(dut: LiveDevice, both: Both, fingers: Fingers) -> None:
    """The same keys are pressed natively and in the guest: the same reports, in the same order."""
    if not fingers.exact:
        pytest.skip("no two times does a person press keys the same way")
    source, count = _source(dut), 2 * len(DIGITS)
    found = {}
    for side in both:
        running = _listen(side, source, _TYPING_SECONDS, count)
        fingers.press(running)
        found[side.name] = running.answer()
    running = _listen_hidraw(dut.passthrough(), _TYPING_SECONDS, count)
    fingers.press(running)
    assert len(found["native"]) == count, f"{len(DIGITS)} keys pressed and let go natively: {found['native']}"
    assert found["passthrough"] == found["native"]
    assert _busiest(running.answer()) == found["native"]


@pytest.mark.trait("keyboard")
@pytest.mark.safety("reversible")
def test_pressed_keys_are_key_events_in_the_guest(dut: LiveDevice, fingers: Fingers) -> None:
    """1 to 9, each down and up, none missing and none twice."""
    side = dut.passthrough()
    running = start(
        side.daemons, side.place, "input_events", nodes=_nodes(side, "/dev/input/event"), seconds=_TYPING_SECONDS,
        count=2 * len(DIGITS),
    )  # fmt: skip
    running.wait_ready()
    fingers.press(running)
    assert [code for code, value in running.answer() if value] == list(range(2, 2 + len(DIGITS)))


@pytest.mark.trait("keyboard")
@pytest.mark.safety("reversible")
def test_leds_can_be_set_as_natively(dut: LiveDevice, both: Both) -> None:
    """SET_REPORT with the LEDs on and off, one that is too long, and what the device says of them then."""
    interfaces = _interfaces(dut)
    requests: list[list[Any]] = []
    for interface, descriptor in zip(interfaces, _descriptors(dut.native(), interfaces), strict=True):
        for (kind, report), length in hid.reports(descriptor).items():
            if kind != hid.OUTPUT or interface.protocol != 1:
                continue
            value = kind << 8 | report
            for lit in (0b111, 0):
                data = bytes([report] * (report != 0) + [lit]).ljust(length, b"\0")
                requests += [
                    [_TO, _SET_REPORT, value, interface.number, length, data.hex()],
                    [_FROM, _GET_REPORT, value, interface.number, length, ""],
                ]
    if not requests:
        pytest.skip("it is a keyboard without LEDs")
    native, passthrough = both.probe("requests", requests=requests)
    assert passthrough == native
    # One with an endpoint for its output reports may refuse them here.
    takes_them = not any(not is_in(each.address) for interface in interfaces for each in interface.endpoints)
    assert not takes_them or native[0]["status"] == "OK", "the device refuses to light its LEDs"


@pytest.mark.trait("keyboard")
@pytest.mark.safety("reversible")
def test_a_led_that_a_program_lights_in_the_guest_is_lit(dut: LiveDevice) -> None:
    """Caps Lock by way of evdev, as the device tells its bench: on, and off again."""
    path = dut.entry.options.get("keyboard", {}).get("leds")
    if path is None:
        pytest.skip("nothing tells which LEDs are lit: keyboard = { leds = FILE } in the rig file")
    side = dut.passthrough()

    def states() -> list[str]:
        return dut.rig.host.get(path).decode().splitlines()

    seen = []
    for value in (1, 0):
        before = len(states())
        nodes = _nodes(side, "/dev/input/event")
        probe(side.daemons, side.place, "input_events", nodes=nodes, leds=[[_LED_CAPS_LOCK, value]])
        poll(lambda before=before: len(states()) > before, _LIGHT_SECONDS, f"Caps Lock is {value} on the device")  # type: ignore[misc]
        seen.append(states()[-1])
    assert seen[0] != seen[1], f"the LEDs are {seen[0]!r} whether Caps Lock is lit or not"
