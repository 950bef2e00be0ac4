from __future__ import annotations

import contextlib
import os

import pytest

from hil.vm.virtqueue import DESC, BadRingError
from tests.unit.hil.rings import GUEST_BASE, USER_BASE, FakeDriver


def test_chains_come_in_order_with_their_buffers() -> None:
    driver = FakeDriver()
    driver.offer(b"head", b"body")
    driver.offer(100, 50)
    first, second = driver.ring.take(), driver.ring.take()
    assert first is not None
    assert second is not None
    assert [bytes(view) for view in first[1]] == [b"head", b"body"]
    assert [len(view) for view in second[2]] == [100, 50]
    assert driver.ring.take() is None


def test_the_guest_sees_nothing_before_publish() -> None:
    driver = FakeDriver()
    head = driver.offer(4)
    chain = driver.ring.take()
    assert chain is not None
    chain[2][0][:] = b"data"
    driver.ring.give(head, 4)
    assert driver.used == 0
    assert driver.ring.publish()
    assert driver.collect() == [b"data"]
    assert not driver.ring.publish()


def test_interrupts_are_spared_on_request() -> None:
    driver = FakeDriver()
    driver.mute()
    driver.offer(4)
    driver.ring.take()
    driver.ring.give(0, 0)
    assert not driver.ring.publish()


def test_sleep_refuses_when_there_is_work() -> None:
    driver = FakeDriver()
    driver.ring.wake()
    kicks_while_awake = driver.wants_kick
    assert driver.ring.sleep()
    assert (kicks_while_awake, driver.wants_kick) == (False, True)
    driver.offer(b"x")
    assert not driver.ring.sleep()


def test_indices_wrap() -> None:
    driver = FakeDriver(size=2)
    driver.start_at(0xFFFE)
    for _ in range(5):
        driver.push(0)
        DESC.pack_into(driver.bytes, 0, GUEST_BASE + 0x3000, 1, 0, 0)
        assert driver.ring.take() is not None
        driver.ring.give(0, 0)
        driver.ring.publish()
    assert driver.used == driver.available == 3


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        ((GUEST_BASE - 1, 4, 0, 0), "not mapped"),
        ((GUEST_BASE + (1 << 17) - 2, 4, 0, 0), "not mapped"),
        ((GUEST_BASE, 4, 1, 0), "without an end"),
        ((GUEST_BASE, 4, 1, 9), "descriptor 9"),
    ],
)
def test_rings_that_lie(descriptor: tuple[int, int, int, int], message: str) -> None:
    driver = FakeDriver()
    DESC.pack_into(driver.bytes, 0, *descriptor)
    driver.push(0)
    with pytest.raises(BadRingError, match=message):
        driver.ring.take()


def test_addresses_of_the_front_end() -> None:
    driver = FakeDriver()
    assert driver.memory.at_user(USER_BASE + 8, 8) == driver.memory.at(GUEST_BASE + 8, 8)
    with pytest.raises(BadRingError, match="front-end"):
        driver.memory.at_user(GUEST_BASE, 1)


def test_an_interrupt_that_does_not_fit_is_on_its_way_already() -> None:
    driver = FakeDriver()
    reading, driver.ring.call = os.pipe()
    os.set_blocking(driver.ring.call, False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(1 << 20):
            os.write(driver.ring.call, bytes(1024))
    driver.offer(4)
    driver.ring.take()
    driver.ring.give(0, 0)
    driver.ring.interrupt()
    os.close(reading)
    os.close(driver.ring.call)
    assert driver.used == 1
