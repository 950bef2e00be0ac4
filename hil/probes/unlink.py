"""Reads queued on every IN endpoint and taken back at random moments: what became of each."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hil.clients.tally import Flight, Tally
from hil.conformance.subject import Subject
from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.urb import Status, Urb, UrbFlag

from .opened import opened

__all__ = ["run"]

_READ = (TransferType.BULK, TransferType.INTERRUPT)
_SECONDS = 10.0
_LONGEST_PAUSE = 0.004
_SETTLE_SECONDS = 0.05
_PACKETS = 4
_NOT_CLEARED = "CLEAR_HALT refused"


def run(target: str, busid: str, rounds: int, seed: int, depth: int = 4) -> list[dict[str, Any]]:
    """An endpoint each: ``endpoint``, ``transfer``, ``statuses`` (how many URBs ended so), ``wrong`` (lines of text).

    ``statuses`` counts the halts that the device refused to clear, too. Afterwards each endpoint's halt is cleared
    where it had one, and the device is back in its first setting.
    """
    chance = random.Random(seed)
    with opened(target, busid) as device:
        subject = Subject(device)
        try:
            return [_endpoint(device, endpoint, rounds, depth, chance) for endpoint in _readable(subject)]
        finally:
            subject.restore()


def _readable(subject: Subject) -> Iterator[Endpoint]:
    """Interrupt and bulk IN endpoints of the current configuration; their setting is chosen when they are yielded."""
    interfaces = subject.current.interfaces
    numbers = [interface.number for interface in interfaces]
    for interface in interfaces:
        found = [each for each in interface.endpoints if is_in(each.address) and each.transfer in _READ]
        if found and numbers.count(interface.number) > 1:
            subject.choose(interface.number, interface.alternate)
        yield from found


def _endpoint(device: Device, endpoint: Endpoint, rounds: int, depth: int, chance: random.Random) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    wrong: list[str] = []
    for _ in range(rounds):
        tally = _round(device, endpoint, depth, chance)
        statuses.update(flight.outcome for flight in tally.flights)
        wrong += tally.wrong
        if Status.STALL in {flight.status for flight in tally.flights} and not _cleared(device, endpoint):
            statuses[_NOT_CLEARED] += 1
    return {
        "endpoint": endpoint.address, "transfer": TransferType(endpoint.transfer).name.lower(),
        "statuses": dict(statuses), "wrong": wrong,
    }  # fmt: skip


def _cleared(device: Device, endpoint: Endpoint) -> bool:
    """Clear its halt; False for a device that refuses even that, as QEMU's usb-uas does."""
    try:
        device.clear_halt(endpoint.address)
    except DeviceError as error:
        if error.status != Status.STALL:
            raise
        return False
    return True


def _round(device: Device, endpoint: Endpoint, depth: int, chance: random.Random) -> Tally:
    """Some are taken back one by one in any order, the others when those are through."""
    tally = Tally(device)
    size = endpoint.packet_size * _PACKETS
    for _ in range(depth):
        tally.submit(Urb(0, endpoint.address, endpoint.transfer, size, UrbFlag.SHORT_OK, interval=endpoint.interval))
    time.sleep(chance.uniform(0, _LONGEST_PAUSE))
    victims = chance.sample(tally.flights, chance.randint(1, depth))
    tally.cancel(victims)
    tally.cancel(_others(tally, victims))
    tally.wait(_SECONDS)
    tally.settle(_SETTLE_SECONDS if tally.unanswered else 0)
    return tally


def _others(tally: Tally, victims: list[Flight]) -> list[Flight]:
    return [flight for flight in tally.flights if flight not in victims]
