"""Device contract: order of completions, exactly one for each URB, and who wins when one is cancelled."""

from __future__ import annotations

import random
import threading

import pytest

from tests.integration.device_bench import PATIENCE, Bench, Cases, Pending, needs, room_for
from wslusb.usb.urb import Completion, Status, UrbFlag

IN_FLIGHT = 32


class OrderCases(Cases):
    def test_many_in_flight_complete_in_order_on_each_endpoint(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        numbers = random.Random(1)
        writes = [bench.write(pair, bytes(numbers.randrange(8192))) for _ in range(IN_FLIGHT)]
        reads = [bench.read(pair, pair.max_packet * numbers.randrange(1, 17)) for _ in range(IN_FLIGHT)]
        assert {pending.wait().status for pending in writes + reads} == {Status.OK}
        for group in (writes, reads):
            mine = [pending.urb.sequence for pending in group]
            assert [sequence for sequence in bench.order if sequence in mine] == mine

    @needs("echo")
    def test_many_echoes_in_flight_keep_order_and_content(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        numbers = random.Random(2)
        packets = [numbers.randbytes(numbers.randrange(2000)) for _ in range(IN_FLIGHT)]
        reads = [bench.read(pair, room_for(pair, 2000)) for _ in packets]
        writes = [bench.write(pair, packet, UrbFlag.ZERO_PACKET) for packet in packets]
        assert {pending.wait().status for pending in writes + reads} == {Status.OK}
        assert [pending.data for pending in reads] == packets

    @needs("echo")
    def test_out_buffer_is_the_callers_again_after_submit(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        size = 60_000  # in all more than a loopback holds: some have to wait
        buffer = bytearray(size)
        for number in range(IN_FLIGHT):
            buffer[:] = bytes((number + 1,)) * size
            bench.write(pair, memoryview(buffer))
            buffer[:] = b"\xee" * size
        for number in range(IN_FLIGHT):
            reader = bench.read(pair, room_for(pair, size))
            reader.wait()
            assert reader.data == bytes((number + 1,)) * size

    def test_a_driver_may_resubmit_from_done_for_ever(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        left, finished = 3000, threading.Event()

        def done(completion: Completion) -> None:
            nonlocal left
            assert completion.status == Status.OK
            left -= 1
            if left:
                bench.device.submit(bench.in_urb(pair, pair.max_packet), done)
            else:
                finished.set()

        bench.device.submit(bench.in_urb(pair, pair.max_packet), done)
        assert finished.wait(PATIENCE * 3)

    def test_in_data_does_not_change_during_done(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        wrong, finished = [], threading.Semaphore(0)

        def done(completion: Completion) -> None:
            before = bytes(completion.data)
            bench.device.submit(bench.out_urb(pair, bytes(4096)), lambda _: None)
            if bytes(completion.data) != before or any(before) or len(before) != completion.actual_length:
                wrong.append(completion.urb.sequence)
            finished.release()

        for _ in range(IN_FLIGHT):
            bench.device.submit(bench.in_urb(pair, 8 * pair.max_packet), done)
        assert all(finished.acquire(timeout=PATIENCE) for _ in range(IN_FLIGHT))
        assert not wrong

    def test_an_exception_in_done_hurts_nobody_else(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)

        def done(_completion: Completion) -> None:
            raise RuntimeError("a driver with a bug; a logged traceback with this line is as it should be")

        bench.device.submit(bench.in_urb(pair, pair.max_packet), done)
        assert bench.read(pair, pair.max_packet).wait().status == Status.OK
        assert bench.write(pair, bytes(100)).wait().status == Status.OK

    def test_threads_submit_at_the_same_time(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        groups: list[list[Pending]] = [[] for _ in range(4)]
        urbs = [[bench.out_urb(pair, bytes(700)) for _ in range(100)] for _ in groups]

        def run(mine: list[Pending], number: int) -> None:
            for urb in urbs[number]:
                mine.append(bench.start(urb))
                if len(mine) >= 8:  # a real controller has a budget
                    mine[-8].wait()

        threads = [threading.Thread(target=run, args=(mine, number)) for number, mine in enumerate(groups)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE * 3)
        assert [{pending.wait().status for pending in mine} for mine in groups] == [{Status.OK}] * 4
        for mine in groups:
            sequences = [pending.urb.sequence for pending in mine]
            assert [sequence for sequence in bench.order if sequence in sequences] == sequences


class CancelCases(Cases):
    @needs("echo")
    def test_waiting_in_urb_is_cancelled(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        reader = bench.read(pair, pair.max_packet)
        assert not reader.finished.is_set()
        bench.device.cancel(reader.urb)
        assert (reader.wait().status, reader.data) == (Status.CANCELLED, b"")

    @needs("echo")
    def test_what_was_moved_before_the_cancel_is_not_lost(self, bench: Bench) -> None:
        """It is in the cancelled URB, or it is for the next one: on a bus nobody can say which."""
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        reader = bench.read(pair, 4 * pair.max_packet)
        bench.write(pair, b"x" * pair.max_packet).wait()
        bench.device.cancel(reader.urb)
        completion = reader.wait()
        assert completion.status == Status.CANCELLED
        assert completion.actual_length == len(reader.data)
        bench.write(pair, b"end").wait()
        after = bench.read(pair, 2 * pair.max_packet)
        after.wait()
        assert reader.data + after.data == b"x" * pair.max_packet + b"end"

    def test_cancel_of_what_is_finished_or_unknown_does_nothing(self, bench: Bench) -> None:
        pair = self.traits.bulk
        bench.use(pair)
        finished = bench.write(pair, bytes(10))
        finished.wait()
        bench.device.cancel(finished.urb)
        bench.device.cancel(bench.in_urb(pair, pair.max_packet))
        assert bench.read(pair, pair.max_packet).wait().status == Status.OK
        assert len(finished.completions) == 1

    @needs("echo")
    def test_cancel_of_one_of_several_leaves_the_others_in_order(self, bench: Bench) -> None:
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        readers = [bench.read(pair, pair.max_packet) for _ in range(6)]
        bench.device.cancel(readers[3].urb)
        assert readers.pop(3).wait().status == Status.CANCELLED
        for number in range(5):
            bench.write(pair, bytes((number,)))
        assert [(pending.wait().status, pending.data) for pending in readers] == [
            (Status.OK, bytes((number,))) for number in range(5)
        ]

    @needs("echo")
    @pytest.mark.parametrize("seed", range(4))
    def test_exactly_one_completion_with_random_cancels(self, bench: Bench, seed: int) -> None:
        """And nothing else than what was sent comes out, in order; what cancelled URBs took is gone with them."""
        pair = self.traits.echo
        assert pair
        bench.use(pair)
        numbers = random.Random(seed)
        readers: list[Pending] = []
        sent = 0
        for _ in range(400):
            action = numbers.random()
            if action < 0.45 and sum(not reader.finished.is_set() for reader in readers) < IN_FLIGHT:
                readers.append(bench.read(pair, pair.max_packet))
            elif action < 0.75 and sent < 255 and any(not reader.finished.is_set() for reader in readers):
                bench.write(pair, bytes((sent,)) * 3)
                sent += 1
            elif readers:
                bench.device.cancel(numbers.choice(readers[-IN_FLIGHT:]).urb)
        for reader in readers:
            bench.device.cancel(reader.urb)
        assert {reader.wait().status for reader in readers} <= {Status.OK, Status.CANCELLED}
        received = [reader.data for reader in readers if reader.data]
        assert all(len(data) == 3 and len(set(data)) == 1 for data in received)
        assert received == sorted(received)
