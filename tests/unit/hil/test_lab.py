"""The laboratory of the kernel tests ends what it started, so that no test spoils the next."""

from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from tests.kernel.devices.lab import Lab


class Service:
    """A daemon that ends when it is asked to."""

    def __init__(self) -> None:
        self.running = True

    def kill(self, number: int) -> None:
        assert number == signal.SIGTERM
        self.running = False

    def wait(self, _seconds: float) -> SimpleNamespace:
        assert not self.running
        return SimpleNamespace(returncode=0)


class Rigless(Lab):
    """A lab without machines. ``late``: its service is not ready in time; ``ghost``: something stays attached."""

    def __init__(self, *, late: bool = False, ghost: bool = False) -> None:
        self.agent: Any = SimpleNamespace(output="", running=True)
        self.service: Any = None
        self._late, self._ghost = late, ghost

    def start_service(self, *_arguments: str) -> Any:
        self.service = Service()
        if self._late:
            raise TimeoutError("not ready")
        return self.service

    def wait_connected(self, mark: int, seconds: float = 15) -> None:
        pass

    def release(self) -> None:
        assert not self._ghost, "a ghost"


@pytest.mark.parametrize(("trouble", "error"), [("late", TimeoutError), ("ghost", AssertionError)])
def test_a_service_is_ended_whatever_went_wrong(trouble: str, error: type[Exception]) -> None:
    lab = Rigless(late=trouble == "late", ghost=trouble == "ghost")
    with pytest.raises(error), lab.serving():
        pass
    assert not lab.service.running
