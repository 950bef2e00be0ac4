from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.errors import BootTimeoutError, CommandFailedError, CommandTimeoutError, MachineDiedError
from hil.vm import agent
from hil.vm.agent import MAX_FRAME, PREFIX, Decoder, encode
from hil.vm.link import AgentLink


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
def test_frames_survive_any_chopping(step: int) -> None:
    frames = [({"op": "a", "text": "\u00fc"}, b""), ({"op": "b"}, bytes(range(256))), ({}, b"x")]
    stream = b"".join(encode(message, data) for message, data in frames)
    decoder = Decoder()
    pieces = [stream[at : at + step] for at in range(0, len(stream), step)]
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == frames


def test_a_channel_out_of_step_is_an_error_and_not_an_allocation() -> None:
    with pytest.raises(ValueError, match="out of step"):
        list(Decoder().feed(PREFIX.pack(MAX_FRAME, 1)))


@pytest.fixture
def link() -> Iterator[AgentLink]:
    """A real agent, as a process on this machine instead of PID 1 in another."""
    ours, theirs = socket.socketpair()
    with subprocess.Popen(
        [sys.executable, "-I", "-S", agent.__file__, f"fd:{theirs.fileno()}"], pass_fds=[theirs.fileno()]
    ) as process:
        theirs.close()
        link = AgentLink("test", ours)
        link.wait_hello(20)
        yield link
        link.close()
        assert process.wait(10) in (0, -signal.SIGTERM)  # one test kills it


def test_output_comes_by_stream_and_in_order(link: AgentLink) -> None:
    result = link.start("echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; exit 4").wait()
    assert (result.stdout, result.stderr, result.output) == ("one\nthree\n", "two\n", "one\ntwo\nthree\n")
    assert result.returncode == 4


def test_environment_directory_and_input(link: AgentLink, tmp_path: Path) -> None:
    result = link.start(["sh", "-c", "pwd; echo $X; cat"], env={"X": "why"}, cwd=tmp_path, stdin=b"in").wait()
    assert result.stdout == f"{tmp_path}\nwhy\nin"


def test_large_output_and_many_processes(link: AgentLink) -> None:
    processes = [link.start(f"head -c 1000000 /dev/zero | tr '\\0' {letter}") for letter in "abcd"]
    assert [process.wait().stdout[-1] * 1_000_000 == process.stdout for process in processes] == [True] * 4


def test_output_and_exit_in_one_round_of_events(link: AgentLink) -> None:
    # The exit is handled first and drains the pipes whose own events are still in the list.
    for _ in range(30):
        processes = [link.start(["echo", "x"]) for _ in range(8)]
        assert [process.wait().stdout for process in processes] == ["x\n"] * 8


def test_files(link: AgentLink, tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    link.put(tmp_path / "x", data, 0o600)
    assert (tmp_path / "x").read_bytes() == data
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600
    assert link.get(tmp_path / "x") == data
    link.put(tmp_path / "x", b"")
    assert link.get(tmp_path / "x") == b""
    with pytest.raises(CommandFailedError, match="nothing"):
        link.get(tmp_path / "nothing")


def test_signals_reach_children(link: AgentLink) -> None:
    with link.start("sleep 1000 & echo up; wait") as process:
        process.wait_for_output("up")
        assert process.running
        process.kill(signal.SIGTERM)
        assert process.wait(10).returncode == -signal.SIGTERM
    assert not process.running


def test_an_exit_is_told_although_a_child_keeps_the_pipe(link: AgentLink) -> None:
    process = link.start("sleep 1000 & echo left")
    assert process.wait(10).stdout == "left\n"
    process.kill()


def test_what_cannot_be_started_is_an_error(link: AgentLink) -> None:
    with pytest.raises(CommandFailedError, match="no/such"):
        link.start(["/no/such/program"]).wait(10)


def test_deadlines_show_what_was_said(link: AgentLink) -> None:
    with link.start("echo waiting; sleep 1000") as process:
        process.wait_for_output("waiting")
        with pytest.raises(CommandTimeoutError, match="waiting"):
            process.wait(0.05)
    with pytest.raises(CommandFailedError, match=r"ended \(0\) before"):
        link.start("echo no").wait_for_output("yes", 10)


def test_a_dead_agent_wakes_whoever_waits(link: AgentLink) -> None:
    process = link.start("echo $PPID; sleep 1000")
    parent = int(process.wait_for_output(r"\d+\n")[0])
    os.kill(parent, signal.SIGTERM)
    with pytest.raises(MachineDiedError, match="sleep"):
        process.wait(10)
    process.kill = lambda *_: None  # type: ignore[method-assign]  # nobody is left to forward it


def test_silence_is_a_boot_timeout_with_the_console() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link = AgentLink("mute", ours, lambda: "Kernel panic - not syncing")
        with pytest.raises(BootTimeoutError, match="Kernel panic"):
            link.wait_hello(0.05)
        theirs.close()
        link.close()


def test_no_more_than_the_window_is_under_way() -> None:
    ours, theirs = socket.socketpair()
    link = AgentLink("slow", ours, window=100)
    with theirs:
        frame = encode({"op": "signal", "id": 1, "signal": 9}, bytes(150))
        theirs.settimeout(10)

        def take(wanted: int, taken: int) -> int:
            got = 0
            while got < wanted:
                got += len(theirs.recv(wanted - got))
            theirs.sendall(encode({"op": "ack", "taken": taken + got}))
            return taken + got

        sender = threading.Thread(target=link.send, args=({"op": "signal", "id": 1, "signal": 9}, bytes(150)))
        sender.start()
        taken = 0
        while taken < len(frame):
            window = min(100, len(frame) - taken)
            taken = take(window, taken)
        sender.join(10)
        assert not sender.is_alive()
        theirs.close()
        link.close()
