"""A guest that all workers of a run share, and other sessions want."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.rig import lock
from tests.unit.hil.harness.runs import run

_RIG = """
[host]
kind = "local"
[guest]
{guest}
[device.stick]
serial = "S"
"""

_SHARED = 'kind = "ssh"\naddress = "root@lab-3"\npython = "python3"'
_OWN = 'kind = "uml"'

_TESTS = """
import pytest, time

@pytest.mark.parametrize("number", range(6))
def test_it(number, record_property):
    with open({log!r}, "a") as log:
        log.write("begin\\n")
        log.flush()
        deadline = time.monotonic() + {seconds}
        while open({log!r}).read().count("begin") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        log.write("end\\n")
"""


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WSLUSB_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "rig.toml"


def _order(rig: Path, guest: str, seconds: float) -> list[str]:
    """When tests of two workers began and ended; each of the first waits a while for another one to begin."""
    rig.write_text(_RIG.format(guest=guest))
    log = rig.with_name("log")
    said = run(rig.parent, "--rig", str(rig), "-n", "2", tests=_TESTS.format(log=str(log), seconds=seconds))
    assert "6 passed" in said, said
    return log.read_text().split()


def test_workers_take_turns_at_the_guest_that_they_share(rig: Path) -> None:
    assert _order(rig, _SHARED, 0.3) == ["begin", "end"] * 6


def test_workers_with_a_guest_of_their_own_wait_for_nobody(rig: Path) -> None:
    assert _order(rig, _OWN, 20)[:2] == ["begin", "begin"]


def test_a_session_is_alone_with_the_guest(rig: Path) -> None:
    rig.write_text(_RIG.format(guest=_SHARED))
    with lock.hold("the guest root@lab-3"):
        said = run(rig.parent, "--rig", str(rig), tests="def test_it(): ...")
    assert "the guest root@lab-3 is in use by process" in said
    assert "1 passed" in run(rig.parent, "--rig", str(rig), tests="def test_it(): ...")
