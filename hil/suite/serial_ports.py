"""The serial port of a device with the trait ``serial``, on either side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hil.live.device import LiveDevice
from hil.live.side import Side, probe

__all__ = ["RATES", "exchanged", "port", "rates", "steps"]

RATES = (1200, 9600, 57_600, 115_200, 230_400, 921_600, 3_000_000)
_DEFAULT_BAUD = 115_200
_PORT = re.compile(r"/dev/tty(?!S\d)\w+")
_SECONDS = 300.0


def port(side: Side) -> str:
    """The first port's node."""
    nodes = probe(side.daemons, side.place, "nodes", busid=side.busid) or []
    found = [node for node in nodes if _PORT.fullmatch(node)]
    assert found, f"{side}: {side.place.name} has no serial port of it; its nodes are {nodes}"
    return str(found[0])


def steps(side: Side, *words: Sequence[Any]) -> list[Any]:
    """Steps of :mod:`hil.probes.serial_port`; what each gives."""
    found: list[Any] = probe(side.daemons, side.place, "serial_port", _SECONDS, node=port(side), steps=words)
    return found


def rates(device: LiveDevice) -> list[int]:
    """The rates that the wire from TXD to RXD is good for."""
    highest = device.entry.options.get("serial-loopback", {}).get("baud", _DEFAULT_BAUD)
    return [rate for rate in RATES if rate <= highest] or [highest]


def exchanged(side: Side, what: str, found: Mapping[str, Any]) -> None:
    """AssertionError unless all came back, and nothing else."""
    sent, received, wrong = found["sent"], found["received"], found["wrong"]
    trouble = [f"{received} of {sent} bytes came back"] if received != sent else []
    trouble += [f"byte {wrong} is not what was sent"] if wrong is not None else []
    whose = "; natively, so it is the wire or the port" if side.name == "native" else ""
    assert not trouble, f"{side}, {what}: {' and '.join(trouble)}{whose}"
