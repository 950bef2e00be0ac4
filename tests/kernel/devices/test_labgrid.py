"""labgrid's coordinator and our exporter on the host, labgrid's client and its drivers in the guest: docs/labgrid.md.

``nox -s labgrid -- --kernel`` runs it. The machines have loopback interfaces and vsock: TCP goes over the latter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.places.place import PlaceProcess
from hil.programs import terminate
from hil.vm.machine import PROJECT
from hil.vm.remote import Result
from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.kernel.support import ENVIRONMENT, program, taken_ports

pytest.importorskip("labgrid", reason="needs labgrid: nox -s labgrid -- --kernel")

EXAMPLES = PROJECT / "docs/examples/labgrid"
DEVICES = "emulator:serial:answer=modem,storage:serial=60A44C413E4AE2B0"
TCP, VSOCK = 20408, 20409
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
LABGRID = {
    **ENVIRONMENT,
    "PATH": PATH,
    "LG_COORDINATOR": f"127.0.0.1:{TCP}",
    "LG_HOSTNAME": "vm",
    "LG_USERNAME": "alice",
}


class Bench:
    """The lab: a place ``bench-1`` with the devices of the host, and what a user in the guest types."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._running: list[PlaceProcess] = []

    def up(self) -> None:
        """Start everything, and create the place."""
        host, guest = self.lab.host, self.lab.guest
        self._start(
            host, ["bash", "-c", f"cd $(mktemp -d) && exec labgrid-coordinator -l 127.0.0.1:{TCP}"], "listening on"
        )
        self.start_exporter()
        self._start(host, program("forward", f"vsock:{VSOCK}", f"tcp:{TCP}"), "listening")
        self._start(guest, program("forward", f"tcp:{TCP}", f"vsock:2:{VSOCK}"), "listening")
        self.client("-p", "bench-1", "create")
        self.client("-p", "bench-1", "add-match", "host/bench-1/*")

    def start_exporter(self) -> None:
        """Ours; it has told the coordinator of the devices."""
        host = self.lab.host
        command = [host.interpreter, "-m", "wslusb.labgrid.exporter", "--name", "host", "--hostname", "localhost"]
        self.exporter = self._start(host, [*command, str(EXAMPLES / "exporter.yaml")], "creating poll task")

    def down(self) -> None:
        """End everything."""
        for process in reversed(self._running):
            terminate(process)

    def client(self, *words: str) -> Result:
        """``labgrid-client`` in the guest."""
        return self.lab.guest.run(["labgrid-client", *words], env=LABGRID)

    def states(self) -> set[str]:
        """Of the host's devices."""
        return {device["state"] for device in self.lab.json(self.lab.host, "list")["devices"]}

    def _start(self, machine: UmlMachine, command: list[str], said: str) -> PlaceProcess:
        process = machine.start(command, env=LABGRID)
        self._running.append(process)
        process.wait_for_output(said, 60)
        return process


@pytest.fixture
def bench(lab: Lab) -> Iterator[Bench]:
    with lab.serving("--device", DEVICES):
        made = Bench(lab)
        try:
            made.up()
            yield made
        finally:
            made.down()


def test_labgrids_own_drivers_use_the_devices_of_a_place(bench: Bench) -> None:
    """SerialDriver talks to the board, USBStorageDriver writes the stick: the example of docs/labgrid.md."""
    bench.client("-p", "bench-1", "acquire")
    assert bench.states() == {"shared"}
    command = [bench.lab.guest.interpreter, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLES)]
    example = ["--lg-env", str(EXAMPLES / "environment.yaml"), str(EXAMPLES / "test_bench.py")]
    result = bench.lab.guest.run([*command, *example], env=LABGRID, check=False, timeout=200)
    assert "3 passed" in result.stdout, result.output
    assert not taken_ports(bench.lab.guest)
    bench.client("-p", "bench-1", "release")
    assert bench.states() == {"not_shared"}


HOLDER = """
import sys, time
from labgrid import Environment
driver = Environment(sys.argv[1]).get_target().get_driver("WslusbDriver", name="stick-usb")
print("it is at", *driver.get_nodes(), flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("how", ["released", "exporter killed"])
def test_a_client_that_is_killed_does_not_keep_the_device(bench: Bench, how: str) -> None:
    """The agent still has the device then. The exporter takes it back, or the end of the exporter does."""
    bench.client("-p", "bench-1", "acquire")
    environment = str(EXAMPLES / "environment.yaml")
    client = bench.lab.guest.start([bench.lab.guest.interpreter, "-c", HOLDER, environment], env=LABGRID)
    client.wait_for_output("it is at /dev/sd", 60)
    client.kill()
    client.wait()
    assert taken_ports(bench.lab.guest)
    if how == "released":
        bench.client("-p", "bench-1", "release")
    else:
        bench.exporter.kill()
    bench.lab.no_ghost()
    assert bench.states() == {"not_shared"}


def test_an_exporter_that_is_started_again_has_what_its_place_had(bench: Bench) -> None:
    """The coordinator looks for that every 15 s."""
    bench.client("-p", "bench-1", "acquire")
    terminate(bench.exporter)
    poll(lambda: bench.states() == {"not_shared"}, 10, "its loans have ended with it")
    bench.start_exporter()
    poll(lambda: bench.states() == {"shared"}, 40, "the coordinator has given it its place again")
