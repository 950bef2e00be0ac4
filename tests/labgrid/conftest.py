"""Tests that need labgrid, whose pytest plug-in changes how pytest logs: they are there in ``nox -s labgrid`` alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.world import World

if importlib.util.find_spec("labgrid") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    from tests.labgrid.bench import Bench


@pytest.fixture(autouse=True)
def no_other_tests_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    """The managers of labgrid are one a process, and poll whatever any test has ever made."""
    from labgrid.resource.common import ResourceManager

    monkeypatch.setattr(ResourceManager, "instances", {})


@pytest.fixture
def lent(world: World, folder: Path) -> Iterator[Path]:
    """The control socket of a service in this process, whose two devices are not shared."""
    from wslusb.control.server import ControlServer
    from wslusb.host.requests import HostRequests

    world.service.unbind_all()
    server = ControlServer(folder / "run/service.sock", HostRequests(world.service))
    yield server.path
    server.close()


@pytest.fixture
def bench(world: World, lent: Path, folder: Path) -> Iterator[Bench]:
    """A coordinator of labgrid's and our exporter, processes of their own, beside that service."""
    with Bench(folder, lent) as made:
        made.world = world
        yield made
