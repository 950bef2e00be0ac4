"""Whether a process keeps what it should have given back: descriptors, threads, memory, sample by sample."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from hil.places.place import Place, PlaceProcess

__all__ = ["Consumption", "cpu_seconds", "growth", "leaked", "sample", "slope"]

_SCRIPT = (
    "ls /proc/{pid}/fd | wc -l; sed -n 's/^\\(Threads\\|VmRSS\\):[^0-9]*\\([0-9]*\\).*/\\1 \\2/p' /proc/{pid}/status"
)


@dataclass(slots=True, frozen=True)
class Consumption:
    """What a process has now; ``memory`` is its resident set in KiB."""

    descriptors: int
    threads: int
    memory: int


def sample(place: Place, process: PlaceProcess) -> Consumption:
    """From /proc of its machine. CommandFailedError if it does not run any more."""
    descriptors, *lines = place.run(_SCRIPT.format(pid=process.pid)).stdout.splitlines()
    fields = dict(line.split() for line in lines)
    return Consumption(int(descriptors), int(fields["Threads"]), int(fields["VmRSS"]))


def cpu_seconds(place: Place, process: PlaceProcess) -> float:
    """Processor time that a process has taken, in user and kernel mode (proc(5): fields 14 and 15 of stat)."""
    said = place.run(f"cat /proc/{process.pid}/stat; getconf CLK_TCK").stdout
    stat, ticks = said.rpartition(")")[2].splitlines()
    return sum(map(int, stat.split()[11:13])) / int(ticks)


def growth(values: list[int]) -> int:
    """How much the least of the last third is above the least of the first third: what never goes down again."""
    third = max(1, len(values) // 3)
    return min(values[-third:]) - min(values[:third])


def slope(values: list[int]) -> float:
    """By how much a sample is above the one before it, by least squares."""
    if len(values) < 2:
        return 0.0
    return statistics.linear_regression(range(len(values)), values).slope


def leaked(samples: list[Consumption], memory: int) -> list[str]:
    """What grew in samples that were taken in like states, a line each; ``memory`` is by how many KiB it may grow."""
    found = []
    for name, allowed in (("descriptors", 0), ("threads", 0), ("memory", memory)):
        values = [int(getattr(each, name)) for each in samples]
        if (more := growth(values)) > allowed:
            found.append(f"{more} {'KiB of ' if name == 'memory' else ''}{name} more in {len(values)} rounds: {values}")
    return found
