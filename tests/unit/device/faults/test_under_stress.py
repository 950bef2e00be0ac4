"""Faulty under threads, chance and the real clock: every URB is completed exactly once, whatever befalls it."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest

from emulator import device_provider
from tests.support.usb import bulk_in, bulk_out
from wslusb.device.faults import (
    Crc,
    Delay,
    Fault,
    Faulty,
    Late,
    Nak,
    Plan,
    Reset,
    Stall,
    Timeout,
    UnlinkRace,
    When,
    Where,
)
from wslusb.errors import DeviceError
from wslusb.usb.urb import Completion, Status, Urb

URBS = 300
FLIGHTS = 8
BULK = Where(transfer="bulk")
PLAN = Plan(
    [
        Fault(Delay(seconds=0, jitter=0.002), BULK, When(probability=0.2)),
        Fault(Late(seconds=0, jitter=0.002), BULK, When(probability=0.2)),
        Fault(Timeout(), BULK, When(probability=0.02)),
        Fault(Timeout(reaches=True), BULK, When(probability=0.02)),
        Fault(UnlinkRace(), BULK, When(probability=0.05)),
        Fault(Stall(), BULK, When(probability=0.03)),
        Fault(Crc(bytes=4), BULK, When(probability=0.05)),
        Fault(Nak(seconds=0.002), BULK, When(probability=0.02)),
        Fault(Reset(), BULK, When(probability=0.005)),
    ],
)  # fmt: skip
EXPECTED = {Status.OK, Status.CANCELLED, Status.STALL, Status.CRC, Status.PROTOCOL}


class Driver(threading.Thread):
    """Keeps one endpoint busy, and cancels what is too slow."""

    def __init__(self, device: Faulty, endpoint: int, seed: int) -> None:
        super().__init__()
        self.device = device
        self.endpoint = endpoint
        self.draw = random.Random(seed)
        self.counts: Counter[Urb] = Counter()
        self.statuses: Counter[int] = Counter()
        self.submitted: list[Urb] = []
        self.free = threading.Semaphore(FLIGHTS)

    def done(self, completion: Completion) -> None:
        self.counts[completion.urb] += 1
        self.statuses[completion.status] += 1
        self.free.release()

    def run(self) -> None:
        for number in range(URBS):
            while not self.free.acquire(timeout=0.005):
                for urb in self.submitted[-4 * FLIGHTS :]:
                    self.device.cancel(urb)
                self.recover()
            urb = bulk_in(512, number) if self.endpoint & 0x80 else bulk_out(bytes(64), number)
            self.submitted.append(urb)
            self.device.submit(urb, self.done)
            if self.draw.random() < 0.1:
                self.device.cancel(self.draw.choice(self.submitted[-FLIGHTS:]))
            if self.draw.random() < 0.05:
                self.recover()

    def recover(self) -> None:
        """What a driver does that has seen errors."""
        try:
            self.device.clear_halt(self.endpoint)
        except DeviceError:
            self.device.reset()
            self.device.select_configuration(3)


@pytest.mark.parametrize("seed", range(3))
def test_every_urb_is_completed_once(seed: int) -> None:
    provider = device_provider("loopback")
    device = Faulty(provider.open(provider.devices()[0]), PLAN, seed=seed)
    drivers = [Driver(device, endpoint, seed) for endpoint in (0x81, 0x01)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join(30)
        assert not driver.is_alive(), "it hangs"
    device.close()
    for driver in drivers:
        assert [driver.counts[urb] for urb in driver.submitted] == [1] * URBS
        assert set(driver.statuses) <= EXPECTED | {Status.INVALID}  # between a reset and SET_CONFIGURATION
        assert driver.statuses[Status.OK] > URBS / 4
