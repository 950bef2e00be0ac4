"""A guest that breaks the protocol, against a live service: it gets a typed Error frame, and nobody else notices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hostile import answers
from tests.support.peers import RawGuest
from tests.support.world import Guest, World
from wslusb.wire.limits import Limits


@pytest.fixture
def bystander(world: World) -> Iterator[Guest]:
    """An honest guest with the stick, before and after."""
    guest = Guest(world, "9-2")
    yield guest
    answers(guest)
    guest.close()
    world.free("9-1")
    world.works("9-1")


@pytest.fixture
def attached(world: World, bystander: Guest) -> Iterator[RawGuest]:
    with (
        RawGuest.control(world.address.path) as control,
        RawGuest.data(world.address.path, control.token, Limits(1 << 20, 8, 4, 1 << 20)) as data,
    ):
        data.attach()
        yield data
