"""A lab on the loopback interface: labgrid's coordinator, our exporter, labgrid-client."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from hil.places.place import PlaceProcess
from hil.places.shell import ShellPlace
from hil.programs import terminate
from hil.vm.machine import PROJECT
from hil.vm.remote import Result
from tests.support.world import World

__all__ = ["EXAMPLES", "Bench"]

EXAMPLES = PROJECT / "docs/examples/labgrid"
_PROGRAMS = Path(sys.executable).parent
_BOTH = """\
lab:
  loopback: {cls: WslusbDevice, match: {busid: "9-1"}}
  stick: {cls: WslusbDevice, match: {serial: "STICK"}}
"""


class Bench:
    """Start it with ``with``. ``control`` is the control socket of the service that the exporter asks."""

    world: World

    def __init__(self, folder: Path, control: Path, resources: str = _BOTH) -> None:
        self.folder = folder
        self._resources = resources
        self._place = ShellPlace("the bench", interpreter=sys.executable, directory=folder)
        self.environment = {
            **os.environ, "WSLUSB_RUNTIME_DIR": str(control.parent), "WSLUSB_STATE_DIR": str(folder / "state"),
            "LG_HOSTNAME": "desk", "LG_USERNAME": "alice", "PATH": f"{_PROGRAMS}:{os.environ['PATH']}",
        }  # fmt: skip

    def __enter__(self) -> Self:
        self.coordinator = self.start("labgrid-coordinator", "-l", "127.0.0.1:0")
        found = self.coordinator.wait_for_output(r"listening on (127\.0\.0\.1:\d+)")
        self.environment["LG_COORDINATOR"] = found[1]
        self.exporter = self.start_exporter("host")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self.exporter, self.coordinator):
            terminate(process)
            if error is not None:
                print(process.output)  # noqa: T201 -- a failed test shows what they said

    def start(self, *words: str) -> PlaceProcess:
        """A program of labgrid's, or of ours."""
        return self._place.start(list(words), env=self.environment)

    def start_exporter(self, name: str) -> PlaceProcess:
        """Ours, with the bench's resources; it has told the coordinator of them."""
        config = self.folder / f"{name}.yaml"
        config.write_text(self._resources)
        exporter = self.start(
            sys.executable, "-m", "wslusb.labgrid.exporter", "--name", name, "--hostname", "localhost", str(config)
        )
        exporter.wait_for_output("creating poll task")
        return exporter

    def client(self, *words: str, user: str = "alice", check: bool = True) -> Result:
        """``labgrid-client``."""
        return self._place.run(
            ["labgrid-client", *words], env={**self.environment, "LG_USERNAME": user}, check=check, timeout=30
        )

    def place(self, name: str, *matches: str) -> None:
        """Create a place of the coordinator."""
        self.client("-p", name, "create")
        self.client("-p", name, "add-match", *matches)

    def acquire(self, name: str, user: str = "alice") -> None:
        """The place is that user's."""
        self.client("-p", name, "acquire", user=user)

    def release(self, name: str, user: str = "alice") -> None:
        """The place is free."""
        self.client("-p", name, "release", user=user)

    def refusal(self, *words: str, user: str) -> str:
        """What labgrid-client says to somebody who may not."""
        result = self.client(*words, user=user, check=False)
        assert result.returncode, result.output
        return re.sub(r"\s+", " ", result.output)

    def resources(self) -> str:
        """What the coordinator knows of the exporters' resources."""
        return self.client("-vv", "resources").stdout

    def pytest(self, *words: str) -> Result:
        """A test run of somebody's, with labgrid's plug-in."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLES), *words]
        return self._place.run(command, env=self.environment, check=False, timeout=60)
