"""The protocol on this machine alone: a virtual device, two processes, a Unix socket between them; no virtual machine.

The near end is the guest without a kernel (a :class:`~wslusb.guest.remote.RemoteDevice`), the far end is the host
service with the emulator's source and sink. Beside it, in the same rounds, the same bytes on a plain socket pair: the
ceiling.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hil.bench.codec import codec_costs
from hil.bench.far_end import FarEnd
from hil.bench.load import Case, Cost, plain, urbs
from hil.bench.record import Measure, Report
from wslusb.guest.client import HostClient
from wslusb.guest.remote import RemoteDevice
from wslusb.transport import address

__all__ = ["native_bench"]

OURS, CEILING, HOST_CPU, GUEST_CPU = "wslusb", "plain sockets", "host CPU us", "guest CPU us"
SIZES = (512, 4096, 65536, 1 << 20)
DEPTHS = (1, 4, 16)
SOCKET_BUFFER = 1 << 20


@dataclass
class Bench:
    """The two pairs of processes that are compared."""

    device: RemoteDevice
    service: FarEnd
    sock: socket.socket
    echo: FarEnd


def cases() -> list[Case]:
    """Every load that is measured."""
    sweep = [Case(kind, size, depth) for kind in ("in", "out") for size in SIZES for depth in DEPTHS]
    return [Case("control", 2, 1), *sweep]


def count_for(case: Case, *, quick: bool) -> int:
    """How many transfers a sample has: some 50 ms of them, or the fifth of it."""
    count = max(40, min(1500, (64 << 20) // max(case.size, 1)))
    return max(case.depth * 2, count // 5) if quick else count


def native_bench(rounds: int, say: Callable[[str], None], *, quick: bool = False) -> Report:
    """Measure."""
    report = Report("native", {"rounds": rounds, "quick": quick})
    say("codec")
    report.measures = codec_measures(rounds, 2_000 if quick else 20_000)
    with running() as bench:
        say(f"{len(cases())} loads, {rounds} rounds")
        report.measures += [measure for case in cases() for measure in measure_case(bench, case, rounds, quick=quick)]
    return report


@contextlib.contextmanager
def running() -> Iterator[Bench]:
    """Start both far ends and connect."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wslusb-bench-")))
        path = directory / "host.sock"
        service = stack.enter_context(FarEnd.started("service", str(path)))
        near, far = socket.socketpair()
        for end in (near, far):
            stack.callback(end.close)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        echo = stack.enter_context(FarEnd.started("plain", str(far.fileno()), inherit=[far.fileno()]))
        client = HostClient(address.parse(f"unix:{path}"))
        stack.callback(client.close)
        device = client.open(client.devices()[0].info)
        stack.callback(device.close)
        yield Bench(device, service, near, echo)


def codec_measures(rounds: int, calls: int) -> list[Measure]:
    """Medians of several rounds, as all else."""
    samples = [codec_costs(calls) for _ in range(rounds)]
    return [Measure(name, "ns", {OURS: [each[name] for each in samples]}) for name in samples[0]]


def measure_case(bench: Bench, case: Case, rounds: int, *, quick: bool) -> list[Measure]:
    """Rate and CPU time of one load, beside plain sockets."""
    in_bytes = case.kind != "control" and case.size >= SIZES[1]
    measure = Measure(case.name, "MB/s" if in_bytes else "URB/s", ours=OURS, theirs=CEILING)
    count = count_for(case, quick=quick)

    def rate(cost: Cost) -> float:
        return cost.per_second * (case.size / 1e6 if in_bytes else 1)

    for number in range(-1, rounds):
        ours = urbs(bench.device, bench.service, case, count)
        theirs = plain(bench.sock, bench.echo, case, count)
        if number < 0:
            continue
        measure.add(OURS, rate(ours))
        measure.add(CEILING, rate(theirs))
        measure.add(GUEST_CPU, ours.near_us)
        measure.add(HOST_CPU, ours.far_us)
    return [measure]
