"""wslusb.device.tapped: what a tap hears, and that nobody else notices."""

from __future__ import annotations

import pytest

from tests.support.usb import PuppetDevice
from wslusb.device.tapped import Tapped
from wslusb.errors import DeviceError
from wslusb.usb.ids import TransferType
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, Status, Urb


class Heard:
    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []

    def submitted(self, urb: Urb) -> None:
        self.events.append(("S", urb.setup or urb.endpoint))

    def completed(self, completion: Completion) -> None:
        self.events.append(("C", completion.status))

    def note(self, text: str) -> None:
        self.events.append(("note", text))


@pytest.fixture
def puppet() -> PuppetDevice:
    return PuppetDevice(DeviceInfo(busid="1-1", vendor=1, product=2))


def read() -> Urb:
    return Urb(1, 0x81, TransferType.BULK, 64)


def test_state_changes_are_told_as_the_requests_that_they_are(puppet: PuppetDevice) -> None:
    heard, tapped = Heard(), Tapped(puppet)
    tapped.select_configuration(1)
    tapped.listen(heard)
    tapped.select_configuration(1)
    tapped.select_interface(2, 3)
    tapped.clear_halt(0x81)
    tapped.reset()
    assert heard.events == [
        ("S", Setup(0, 9, 1, 0, 0)), ("C", 0), ("S", Setup(1, 11, 3, 2, 0)), ("C", 0),
        ("S", Setup(2, 1, 0, 0x81, 0)), ("C", 0), ("note", "the port was reset before this"),
    ]  # fmt: skip
    assert [name for name, _, _ in puppet.calls] == [
        "select_configuration", "select_configuration", "select_interface", "clear_halt", "reset",
    ]  # fmt: skip


def test_a_refused_state_change_is_told_and_raised(puppet: PuppetDevice) -> None:
    heard, tapped = Heard(), Tapped(puppet)
    tapped.listen(heard)
    puppet.refusal = DeviceError(Status.STALL, "no")
    with pytest.raises(DeviceError):
        tapped.clear_halt(0x81)
    assert heard.events[-1] == ("C", Status.STALL)


def test_the_tap_hears_before_done_and_may_come_and_go_in_flight(puppet: PuppetDevice) -> None:
    heard, tapped = Heard(), Tapped(puppet)
    first, second, third = read(), read(), read()
    done: list[tuple[Urb, int]] = []

    def told(completion: Completion) -> None:
        done.append((completion.urb, len(heard.events)))

    tapped.submit(first, told)
    tapped.listen(heard)
    puppet.complete(first)
    assert (done, heard.events) == ([(first, 0)], [])
    tapped.submit(second, told)
    tapped.submit(third, told)
    puppet.complete(third, Status.STALL)
    assert heard.events == [("S", 0x81), ("S", 0x81), ("C", Status.STALL)]
    tapped.listen(None)
    puppet.complete(second)
    assert done[1:] == [(third, 3), (second, 4)]
