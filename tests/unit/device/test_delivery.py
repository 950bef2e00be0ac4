"""wslusb.device.delivery: order, no recursion, no lock held, nobody left waiting."""

from __future__ import annotations

import sys
import threading

from wslusb.device.delivery import Delivery
from wslusb.usb.urb import Completion, Urb


def completion(sequence: int = 0) -> Completion:
    return Completion(Urb(sequence, 0x81, 2, 0))


def test_in_order_also_those_put_in_from_done() -> None:
    delivery, seen = Delivery(), []

    def done(each: Completion) -> None:
        seen.append(each.urb.sequence)
        if each.urb.sequence < 3:
            delivery.put(done, completion(each.urb.sequence + 10))
            delivery.run()
            seen.append(-each.urb.sequence)

    for sequence in (1, 2):
        delivery.put(done, completion(sequence))
    delivery.run()
    assert seen == [1, -1, 2, -2, 11, 12]


def test_endless_resubmission_uses_no_stack() -> None:
    delivery, count = Delivery(), 0

    def done(_: Completion) -> None:
        nonlocal count
        count += 1
        if count < 3 * sys.getrecursionlimit():
            delivery.put(done, completion())
            delivery.run()

    delivery.put(done, completion())
    delivery.run()
    assert count == 3 * sys.getrecursionlimit()


def test_flush_waits_for_the_thread_that_hands_out() -> None:
    delivery, entered, leave, seen = Delivery(), threading.Event(), threading.Event(), []

    def slow(_: Completion) -> None:
        entered.set()
        leave.wait(10)
        seen.append("slow")

    delivery.put(slow, completion())
    thread = threading.Thread(target=delivery.run)
    thread.start()
    assert entered.wait(10)
    threading.Timer(0.02, leave.set).start()
    delivery.flush()
    assert seen == ["slow"]
    thread.join(10)


def test_flush_within_done_returns() -> None:
    delivery, seen = Delivery(), []

    def done(_: Completion) -> None:
        delivery.flush()
        seen.append(1)

    delivery.put(done, completion())
    delivery.run()
    assert seen == [1]


def test_many_threads_lose_nothing() -> None:
    delivery, seen, order = Delivery(), [], threading.Lock()

    def work(number: int) -> None:
        for each in range(2000):
            with order:
                delivery.put(lambda c: seen.append(c.urb.sequence), completion(number * 10000 + each))
            delivery.run()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    delivery.flush()
    assert len(seen) == 8000
    for number in range(4):
        mine = [each for each in seen if each // 10000 == number]
        assert mine == sorted(mine)
