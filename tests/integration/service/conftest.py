"""The host service over Unix sockets, with virtual devices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.world import World
from wslusb.guest.client import HostClient


@pytest.fixture
def client(world: World) -> Iterator[HostClient]:
    made = world.client()
    yield made
    made.close()
