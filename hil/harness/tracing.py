"""``--captures``: what each test has asked of its device, also where it passed, to compare two runs by."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from hil.errors import RigError
from hil.harness import observers, options
from hil.harness.evidence import CAPTURE
from hil.harness.folder import CAPTURES, name_of
from hil.live.device import LiveDevice

__all__ = ["traced"]


@contextlib.contextmanager
def traced(item: pytest.Item, device: LiveDevice) -> Iterator[None]:
    """Keep the service's capture of the device from here to the end, if that is asked for.

    A test that ends its service, or whose device is gone in the end, has none.
    """
    if not item.config.getoption("--captures"):
        yield
        return
    live = device.rig
    with contextlib.suppress(RigError):
        observers.drop_rings(live)
        observers.keep_rings(live)
    try:
        yield
    finally:
        with contextlib.suppress(RigError, AssertionError, OSError):
            data = observers.ring(live, live.host, device.info().busid)
            results = options.results_folder(item.config)
            path = results / CAPTURES / f"{name_of(item.nodeid)}.pcapng"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            item.stash[CAPTURE] = str(path.relative_to(results))
