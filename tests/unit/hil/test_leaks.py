"""Leaks are told from what only goes up and down."""

from __future__ import annotations

import pytest

from hil.leaks import Consumption, cpu_seconds, growth, leaked, sample, slope
from hil.places import shell
from hil.waiting import poll


@pytest.mark.parametrize(
    ("values", "more"),
    [([5], 0), ([5, 6, 7], 2), ([5, 9, 5, 9, 5, 9], 0), ([9, 5, 5], -4), ([5, 6, 6, 7, 8, 8, 9, 9, 9], 4)],
)
def test_growth_is_what_does_not_go_down_again(values: list[int], more: int) -> None:
    assert growth(values) == more


def test_slope_is_a_sample_s() -> None:
    assert slope([10, 12, 14, 16]) == pytest.approx(2.0)
    assert slope([10]) == 0.0


def test_each_leak_is_named() -> None:
    steady = [Consumption(10, 3, 1000), Consumption(10, 3, 1400), Consumption(10, 3, 1100)]
    assert leaked(steady, 200) == []
    growing = [Consumption(10 + n, 3 + n, 1000 + 300 * n) for n in range(3)]
    assert [leak.partition(" in ")[0] for leak in leaked(growing, 200)] == [
        "2 descriptors more", "2 threads more", "600 KiB of memory more",
    ]  # fmt: skip


def test_a_process_is_sampled_where_it_runs() -> None:
    place = shell.local()
    process = place.start("echo ready; exec sleep 60")
    process.wait_for_output("ready")
    try:
        taken = sample(place, process)
        assert taken.descriptors >= 3
        assert taken.threads == 1
        assert taken.memory > 100
    finally:
        process.kill()
        process.wait(10)


def test_processor_time_is_what_a_process_has_used() -> None:
    place = shell.local()
    process = place.start("echo ready; while :; do :; done")
    process.wait_for_output("ready")
    try:
        before = cpu_seconds(place, process)
        poll(lambda: cpu_seconds(place, process) > before, 10, "it has used some")
    finally:
        process.kill()
        process.wait(10)
