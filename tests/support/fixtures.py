"""Fixtures that tests of several rooms use. The root conftest.py makes them known."""

from __future__ import annotations

import gc
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import until
from tests.support.world import World

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: the path of a Unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="wslusb-") as name:
        yield Path(name)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """A service on a Unix socket with two virtual devices, a loopback and a stick; both are shared."""
    with World(folder, "loopback,storage:serial=STICK") as made:
        made.service.bind("9-1")
        made.service.bind("9-2")
        yield made


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """The test leaves as many threads and descriptors as it found."""
    gc.collect()
    threads, descriptors = threading.active_count(), len(list(DESCRIPTORS.iterdir()))
    yield
    gc.collect()
    until(lambda: threading.active_count() <= threads, "all threads have ended")
    until(lambda: len(list(DESCRIPTORS.iterdir())) <= descriptors, "all descriptors are closed")
