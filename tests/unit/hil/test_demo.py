from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hil.demo import __main__ as command
from hil.demo import local, machines
from hil.demo.local import Cli, local_demo
from hil.demo.story import DemoError, Story, Timed, payload, sha256
from hil.errors import RequirementsError

needs_unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")


class Told:
    """A story and what it told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.story = Story(lambda text: self.lines.append(text.rstrip("\n")))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def test_a_story_is_told_line_by_line() -> None:
    told = Told()
    told.story.command("wslusb list", ["BUSID"])
    told.story.note("seen")
    assert told.lines == ["$ wslusb list", "    BUSID", "    seen"]


def test_the_exit_code_is_zero_only_if_the_checksums_are_equal() -> None:
    told = Told()
    assert told.story.verdict("aa", "aa") == 0
    assert told.story.verdict("aa", "bb") == 1
    assert told.lines[1] == "CHECKSUMS DIFFER: wrote aa, read bb"


def test_the_payload_is_the_same_every_time() -> None:
    assert payload(1000) == payload(1000)
    assert sha256(payload(10)) == sha256(bytearray(payload(10)))


def test_rates_are_for_people() -> None:
    assert Timed(0.5).rate(32_000_000) == "64 MB/s"


@needs_unix
def test_the_main_job_with_nothing_but_python() -> None:
    told = Told()
    assert local_demo(told.story, size=(1 << 20) + 512) == 0
    assert "Not shared" in told.text
    assert "is shared" in told.text
    assert told.text.count("SHA-256") == 2
    assert len(told.lines) <= 25


@needs_unix
def test_bytes_that_change_on_their_way_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = local.read_into

    def wrong(disk: Any, buffer: bytearray) -> None:
        right(disk, buffer)
        buffer[7] ^= 1

    monkeypatch.setattr(local, "read_into", wrong)
    told = Told()
    assert local_demo(told.story, size=1 << 20) == 1
    assert "CHECKSUMS DIFFER" in told.text


def test_a_verb_that_fails_ends_the_story(tmp_path: Path) -> None:
    told = Told()
    with pytest.raises(DemoError, match="'wslusb bind' ended with"):
        Cli(tmp_path, told.story).run("bind", "1-1")
    assert told.lines[0] == "$ wslusb bind 1-1"


def test_a_service_that_does_not_start_is_told_with_its_words(tmp_path: Path) -> None:
    cli = Cli(tmp_path, Told().story)
    with (
        pytest.raises(DemoError, match=r"the service did not start:\n.*nothing"),
        cli.serve("--listen", "nothing:", "--device", "emulator:storage"),
    ):
        pass


class FakeMachine:
    """A machine whose programs say what they always say."""

    def __init__(self, shared: Path, digest: str) -> None:
        self.shared = shared
        self.digest = digest
        self.ran: list[str] = []

    def run(self, script: str, *, env: dict[str, str]) -> Any:
        assert env == {"PAYLOAD": str(self.shared / "payload")}
        line = script.partition("\n")[2]
        self.ran.append(line)
        said = {"sha256sum": f"{self.digest}  /mnt/file\n", "wslusb": "/dev/sda\n"}.get(line.split()[0], "")
        return SimpleNamespace(stdout=said, output=said)

    @contextmanager
    def start(self, command: list[str]) -> Iterator[Any]:
        said = {"serve": "serving 1 device\n", "agent": "INFO connected to it\n"}[command[3]]
        yield SimpleNamespace(output=said, wait_for_output=lambda _: None)

    def python(self, *_: str) -> None:
        pass

    def wait_until(self, _: str) -> None:
        pass


@pytest.mark.parametrize(("digest", "code"), [(sha256(payload(4096)), 0), ("0" * 64, 1)])
def test_the_story_of_two_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digest: str, code: int) -> None:
    guest = FakeMachine(tmp_path, digest)
    rig = SimpleNamespace(shared=tmp_path, host=FakeMachine(tmp_path, ""), guest=guest)

    @contextmanager
    def uml_pair() -> Iterator[Any]:
        yield rig

    monkeypatch.setattr(machines, "Rig", SimpleNamespace(uml_pair=uml_pair))
    monkeypatch.setattr(machines, "require", lambda *_: None)
    told = Told()
    assert machines.machines_demo(told.story, size=4096) == code
    assert (tmp_path / "payload").read_bytes() == payload(4096)
    assert guest.ran[-1] == "sha256sum /mnt/file"
    assert guest.ran.count("wslusb attach SN77") == 2
    assert "$ [guest] wslusb agent &" in told.lines
    assert os.fspath(tmp_path) not in told.text


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(_story: Story) -> int:
        raise RequirementsError(("bash",), ("bash",))

    monkeypatch.setattr(command, "machines_demo", missing)
    assert command.main(["--kernel"]) == 1
    assert "apt-get install bash" in capsys.readouterr().err
