"""hil.doctor: machines that cannot be reached, or have something else than this one, in each way that there is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from hil.doctor import Examination, check, machines, reaching
from hil.rig.model import PlaceEntry, Rig
from hil.vm.machine import PROJECT
from wslusb.doctor.check import Finding, Outcome

SSH = """\
#!/bin/bash
# An ssh whose far end is this machine; $SSH_SAYS is what it says instead of connecting.
while [ "$1" != -- ]; do shift; done; shift
[ -z "$SSH_SAYS" ] || { echo "$SSH_SAYS" >&2; exit 255; }
exec bash -c "$*"
"""
ADDRESS = {"address": "root@lab-3"}
HOST_KEY = (
    "No ED25519 host key is known for lab-3 and you have requested strict checking.\nHost key verification failed."
)
NEW_KEY = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed."
WSL = "There is no distribution with the supplied name.\r\nError code: Wsl/Service/WSL_E_DISTRO_NOT_FOUND\r\n"
OCI = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "{}": executable file not found'


@pytest.mark.parametrize(
    ("kind", "options", "said", "text", "fix"),
    [
        ("ssh", ADDRESS, HOST_KEY, "the key of root@lab-3 is not known", "run 'ssh root@lab-3' once by hand"),
        ("ssh", ADDRESS, NEW_KEY, "is another one than before", "ssh-keygen -R lab-3"),
        ("ssh", ADDRESS, "root@lab-3: Permission denied (publickey,password).", "not let", "ssh-copy-id root@lab-3"),
        ("ssh", ADDRESS, "ssh: Could not resolve hostname lab-3: Name or service not known", "no machine", "[guest]"),
        ("ssh", ADDRESS, "ssh: connect to host lab-3 port 22: Connection refused", "no SSH server", "openssh-server"),
        ("ssh", ADDRESS, "ssh: connect to host lab-3 port 22: Connection timed out", "does not answer", "is it on"),
        ("ssh", ADDRESS, "ssh: connect to host lab-3 port 22: No route to host", "does not answer", "is it on"),
        ("ssh", ADDRESS, "cannot run ssh: No such file or directory", "no ssh here", "openssh-client"),
        ("ssh", ADDRESS, "kex_exchange_identification: read: reset", "kex_exchange", "run 'ssh root@lab-3 true'"),
        ("ssh", {**ADDRESS, "directory": "/opt/x"}, "bash: line 1: cd: /opt/x: No such file or directory",
         "no folder /opt/x on there", "correct 'directory' in [guest]"),
        ("wsl", {"distribution": "Debain"}, WSL.encode("utf-16-le").decode(), "no distribution 'Debain'", "wsl --list"),
        ("wsl", {"distribution": "Debian"}, "cannot run wsl.exe: No such file or directory", "no wsl.exe", "'command'"),
        ("command", {"run": ["sudo", "-n"]}, "sudo: a password is required", "asks for a password", "NOPASSWD"),
        ("command", {"run": ["docker", "exec", "x"]}, "Error response from daemon: No such container: x",
         "No such container: x", "start it"),
        ("command", {"run": ["docker", "exec", "x"]}, OCI.format("setsid"), "no setsid on there", "util-linux"),
        ("command", {"run": ["docker", "exec", "x"]}, OCI.format("bash"), "no bash on there", "install bash"),
        ("command", {"run": ["dokcer"]}, "cannot run dokcer: No such file or directory", "dokcer", "'run' in [guest]"),
        ("command", {"run": ["lab", "board-1"]}, "", "no reason was given", "run 'lab board-1 true' by hand"),
    ],
)  # fmt: skip
def test_why_a_machine_cannot_be_reached(kind: str, options: dict[str, Any], said: str, text: str, fix: str) -> None:
    finding = reaching.explain(said, "guest", PlaceEntry(kind, options), "there")
    assert finding.outcome is Outcome.FAIL
    assert text in finding.text
    assert fix in finding.fix
    assert (finding.text + finding.fix).isprintable()


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An ssh to this machine; what a test sets of SSH_SAYS is what it says instead."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ssh").write_text(SSH)
    (tmp_path / "bin/ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return monkeypatch


def examined(tmp_path: Path, **options: str) -> dict[str, Finding]:
    """What the first checks say of a host behind ssh."""
    host = PlaceEntry("ssh", {**ADDRESS, **options})
    rig = Rig(name="bench", host=host, guest=PlaceEntry("uml"))
    examination = Examination(rig=rig, directory=tmp_path, results=tmp_path)
    checks = [each for each in machines.CHECKS if each.name in ("host", "host_programs")]
    return {result.name: result.finding for result in check.run(examination, checks, [])}


def there(tmp_path: Path, **options: str) -> Finding:
    return examined(tmp_path, **{"python": sys.executable, "directory": str(PROJECT), **options})["host_programs"]


def test_a_machine_like_this_one(ssh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = examined(tmp_path, python=sys.executable, directory=str(PROJECT))
    assert found["host"].text.startswith("root@lab-3, Linux ")
    assert found["host_programs"].outcome is Outcome.PASS
    assert found["host_programs"].text.endswith("as here")


def test_a_machine_that_cannot_be_reached_is_not_looked_at(ssh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ssh.setenv("SSH_SAYS", HOST_KEY)
    found = examined(tmp_path)
    assert "once by hand" in found["host"].fix
    assert found["host_programs"] == Finding(Outcome.SKIP, "not looked at because of: Host")


def test_a_machine_without_the_folder(ssh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = examined(tmp_path, directory="/no/such/folder")
    assert found["host"].text == "there is no folder /no/such/folder on root@lab-3"


def test_a_machine_without_that_python(ssh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    finding = there(tmp_path, python="/opt/wslusb/bin/python9")
    assert finding.text == "there is no /opt/wslusb/bin/python9 on root@lab-3"
    assert finding.fix == "correct 'python' in [host]"


def test_a_python_without_wslusb(ssh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "python").write_text(f'#!/bin/bash\nexec {sys.executable} -S "$@"\n')
    (tmp_path / "python").chmod(0o755)
    finding = there(tmp_path, python=str(tmp_path / "python"), directory=str(tmp_path))
    assert "root@lab-3 has no wslusb (No module named 'wslusb')" in finding.text
    assert f"'{tmp_path / 'python'} -m pip install .'" in finding.fix


def copy(folder: Path, wslusb: str, hil: bool = True) -> Path:
    """A checkout of something else."""
    for package in ("wslusb", "hil") if hil else ("wslusb",):
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").write_text(wslusb)
    return folder


def test_another_version(ssh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    finding = there(tmp_path, directory=str(copy(tmp_path / "src", "__version__ = '9'")))
    assert finding.outcome is Outcome.FAIL
    assert "wslusb there is 9, here" in finding.text


def test_another_commit(ssh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import wslusb

    finding = there(tmp_path, directory=str(copy(tmp_path / "src", f"__version__ = {wslusb.__version__!r}")))
    assert finding.outcome is Outcome.WARNING
    assert "of another commit" in finding.text


@pytest.mark.parametrize(
    ("facts", "text", "fix"),
    [
        ({"python": "3.9.2", "problem": "old"}, "Python 3.9.2 on lab is too old", "3.11 or newer"),
        ({"python": "3.12.1", "problem": "hil", "error": "x"}, "lab has no checkout", "'directory' in [host]"),
    ],
)
def test_what_else_may_be_missing(facts: dict[str, Any], text: str, fix: str) -> None:
    finding = machines.compare(facts, "lab", {"python": "python3", "side": "host"})
    assert finding.outcome is Outcome.FAIL
    assert text in finding.text
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("side", "outcome", "fix"),
    [("guest", Outcome.FAIL, "address = 'root@...' in [guest]"), ("host", Outcome.WARNING, "address = 'root@...'")],
)
def test_a_machine_where_nobody_is_root(
    ssh: pytest.MonkeyPatch, tmp_path: Path, side: str, outcome: Outcome, fix: str
) -> None:
    program = tmp_path / "bin/id"
    program.write_text("#!/bin/bash\necho 1000\n")
    program.chmod(0o755)
    entry = PlaceEntry("ssh", {"address": "me@lab-3"})
    rig = Rig(name="bench", host=entry, guest=entry)
    examination = Examination(rig=rig, directory=tmp_path, results=tmp_path)
    found = next(each for each in check.run(examination, machines.CHECKS[:2], []) if each.name == side).finding
    assert found.outcome is outcome
    assert fix in found.fix


def test_a_virtual_guest_of_a_host_elsewhere(tmp_path: Path) -> None:
    rig = Rig(name="bench", host=PlaceEntry("command", {"run": ["env"]}), guest=PlaceEntry("uml"))
    examination = Examination(rig=rig, directory=tmp_path, results=tmp_path)
    found = [each.finding for each in check.run(examination, machines.CHECKS, [])]
    assert found[1].text == "a guest of kind 'uml' runs here, and the devices are elsewhere"
    assert "not looked at because of: Guest" in {each.text for each in found[3:]}


def test_what_has_failed_stands_for_all_that_needs_it(tmp_path: Path) -> None:
    def broken(_: Examination) -> Finding:
        raise ZeroDivisionError

    def refused(_: Examination) -> Finding:
        return Finding(Outcome.FAIL, "no", "do")

    looks = [
        check.Check("a", "A", refused), check.Check("b", "B", broken, ("a",)), check.Check("c", "C", broken, ("b",)),
        check.Check("d", "D", broken),
    ]  # fmt: skip
    examination = Examination(rig=Rig(name="bench"), directory=tmp_path, results=tmp_path)
    found = [result.finding for result in check.run(examination, looks, [])]
    assert [each.text for each in found[1:3]] == ["not looked at because of: A"] * 2
    assert found[3].outcome is Outcome.WARNING
    assert "ZeroDivisionError" in found[3].text
