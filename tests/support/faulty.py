"""A puppet with a fault before it."""

from __future__ import annotations

from emulator import device_provider
from tests.support.usb import PuppetDevice, Waiter, bulk_in, start
from wslusb.device.clock import VirtualClock
from wslusb.device.faults import Fault, Faulty, Plan, What, When, Where
from wslusb.usb.urb import Status, UrbFlag

__all__ = ["INFO", "ONCE", "World", "got"]

INFO = device_provider("loopback").devices()[0]
ONCE = When(nth=(1,))


class World:
    """A puppet with one fault before it, which befalls the first URB of each endpoint that it fits."""

    def __init__(self, what: What, when: When = ONCE, where: Where | None = None) -> None:
        self.clock = VirtualClock()
        self.puppet = PuppetDevice(INFO, obedient=True)
        self.left: list[tuple[float, str]] = []
        self.device = Faulty(
            self.puppet, Plan([Fault(what, where or Where(), when)]), clock=self.clock,
            left=lambda *how: self.left.append(how), can_become=True,
        )  # fmt: skip

    def read(self, length: int = 64, flags: int = UrbFlag.SHORT_OK) -> Waiter:
        return start(self.device, bulk_in(length, flags=flags))

    def answer(self, data: bytes = b"answer", status: int = Status.OK) -> None:
        """Complete the oldest URB that the puppet has."""
        self.puppet.complete(next(iter(self.puppet.waiting)), status, data)


def got(waiter: Waiter) -> tuple[int, bytes]:
    completion = waiter.wait()
    assert completion.actual_length == len(waiter.data)
    return completion.status, waiter.data
