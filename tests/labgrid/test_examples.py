"""docs/examples/labgrid, run as docs/labgrid.md says: a service, labgrid's plug-in for pytest, a place."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from hil.programs import terminate
from hil.vm.machine import PROJECT
from tests.labgrid.bench import EXAMPLES, Bench
from tests.support.waiting import until

EXPORTER = (EXAMPLES / "exporter.yaml").read_text()
ENVIRONMENT = (EXAMPLES / "without-a-kernel.yaml").read_text()
HOLDER = """
import sys, time
from labgrid import Environment
device = Environment(sys.argv[1]).get_target().get_driver("WslusbPyusbDriver").get_device()
device.set_configuration()
print("it has", device.serial_number, flush=True)
time.sleep(60)
"""


class Host(Bench):
    """A bench with a service of its own, a process, with the devices of the examples."""

    def __enter__(self) -> Self:
        self.environment["PYTHONPATH"] = str(PROJECT)
        self.serve()
        super().__enter__()
        self.client("-p", "bench-1", "create")
        self.client("-p", "bench-1", "add-match", "host/bench-1/*")
        config = self.folder / "without-a-kernel.yaml"
        config.write_text(ENVIRONMENT.replace("vsock:2", f"unix:{self.folder}/s"))
        self.config = str(config)
        return self

    def serve(self) -> None:
        self.service = self.start(
            sys.executable, "-m", "wslusb", "serve", "--listen", f"unix:{self.folder}/s",
            "--device", "emulator:serial,storage:serial=60A44C413E4AE2B0",
        )  # fmt: skip
        self.service.wait_for_output("serving 2 devices")

    def stop(self) -> None:
        terminate(self.service)

    def states(self) -> set[str]:
        """Of all devices, as ``wslusb list`` shows them."""
        listed = self.start(sys.executable, "-m", "wslusb", "list", "--json").wait().stdout
        return {device["state"] for device in json.loads(listed)["devices"]}


@pytest.fixture
def host(folder: Path) -> Iterator[Host]:
    with Host(folder, folder / "run/service.sock", EXPORTER) as made:
        yield made
        made.stop()


@pytest.mark.parametrize("name", ["exporter.yaml", "environment.yaml"])
def test_the_page_shows_the_files(name: str) -> None:
    _comment, _, text = (EXAMPLES / name).read_text().partition("\n")
    assert f"```yaml\n{text}```" in (PROJECT / "docs/labgrid.md").read_text()


def test_the_example_passes_and_gives_everything_back(host: Host) -> None:
    host.acquire("bench-1")
    assert host.states() == {"shared"}
    result = host.pytest("--lg-env", host.config, str(EXAMPLES / "test_pyusb.py"))
    assert "1 passed" in result.stdout, result.output
    assert host.states() == {"shared"}, "the place is still acquired"
    host.release("bench-1")
    assert host.states() == {"not_shared"}


def test_without_the_place_nothing_is_touched(host: Host) -> None:
    result = host.pytest("--lg-env", host.config, str(EXAMPLES / "test_pyusb.py"))
    assert "place bench-1 is not acquired" in result.output
    host.acquire("bench-1", user="bob")
    result = host.pytest("--lg-env", host.config, str(EXAMPLES / "test_pyusb.py"))
    assert "place bench-1 is not acquired by your user, acquired by bob" in result.output
    host.release("bench-1", user="bob")
    assert host.states() == {"not_shared"}


def test_a_client_that_is_killed_loses_the_device_and_then_the_place(host: Host) -> None:
    host.acquire("bench-1")
    client = host.start(sys.executable, "-c", HOLDER, host.config)
    client.wait_for_output("it has 60A44C413E4AE2B0")
    assert host.states() == {"shared", "attached"}
    client.kill(signal.SIGKILL)
    client.wait()
    until(lambda: host.states() == {"shared"}, "the service has the device again")
    host.client("-p", "bench-1", "release", "--kick", user="bob")
    assert host.states() == {"not_shared"}


def test_a_service_that_starts_anew_lends_again(host: Host) -> None:
    host.acquire("bench-1")
    host.service.kill(signal.SIGKILL)
    host.service.wait()
    until(lambda: "'avail': False" in host.resources(), "the coordinator is told")
    host.serve()
    until(lambda: host.states() == {"shared"}, "the exporter has asked again")
    host.release("bench-1")
    assert host.states() == {"not_shared"}
