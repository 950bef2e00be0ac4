"""The daemons of a rig: ``wslusb serve`` on its host, ``wslusb agent`` in its guest, the command line on either."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import re
import shlex
import signal
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from hil.deaths import Death, as_asked, killer
from hil.errors import CommandFailedError, CommandTimeoutError, RigError, VerbFailedError
from hil.places.place import Place, PlaceProcess
from hil.programs import Programs
from hil.vm.remote import Result
from hil.waiting import poll

__all__ = ["ENVIRONMENT", "Daemons"]

ENVIRONMENT = {"WSLUSB_STATE_DIR": "/run/wslusb-state"}
"""In virtual machines, which have a file system of their own."""
LOG_TAIL = 4000
_MARK = "wslusb test {}."
_UP_SECONDS = 120.0
"""A second is enough; a virtual machine without KVM, beside others, takes a minute."""
_END_SECONDS = 15.0
_COMPLAINT = re.compile(r"\b(error|WARNING|ERROR|CRITICAL)\b")

HostPlace = TypeVar("HostPlace", bound=Place, covariant=True)
GuestPlace = TypeVar("GuestPlace", bound=Place, covariant=True)


def _said(process: PlaceProcess, pattern: str, place: Place, name: str) -> None:
    """Wait until a daemon says that it is up. CommandFailedError, CommandTimeoutError with what it complained of."""
    try:
        process.wait_for_output(pattern, _UP_SECONDS)
    except (CommandFailedError, CommandTimeoutError) as error:
        complaints = [line for line in process.output.splitlines() if _COMPLAINT.search(line)]
        why = f": {complaints[-1].strip()}" if complaints else ""
        raise type(error)(place.name, f"the {name} does not come up{why}") from error


class Daemons(Generic[HostPlace, GuestPlace]):
    """They stay up from test to test; one that a test has ended is started for the next.

    ``serve`` and ``agent`` are the arguments that each is started with, ``environment`` is the host's and
    ``guest_environment`` the guest's, where they differ.
    """

    def __init__(
        self, host: HostPlace, guest: GuestPlace, *, serve: Sequence[str] = (), agent: Sequence[str] = (),
        environment: Mapping[str, str] = ENVIRONMENT, guest_environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._host = host
        self._guest = guest
        self.service: PlaceProcess | None = None
        self.agent: PlaceProcess | None = None
        self._serve = tuple(serve)
        self._agent = tuple(agent)
        self._environment = dict(environment)
        self._guest_environment = self._environment if guest_environment is None else dict(guest_environment)
        self._programs = Programs(self.environment)
        self._logs: list[str] = []
        self._asked: list[PlaceProcess] = []
        self._known: list[PlaceProcess] = []
        self._deaths: list[Death] = []
        self._marks = itertools.count(1)
        self._mark = _MARK.format(0)

    @property
    def host(self) -> HostPlace:
        """The machine with the devices."""
        return self._host

    @property
    def guest(self) -> GuestPlace:
        """The machine that they are attached to."""
        return self._guest

    @property
    def places(self) -> dict[str, Place]:
        """Both, by name; one if they are the same."""
        return {place.name: place for place in (self.host, self.guest)}

    # -- life

    def start_service(self, *arguments: str) -> PlaceProcess:
        """Start ``wslusb serve`` and wait until it listens."""
        self._keep("service", self.service)
        self._look_at("service", self.service)
        self.service = self._start(self.host, "serve", *self._serve, *arguments)
        _said(self.service, "serving ", self.host, "service")
        return self.service

    def start_agent(self, *arguments: str) -> PlaceProcess:
        """Start ``wslusb agent`` and wait until it is connected."""
        self._keep("agent", self.agent)
        self._look_at("agent", self.agent)
        self.agent = self._start(self.guest, "agent", *self._agent, *arguments)
        _said(self.agent, "connected to ", self.guest, "agent")
        return self.agent

    def _start(self, place: Place, verb: str, *arguments: str) -> PlaceProcess:
        command = [place.interpreter, "-m", "wslusb", verb, "--log-level", "debug", *arguments]
        return place.start(command, env=self.environment(place))

    def environment(self, place: Place) -> dict[str, str]:
        """What programs of wslusb find in their environment on one side."""
        return self._environment if place is self.host else self._guest_environment

    @property
    def running(self) -> bool:
        """Whether both are up."""
        return all(process is not None and process.running for process in (self.service, self.agent))

    def ready(self) -> None:
        """Start what does not run. What the kernels say is counted from here on (:meth:`mark`)."""
        if self.service is None or not self.service.running:
            mark = len(self.agent.output) if self.agent else 0
            self.start_service()
            if self.agent is not None and self.agent.running:
                self.wait_connected(mark)
        if self.agent is None or not self.agent.running:
            self.start_agent()
        self.mark()

    def stop(self) -> None:
        """End both, and what was started to ask them. Virtual machines take theirs with them.

        One that does not end when it is asked to is killed: a session ends, whatever its machines do.
        """
        for process in (self.agent, self.service):
            if process is not None and process.running:
                try:
                    self.end(process)
                    process.wait(_END_SECONDS)
                except RigError:
                    self._known.append(process)
                    with contextlib.suppress(RigError):
                        process.kill(signal.SIGKILL)
        self._programs.stop()

    def wait_connected(self, mark: int, seconds: float = 15) -> None:
        """Wait until the agent has said, after the first ``mark`` characters, that it is connected."""
        agent = self.agent
        if agent is None:
            raise RigError("no agent has been started")
        poll(lambda: "connected to " in agent.output[mark:], seconds, "the agent is connected again")

    def kill9(self, place: Place, process: PlaceProcess) -> None:
        """SIGKILL to this process alone: its guardian is to outlive it."""
        self._known.append(process)
        place.run(["kill", "-9", str(process.pid)])
        process.wait(10)

    def end(self, process: PlaceProcess) -> None:
        """Ask it to end, by SIGTERM."""
        self._asked.append(process)
        process.kill(signal.SIGTERM)

    def deaths(self) -> list[Death]:
        """The daemons that ended since this was last asked, though nobody had asked them to."""
        self._look_at("service", self.service)
        self._look_at("agent", self.agent)
        told, self._deaths = self._deaths, []
        return told

    def _look_at(self, name: str, process: PlaceProcess | None) -> None:
        """Whether it has died; told once."""
        if process is None or process.running or process in self._known:
            return
        self._known.append(process)
        with contextlib.suppress(RigError):
            status = process.wait(1).returncode
            if process not in self._asked or not as_asked(status):
                place = self.host if name == "service" else self.guest
                by = killer(status, process.output, functools.partial(self.kernel_said, place))
                self._deaths.append(Death(name, status, by))

    def logs(self) -> str:
        """What both daemons have said in this test and before."""
        self._keep("service", self.service)
        self._keep("agent", self.agent)
        text = "\n".join(self._logs)
        self._logs.clear()
        return text[-3 * LOG_TAIL :]

    def _keep(self, name: str, process: PlaceProcess | None) -> None:
        if process is not None:
            self._logs.append(f"--- {name}, {process.returncode}\n{process.output[-LOG_TAIL:]}")

    # -- the command line

    def python(self, place: Place, what: str, *arguments: str, env: Mapping[str, str] | None = None) -> PlaceProcess:
        """Start ``wslusb``, a module, or a Python program by its path."""
        return self._programs.start(place, what, *arguments, env=env)

    def cli(
        self, place: Place, *arguments: str, check: bool = True, env: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Result:  # fmt: skip
        """Run ``wslusb`` with these arguments. VerbFailedError unless it succeeds, or ``check`` is False."""
        process = self.python(place, "wslusb", *arguments, env=env)
        try:
            result = process.wait(timeout)
        except CommandTimeoutError:
            process.kill()
            raise
        if check and result.returncode:
            raise VerbFailedError(place.name, f"wslusb {shlex.join(arguments)}: {result.output.strip()}")
        return result

    def json(self, place: Place, *arguments: str) -> Any:
        """What ``wslusb ... --json`` answers. CommandFailedError if that is no JSON."""
        result = self.cli(place, *arguments, "--json")
        try:
            return json.loads(result.stdout)
        except ValueError as error:
            said = f"wslusb {shlex.join(arguments)} --json said {result.output[-LOG_TAIL:]!r}"
            raise CommandFailedError(place.name, said) from error

    def attach(self, name: str, side: str = "guest") -> list[str]:
        """``wslusb attach`` on one side; the nodes."""
        return self.cli(self.guest if side == "guest" else self.host, "attach", name).stdout.split()

    def detach(self, name: str = "--all", side: str = "guest") -> None:
        """``wslusb detach`` on one side."""
        self.cli(self.guest if side == "guest" else self.host, "detach", name)

    # -- the kernels' logs

    def mark(self) -> None:
        """Write a line into both kernels' logs: :meth:`kernel_said` is what comes after it."""
        self._mark = _MARK.format(next(self._marks))
        for place in self.places.values():
            # A real machine's log may be read-only to us: then all of it is what it said.
            place.run(f"echo '{self._mark}' >/dev/kmsg", check=False)

    def kernel_said(self, place: Place) -> str:
        """A kernel's log since the last :meth:`mark`."""
        return place.dmesg().rpartition(self._mark)[2]
