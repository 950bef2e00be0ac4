"""The reader of scenario files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from emulator.device import VirtualDevice
from emulator.scenario import reads
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError

_EXAMPLES = Path(__file__).resolve().parents[3] / "docs/examples"
_FOLDER = Path("/nonexistent/scenario.toml")
"""A file beside which there are none: a case must not depend on what is on the disk."""


def seeds() -> Iterator[bytes]:
    """The examples of the documentation."""
    for path in sorted(_EXAMPLES.glob("*.toml")):
        yield path.read_bytes()


def run(data: bytes) -> None:
    """A scenario that can be plugged in, or a LocalError of one line."""
    text = data.decode("utf-8", "replace")
    try:
        scenario = reads(text, _FOLDER)
    except LocalError as error:
        assert len(str(error).splitlines()) == 1, f"{error!s}"  # noqa: PT017
        return
    with contextlib.suppress(LocalError):
        scenario.check()
    model = scenario.model()
    with contextlib.suppress(LocalError):
        VirtualDevice(model.gadget, model.firmware, clock=VirtualClock()).close()
