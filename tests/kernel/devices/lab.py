"""Two UML machines for virtual devices: ``wslusb serve --device emulator:…`` on one, ``wslusb agent`` on the other."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.support import Passthrough, terminate


@dataclass(slots=True)
class Plugged:
    """Devices that are attached: by busid of the host, the nodes of the guest."""

    busids: list[str] = field(default_factory=list)
    nodes: dict[str, list[str]] = field(default_factory=dict)

    def node(self, prefix: str) -> str:
        """The one node that starts so: ``/dev/sd``, ``/dev/input/event``."""
        found = [node for nodes in self.nodes.values() for node in nodes if node.startswith(prefix)]
        assert found, f"no {prefix} among {self.nodes}"
        return found[0]


class Lab(Passthrough[UmlMachine]):
    """The agent stays; the service is another one for each set of devices, because its devices are its arguments."""

    def plug(self, devices: str, *serve: str, attach: bool = True) -> AbstractContextManager[Plugged]:
        """Serve these devices (emulator/catalogue.py says how to name them), bind and attach them all."""
        return self.provide(f"emulator:{devices}", *serve, attach=attach)

    @contextmanager
    def provide(self, spec: str, *serve: str, attach: bool = True) -> Iterator[Plugged]:
        """The same for the devices of any provider, named as for ``wslusb serve --device``."""
        with self.serving("--device", spec, *serve):
            yield self._attach_all(attach)

    @contextmanager
    def physical(self, *serials: str) -> Iterator[None]:
        """Serve the hardware of the host instead, and share these devices of it."""
        with self.serving():
            for serial in serials:
                self.share(serial)
            yield

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[None]:
        """A service with these arguments, and the agent connected to it; nothing is bound."""
        mark = len(self.agent.output) if self.agent else 0
        with ExitStack() as stack:
            # Also one that was not ready in time: a service that stays refuses the next test's.
            stack.callback(self._end_service)
            self.start_service(*arguments)
            if self.agent is None or not self.agent.running:
                self.start_agent()
            else:
                self.wait_connected(mark)
            stack.callback(self.release)
            yield

    def _end_service(self) -> None:
        if self.service is not None and self.service.running:
            terminate(self.service)

    def _attach_all(self, attach: bool) -> Plugged:
        plugged = Plugged([device["busid"] for device in self.json(self.host, "list")["devices"]])
        for busid in plugged.busids:
            self.cli(self.host, "bind", busid)
            if attach:
                plugged.nodes[busid] = self.attach(busid)
        return plugged

    def wait_driver_in_guest(self, driver: str, seconds: float = 10.0) -> None:
        """Wait until a driver of the guest has an interface."""
        path = f"/sys/bus/usb/drivers/{shlex.quote(driver)}"
        poll(
            lambda: self.guest.run(f"ls {path} | grep -q :", check=False).returncode == 0,
            seconds,
            f"{driver} has bound an interface in the guest",
        )
