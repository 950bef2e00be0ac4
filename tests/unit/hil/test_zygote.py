"""hil.zygote: whoever asks hears what the program said, and how it ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.waiting import poll
from hil.zygote import ERROR, OUTPUT, asking

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[str]:
    """The pipe of a zygote at work."""
    path = tmp_path / "requests"
    command = [sys.executable, "-m", "hil.zygote", str(path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as zygote:
        assert zygote.stdout is not None
        assert zygote.stdout.readline() == b"ready\n"
        yield str(path)
        zygote.terminate()


def test_a_program_is_run_by_a_child(fifo: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os, sys\nprint(sys.argv[1], os.environ['WHO'])\nsys.exit('it went wrong')\n")
    script = asking(fifo, str(program), ["it's"], {"WHO": "me"})
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "it's me\n", "it went wrong\n")


def test_what_the_child_writes_to_is_there_while_the_shell_is_still_asking(tmp_path: Path) -> None:
    """A shell's own standard output is the pipe for that time."""
    path, said = tmp_path / "requests", tmp_path / "said"
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while os.write(pipe, bytes(4096)):
            pass
    with said.open("wb") as output:
        script = ["bash", "-c", asking(str(path), "wslusb", [], {})]
        shell = subprocess.Popen(script, stdout=output, stderr=subprocess.STDOUT)
    try:
        held = Path(f"/proc/{shell.pid}/fd")
        poll(lambda: (held / "1").exists() and (held / "1").readlink() == path, 10, "the shell is asking")
        assert {(held / str(number)).readlink() for number in (OUTPUT, ERROR)} == {said}
    finally:
        shell.kill()
        shell.wait()
        os.close(pipe)


def test_a_program_ends_with_who_asked_for_it(fifo: str, tmp_path: Path) -> None:
    program, said = tmp_path / "program.py", tmp_path / "said"
    program.write_text(f"import os, time\nopen({str(said)!r}, 'w').write(f'{{os.getpid()}}.')\ntime.sleep(60)\n")
    shell = subprocess.Popen(["bash", "-c", asking(fifo, str(program), [], {})], stdout=subprocess.DEVNULL)
    try:
        poll(lambda: said.exists() and said.read_text().endswith("."), 20, "the program runs")
    finally:
        shell.kill()
        shell.wait()
    state = Path(f"/proc/{said.read_text().rstrip('.')}/stat")
    poll(lambda: not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z", 10, "it has ended")
