"""Every place keeps the same contract: this machine, one behind a command, and one behind ssh, with a real sshd."""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.errors import CommandFailedError, CommandTimeoutError
from hil.places import shell
from hil.places.shell import ShellPlace
from hil.requirements import SSH, require
from hil.waiting import poll

ODD = ["", "two words", "it's", '"$HOME"', "a\nb", "*", "\\", "-n", "ümläut", "$(false)", "`"]
BYTES = bytes(range(256)) * 700
"""More than a pipe holds."""

_UNTIL_STARTED = 3.0

SERVER = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
"""
CLIENT = """\
Host lab-3
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking accept-new
"""


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An sshd of our own on loopback; the folder has an ssh that finds it, as by a user's own configuration."""
    require(SSH)
    folder = tmp_path_factory.mktemp("ssh")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    for name, text in (("sshd_config", SERVER), ("config", CLIENT)):
        (folder / name).write_text(text.format(folder=folder, port=port, user=getpass.getuser()))
    Path("/run/sshd").mkdir(exist_ok=True)  # where it gives its privileges up
    with subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.PIPE
    ) as server:
        assert server.stderr is not None
        assert b"listening" in server.stderr.readline()
        wrapper = folder / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n')
        wrapper.chmod(0o755)
        yield folder
        server.terminate()


@pytest.fixture(params=["here", "command", pytest.param("ssh", marks=pytest.mark.tools)])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ShellPlace:
    if request.param == "ssh":
        monkeypatch.setenv("PATH", f"{request.getfixturevalue('sshd')}:{os.environ['PATH']}")
        return shell.ssh("lab-3")
    return {"here": shell.local(), "command": ShellPlace("command", ["env"])}[request.param]


def test_words_and_variables_arrive_as_they_are(place: ShellPlace) -> None:
    given = {f"ODD_{number}": word for number, word in enumerate(ODD)}
    assert place.run(["printf", "%s\\0", *ODD]).stdout.split("\0")[:-1] == ODD
    said = place.run("; ".join(f'printf "%s\\0" "${name}"' for name in given), env=given)
    assert said.stdout.split("\0")[:-1] == ODD


def test_both_streams_and_the_end_are_told(place: ShellPlace) -> None:
    result = place.run("echo out; echo err >&2; exit 7", check=False)
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 7)
    with pytest.raises(CommandFailedError, match=r"ended with 7:\nwhy"):
        place.run("echo why; exit 7")


def test_files_are_the_same_there(place: ShellPlace, tmp_path: Path) -> None:
    path = tmp_path / "it's here"
    place.put(path, BYTES, 0o640)
    assert path.stat().st_mode & 0o777 == 0o640
    assert place.get(path) == BYTES
    with pytest.raises(CommandFailedError, match="cannot read"):
        place.get(tmp_path / "nothing")


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(place: ShellPlace, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers"
    with pytest.raises(CommandTimeoutError, match="it said:\nstarted"):
        place.run(f"sleep 1000 & echo $$ $! >{shlex.quote(str(numbers))}; echo started; wait", timeout=_UNTIL_STARTED)
    poll(lambda: not any(map(_lives, numbers.read_text().split())), 10, "the command and its child are gone")


def test_a_signal_reaches_it(place: ShellPlace) -> None:
    process = place.start("trap 'echo ended; exit 3' TERM; echo ready; while :; do sleep 0.05; done")
    process.wait_for_output("ready")
    process.kill(signal.SIGTERM)
    assert process.wait(10).stdout == "ready\nended\n"
    assert process.returncode == 3


def test_a_process_ends_when_its_way_does(place: ShellPlace) -> None:
    """As when this program, or the connection, is gone: nothing stays behind there."""
    process = place.start("echo $$; exec sleep 1000")
    number = process.wait_for_output(r"(\d+)\n")[1]
    assert _lives(number)
    assert process._process.stdin is not None
    process._process.stdin.close()
    poll(lambda: not _lives(number), 10, "the process is gone")
    with contextlib.suppress(CommandTimeoutError):
        process.wait(5)


def test_what_cannot_be_reached_is_said_in_a_line() -> None:
    with pytest.raises(CommandFailedError, match="cannot run no-such-command: No such file"):
        ShellPlace("nowhere", ["no-such-command"]).run(["true"])


def _lives(number: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return " Z " not in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2][:3]
    return False


def test_the_release_is_this_kernels(place: ShellPlace) -> None:
    assert place.release == os.uname().release
