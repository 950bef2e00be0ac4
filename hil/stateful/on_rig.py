"""The bench that is real: a device of a rig, its service with faults, and the guest's kernel."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence

from hil.errors import RigError
from hil.health import hung, taken_ports
from hil.live.device import LiveDevice
from hil.waiting import poll
from wslusb.usb.info import DeviceInfo

from .player import Seen
from .steps import Step, Walk

__all__ = ["RigBench", "bench_on"]

PATIENCE_SECONDS = 5.0
"""A virtual machine on a busy machine is slow."""
_END_SECONDS = 15.0
_FREE_SECONDS = 30.0
"""A silent peer counts as dead after 20 (docs/protocol.md, liveness)."""


class RigBench:
    """Open it with :func:`bench_on`. ``start_service`` starts one with this walk's faults."""

    def __init__(self, device: LiveDevice, start_service: Callable[[], None], log: str) -> None:
        self._device = device
        self._rig = device.rig
        self._start_service = start_service
        self._log = log
        self._told = 0
        self._attached = False
        self.can_replug = self._switchable()

    def _switchable(self) -> bool:
        try:
            return self._rig.switch(self._device.name).can_switch
        except RigError:
            return False

    @property
    def traits(self) -> Collection[str]:
        """Those of the rig file."""
        return self._device.entry.traits

    @property
    def attached(self) -> bool:
        """As the walk left it."""
        return self._attached

    def info(self) -> DeviceInfo:
        """As the host has it."""
        return self._device.info()

    def attach(self) -> None:
        """``wslusb attach``."""
        self._device.passthrough()
        self._attached = True

    def detach(self) -> None:
        """``wslusb detach``."""
        self._attached = False
        self._device.detach()
        self._wait_free()

    def replug(self) -> None:
        """By the switch of its power."""
        self._attached = False
        self._device.power_cycle(0)
        self._wait_free()

    def kill_agent(self) -> None:
        """SIGKILL."""
        self._attached = False
        daemons = self._rig.daemons
        if daemons.agent is not None:
            daemons.kill9(daemons.guest, daemons.agent)
        self._wait_free()

    def kill_service(self) -> None:
        """SIGKILL."""
        self._attached = False
        daemons = self._rig.daemons
        if daemons.service is not None:
            daemons.kill9(daemons.host, daemons.service)
        self._start_service()
        self._wait_free()

    def _wait_free(self) -> None:
        poll(lambda: not taken_ports(self._rig.guest), _FREE_SECONDS, "every port of the guest is free")

    def play(self, steps: Sequence[Step]) -> list[Seen]:
        """By a program in the guest."""
        words = [[step.name, step.size, step.count] for step in steps]
        seen = self._device.passthrough().probe(
            "walk", 60 + 2 * PATIENCE_SECONDS * len(steps),
            steps=words, traits=sorted(self.traits), patience=PATIENCE_SECONDS,
        )  # fmt: skip
        return [Seen(**each) for each in seen]

    def injected(self) -> list[str]:
        """By the service's record."""
        lines = self.record()[self._told :]
        self._told += len(lines)
        events = [json.loads(line) for line in lines.splitlines()]
        return [event["what"]["kind"] for event in events if event["event"] == "injected"]

    def record(self) -> bytes:
        """What ``wslusb serve`` has written into ``--faults-log``."""
        return self._rig.host.get(self._log) if self._log else b""

    def troubles(self) -> list[str]:
        """In the guest's kernel, and whether the host still has its device."""
        found = [f"a port of the guest is taken: {line}" for line in taken_ports(self._rig.guest)]
        if stuck := hung(self._rig.guest):
            found.append(f"this hangs in the guest: {stuck}")
        if not self._device.present():
            found.append("the host does not have its device")
        return found


@contextlib.contextmanager
def bench_on(device: LiveDevice, walk: Walk) -> Iterator[RigBench]:
    """A bench for one walk, with its faults. Afterwards the service is a healthy one again."""
    daemons = device.rig.daemons
    device.detach()
    folder = daemons.host.run(["mktemp", "-d"]).stdout.strip()
    log = f"{folder}/faults.jsonl" if walk.plan else ""
    arguments = ["--faults", f"{folder}/plan.toml", "--faults-seed", str(walk.seed), "--faults-log", log]
    if walk.plan:
        daemons.host.put(f"{folder}/plan.toml", walk.plan.encode())

    def start() -> None:
        if daemons.service is not None and daemons.service.running:
            daemons.end(daemons.service)
            daemons.service.wait(_END_SECONDS)
        mark = len(daemons.agent.output) if daemons.agent is not None else 0
        daemons.start_service(*(arguments if walk.plan else ()))
        if daemons.agent is not None and daemons.agent.running:
            daemons.wait_connected(mark)

    if walk.plan:
        start()
    try:
        yield RigBench(device, start, log)
    finally:
        device.detach()
        if walk.plan and daemons.service is not None and daemons.service.running:
            daemons.end(daemons.service)
            daemons.service.wait(_END_SECONDS)
        daemons.ready()
        daemons.host.run(["rm", "-rf", folder], check=False)
