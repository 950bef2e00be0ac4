"""Every kind of fault strikes an idle IN endpoint of a virtual device, and then its URBs are wanted back."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from emulator import device_provider
from emulator.device import VirtualDevice
from tests.support.usb import LOOPBACK, SECONDS, PuppetDevice, Waiter, bulk_in, start
from wslusb.device.faults import KINDS, Fault, Faulty, Plan, Timeout, UnlinkRace, What, When, Where
from wslusb.device.faults.reading import read_what
from wslusb.usb.urb import Done, Status, Urb

INFO = device_provider("loopback").devices()[0]
SOURCE = 0x81
NEEDED: dict[str, dict[str, object]] = {
    "delay": {"seconds": 3600},
    "late": {"seconds": 3600},
    "bandwidth": {"bytes_per_second": 1},
    "iso-errors": {"share": 1},
    "reenumerate": {"become": "x"},
}
"""Parameters that a kind cannot do without."""
REACHES = ("stall", "babble", "crc", "protocol", "bit-stuff", "timeout", "reset", "disconnect", "reenumerate")
WHATS: dict[str, What] = {
    **{kind: read_what({"kind": kind, **NEEDED.get(kind, {})}, "") for kind in KINDS},
    **{f"{kind} done": read_what({"kind": kind, "reaches": True, **NEEDED.get(kind, {})}, "") for kind in REACHES},
    **{f"unlink-race {winner}": UnlinkRace(winner=winner) for winner in ("completion", "cancel")},
}
TWICE = {"duplicate": 2}


def in_time(action: Callable[[], None]) -> None:
    """Call it in a thread of its own, which a failure leaves behind: the tests go on."""
    caller = threading.Thread(target=action, daemon=True)
    caller.start()
    caller.join(SECONDS / 5)
    assert not caller.is_alive(), "it hangs"


class Idle:
    """A loopback with nothing to give, and two URBs that wait for it; a fault has befallen the first."""

    def __init__(self, what: What) -> None:
        provider = device_provider("loopback")
        self.virtual = provider.open(provider.devices()[0])
        plan = Plan([Fault(what, Where(endpoint=SOURCE), When(nth=(1,)))])
        self.device = Faulty(self.virtual, plan, left=lambda *_how: None, can_become=True)
        self.device.select_configuration(LOOPBACK)
        self.waiters = [start(self.device, bulk_in(endpoint=SOURCE)) for _ in range(2)]

    def told(self) -> list[int]:
        """How often each URB has completed by now."""
        return [len(waiter.completions) for waiter in self.waiters]


CALLS: dict[str, Callable[[Faulty], None]] = {
    "close": Faulty.close,
    "reset": Faulty.reset,
    "select_configuration": lambda device: device.select_configuration(LOOPBACK),
    "select_interface": lambda device: device.select_interface(0, 0),
}


LOST = ("reset", "disconnect", "reenumerate")
"""What strikes at once and leaves nobody who could be asked for anything but to close."""


@pytest.mark.parametrize(("kind", "call"), [(kind, call) for kind in WHATS for call in CALLS if kind not in LOST])
def test_all_urbs_are_done_when_a_call_that_ends_them_returns(kind: str, call: str) -> None:
    idle = Idle(WHATS[kind])
    in_time(lambda: CALLS[call](idle.device))
    assert idle.told() == [TWICE.get(kind, 1), 1]
    in_time(idle.device.close)


@pytest.mark.parametrize("kind", LOST)
def test_a_device_that_is_lost_can_be_closed(kind: str) -> None:
    idle = Idle(WHATS[kind])
    in_time(idle.device.close)
    assert idle.told() == [1, 1]


@pytest.mark.parametrize("kind", WHATS)
def test_a_real_unplug_ends_all_that_the_device_had(kind: str) -> None:
    idle = Idle(WHATS[kind])
    assert isinstance(idle.virtual, VirtualDevice)
    in_time(idle.virtual.unplug)
    had = [waiter for waiter in idle.waiters if waiter.completions]
    if kind not in {"timeout", "delay", "nak"}:  # the device has not heard of those
        assert had == idle.waiters
    for waiter in had:
        assert waiter.completions[-1].status != Status.CANCELLED
    in_time(idle.device.close)
    assert idle.told() == [TWICE.get(kind, 1), 1]


@pytest.mark.parametrize("kind", ["unlink-race", "late", "timeout done", "stall done", "disconnect done"])
def test_an_unplug_is_told_as_what_it_is(kind: str) -> None:
    idle = Idle(WHATS[kind])
    assert isinstance(idle.virtual, VirtualDevice)
    idle.virtual.unplug()
    assert idle.waiters[0].status == Status.GONE
    idle.device.close()


@pytest.mark.parametrize("kind", ["stall done", "crc done", "disconnect done"])
def test_what_was_cancelled_before_the_device_did_it_was_cancelled(kind: str) -> None:
    waiter, urb = Waiter(), bulk_in()
    device = Faulty(PuppetDevice(INFO, obedient=True), Plan([Fault(WHATS[kind])]))
    device.submit(urb, waiter)
    device.cancel(urb)
    assert waiter.status == Status.CANCELLED


@pytest.mark.parametrize("what", [UnlinkRace(winner="completion"), Timeout(reaches=True)])
def test_an_answer_held_back_holds_no_unplug_behind_it_back(what: What) -> None:
    puppet = PuppetDevice(INFO)
    device = Faulty(puppet, Plan([Fault(what, when=When(nth=(1,)))]))
    first, second = start(device, bulk_in()), start(device, bulk_in())
    for urb, status in zip(list(puppet.waiting), (Status.OK, Status.GONE), strict=True):
        puppet.complete(urb, status)
    assert first.completions
    assert second.status == Status.GONE


def test_a_urb_that_is_being_handed_over_is_given_back_too() -> None:
    """It comes to the device after that has given back what it had."""
    puppet = PuppetDevice(INFO, obedient=True)
    device = Faulty(puppet, Plan())
    entered, go_on = threading.Event(), threading.Event()
    submit = puppet.submit

    def slow(urb: Urb, done: Done) -> None:
        entered.set()
        assert go_on.wait(SECONDS)
        submit(urb, done)

    puppet.submit = slow  # type: ignore[method-assign]
    waiter = Waiter()
    sender = threading.Thread(target=device.submit, args=(bulk_in(), waiter))
    sender.start()
    assert entered.wait(SECONDS)
    changer = threading.Thread(target=device.select_configuration, args=(1,), daemon=True)
    changer.start()
    while not puppet.calls:
        changer.join(0.001)
    go_on.set()
    sender.join(SECONDS)
    changer.join(SECONDS / 5)
    assert not changer.is_alive(), "it hangs"
    assert waiter.status == Status.CANCELLED


def test_close_waits_for_a_done_that_is_being_called() -> None:
    puppet = PuppetDevice(INFO)
    device = Faulty(puppet, Plan())
    entered, go_on, left = threading.Event(), threading.Event(), threading.Event()

    def done(_completion: object) -> None:
        entered.set()
        assert go_on.wait(SECONDS)
        left.set()

    device.submit(bulk_in(), done)
    teller = threading.Thread(target=puppet.complete, args=(next(iter(puppet.waiting)),))
    teller.start()
    assert entered.wait(SECONDS)
    order: list[bool] = []

    def close() -> None:
        device.close()
        order.append(left.is_set())

    closer = threading.Thread(target=close, daemon=True)
    closer.start()
    while ("close", 0, 0) not in puppet.calls:
        closer.join(0.001)
    closer.join(0.05)  # long enough for a close that does not wait to be seen
    go_on.set()
    closer.join(SECONDS)
    teller.join(SECONDS)
    assert order == [True]
