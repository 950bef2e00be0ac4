"""The reader of fault plans, and of the records that are plans again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wslusb.device.faults.kinds import KINDS
from wslusb.device.faults.plan import Plan
from wslusb.device.faults.reading import parse_plan, plan_text
from wslusb.device.faults.record import SCHEMA, replay
from wslusb.errors import LocalError

_EXAMPLES = Path(__file__).resolve().parents[3] / "docs/examples"
_RECORD = b"\1"
_WHOLE = """seed = 7
[[fault]]
name = "slow"
where = { endpoint = 0x81, direction = "in", transfer = "bulk", length = 64, device = "0525:a4a0" }
when = { nth = [1, 3], after_urbs = 2, after_seconds = 0.5, at_most = 3 }
what = { kind = "delay", seconds = 0.1 }
[[fault]]
where.setup = { request_type = 0x80, request = 6, value = 0x0100 }
when.probability = 0.5
what = "stall"
"""


def seeds() -> Iterator[bytes]:
    """The first byte says whether it is a plan or a record."""
    yield b"\0" + _WHOLE.encode()
    for kind in sorted(KINDS):
        yield b"\0" + f'[[fault]]\nwhat = "{kind}"\nwhen.every = 2\n'.encode()
    for path in sorted(_EXAMPLES.glob("*.toml")):
        yield b"\0" + path.read_bytes()
    events = [
        {"event": "started", "schema": SCHEMA, "date": "2026-01-01", "seed": 7, "plan": _WHOLE},
        {"event": "injected", "id": 1, "time": 0.5, "seed": 7, "fault": "slow", "what": {"kind": "stall"},
         "device": "0525:a4a0", "serial": "X", "endpoint": 129, "nth": 1, "sequence": 9, "length": 64, "in": True},
        {"event": "answered", "id": 1, "time": 0.6, "status": "STALL", "bytes": 0},
    ]  # fmt: skip
    yield _RECORD + "\n".join(map(json.dumps, events)).encode()


def run(data: bytes) -> None:
    """A plan that is the same when it is written and read again, or a LocalError of one line."""
    try:
        plan = _record(data[1:]) if data[:1] == _RECORD else parse_plan(data[1:].decode("utf-8", "replace"))
    except LocalError as error:
        assert len(str(error).splitlines()) == 1, f"{error!s}"  # noqa: PT017
        return
    again = parse_plan(plan_text(plan), plan.source)
    assert again == plan


def _record(data: bytes) -> Plan:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.jsonl"
        path.write_bytes(data)
        return replay(path)
