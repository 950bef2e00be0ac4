"""hil.guided and power by hand: a person at a pseudo-terminal, who presses keys and pulls plugs."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil import power
from hil.guided import Step, StepSkippedError, Terminal
from hil.power import PowerError
from hil.power.manual import Manual
from tests.support.bench import Bench, stick

PROJECT = Path(__file__).parents[3]
START = "import os; os.open(os.ttyname(0), os.O_RDWR)  # the first terminal that a session opens is its own\n"
PROGRAM = (
    START
    + """
import signal, sys
from pathlib import Path
from hil.guided import Step, StepSkippedError, Terminal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
terminal = Terminal()
assert not terminal.reason, terminal.reason
def look():
    other = Path(sys.argv[1], "other").exists()
    return Step(Path(sys.argv[1], "gone").exists(), "That was 1-3." if other else "")
try:
    terminal.until("Unplug stick\\x1b[31m (port 1-2) now.", look, float(sys.argv[2]))
    print("unplugged")
except StepSkippedError as error:
    print("not done:", error)
"""
)
TEST = """
import sys
from pathlib import Path
from hil.guided import Step, Terminal

def test_unplugging():
    print("this is captured")
    Terminal().until("Unplug it.", lambda: Step(Path("gone").exists()), 10)
    print("this is captured, too")
"""


def plain_environment() -> dict[str, str]:
    """That of a program which no worker of pytest-xdist has started."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**inherited, "PYTHONPATH": str(PROJECT), "TERM": "xterm"}


class Person:
    """A terminal, and a program that was started at it."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.folder = folder
        self._ours, theirs = pty.openpty()
        self.program = subprocess.Popen(
            [sys.executable, *command], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder,
            env=plain_environment(), start_new_session=True,
        )  # fmt: skip
        self.settings = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.seen = ""

    def close(self) -> None:
        if self.program.poll() is None:
            self.program.kill()
        self.program.communicate()
        self.hang_up()
        os.close(self._theirs)

    def hang_up(self) -> None:
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def wait_to_see(self, pattern: str) -> None:
        deadline = time.monotonic() + 10
        while not re.search(pattern, self.seen):
            assert time.monotonic() < deadline, self.seen
            if select.select([self._ours], [], [], 0.1)[0]:
                self.seen += os.read(self._ours, 4096).decode(errors="replace")

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def do(self, what: str) -> None:
        (self.folder / what).touch()

    def end(self) -> str:
        said, _ = self.program.communicate(timeout=10)
        assert termios.tcgetattr(self._theirs) == self.settings, "the terminal is not as it was"
        return said.decode()


@contextlib.contextmanager
def asked(folder: Path, seconds: float = 10) -> Iterator[Person]:
    person = Person(folder, "-c", PROGRAM, str(folder), str(seconds))
    try:
        person.wait_to_see("Unplug stick")
        yield person
    finally:
        person.close()


def test_what_is_asked_for_is_seen_when_it_is_done(tmp_path: Path) -> None:
    with asked(tmp_path) as person:
        person.wait_to_see(r"\d+ s left. s skips, Ctrl-C ends all")
        person.do("gone")
        assert person.end() == "unplugged\n"
        person.wait_to_see(r"done \(\d\.\d s\)")
        assert "Unplug stick?[31m" in person.seen, "a device's name has no say in what a terminal does"


def test_another_port_is_told(tmp_path: Path) -> None:
    with asked(tmp_path) as person:
        person.do("other")
        person.wait_to_see("That was 1-3.")
        assert person.seen.count("That was 1-3.") == 1
        person.press("s")
        person.end()


def test_s_skips(tmp_path: Path) -> None:
    with asked(tmp_path) as person:
        person.press("xs")
        assert person.end() == "not done: skipped by whoever was asked\n"


def test_nobody_does_it(tmp_path: Path) -> None:
    with asked(tmp_path, 0.2) as person:
        assert person.end() == "not done: not done within 0.2 s\n"


def test_a_terminal_that_goes_is_nobody(tmp_path: Path) -> None:
    with asked(tmp_path) as person:
        person.wait_to_see("left")
        person.hang_up()
        said, _ = person.program.communicate(timeout=10)
        assert said == b"not done: the terminal has gone\n"


def test_ctrl_c_ends_all_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with asked(tmp_path) as person:
        person.wait_to_see("left")
        person.press("\x03")
        assert "KeyboardInterrupt" in person.end()
        assert person.program.returncode == -signal.SIGINT


def test_under_pytest_the_question_is_seen_and_no_part_of_the_output(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    words = ["pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path), "-rP", "test_it.py"]
    run = f"{START}\nimport sys, pytest; sys.exit(pytest.main(sys.argv[2:]))"
    person = Person(tmp_path, "-c", run, *words)
    try:
        person.wait_to_see("Unplug it.")
        person.do("gone")
        said = person.end()
        assert "1 passed" in said
        assert "this is captured, too" in said
        assert "Unplug" not in said
    finally:
        person.close()


def test_without_a_terminal_there_is_one_reason(tmp_path: Path) -> None:
    program = "from hil.guided import Terminal; print(Terminal().reason)"
    words = [sys.executable, "-c", program]
    said = subprocess.run(
        words, env=plain_environment(), start_new_session=True, capture_output=True, check=True, text=True
    )
    assert said.stdout == "guided mode asks at a terminal, and there is none here\n"


def test_a_worker_of_many_does_not_ask(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {"PYTEST_XDIST_WORKER": "gw0"})
    with pytest.raises(StepSkippedError, match="run it without -n"):
        terminal.until("Unplug it.", lambda: Step(True), 1)
    terminal.say("nothing, for there is no terminal")


class Hands:
    """Somebody who does what a test says; ``remarks`` is what they were told."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.reason = ""
        self.deeds: list[str] = []
        self.heard: list[str] = []

    def until(self, request: str, look: Callable[[], Step], _seconds: float) -> None:
        self.heard.append(request)
        while self.deeds:
            verb, _, port = self.deeds.pop(0).partition(" ")
            if verb == "interrupt":
                raise KeyboardInterrupt
            self.bench.unplug(port) if verb == "pull" else self.bench.plug(port, "S2")
            step = look()
            self.heard += [step.remark] if step.remark else []
            if step.done:
                return
        raise StepSkippedError("not done within 1 s")

    def say(self, text: str) -> None:
        self.heard.append(text)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def hands(bench: Bench) -> Hands:
    return Hands(bench)


@pytest.fixture
def manual(bench: Bench, hands: Hands) -> Manual:
    switch = power.make(stick("manual"), bench, ask=hands)
    assert isinstance(switch, Manual)
    assert switch.can_switch
    return switch


def test_by_hand(hands: Hands, manual: Manual) -> None:
    hands.deeds = ["pull 1-1.2"]
    manual.off()
    manual.off()
    hands.deeds = ["plug 1-1.2"]
    manual.on()
    manual.on()
    assert hands.heard == [
        "Unplug stick (port 1-1.2, USB device 0951:1666) now.", "1-1.2 is gone",
        "Plug stick into port 1-1.2 now.", "1-1.2 is back",
    ]  # fmt: skip
    assert manual.describe() == "by hand"


def test_the_wrong_device_and_the_wrong_port(hands: Hands, manual: Manual) -> None:
    hands.deeds = ["pull 1-1.3", "pull 1-1.2"]
    manual.off()
    assert "That was 1-1.3 (0951:1666 USB device 0951:1666): plug it in again, and unplug 1-1.2." in hands.heard
    hands.deeds = ["plug 1-1.4", "pull 1-1.4", "plug 1-1.2"]
    manual.on()
    assert "It is in port 1-1.4: put it into 1-1.2." in hands.heard


def test_somebody_who_does_nothing_makes_a_skip_before_and_an_error_after(hands: Hands, manual: Manual) -> None:
    with pytest.raises(StepSkippedError):
        manual.off()
    manual.on()
    hands.deeds = ["pull 1-1.2"]
    manual.off()
    with pytest.raises(PowerError, match="stick is not back: not done within 1 s"):
        manual.on()


def test_after_ctrl_c_nothing_is_asked_for_any_more(bench: Bench, hands: Hands, manual: Manual) -> None:
    def test() -> None:
        with power.kept_on(manual):
            hands.deeds = ["interrupt"]
            manual.off()

    with pytest.raises(KeyboardInterrupt):
        test()
    assert hands.heard[-1] == "Remember to plug in stick (port 1-1.2, USB device 0951:1666) again."


def test_without_anybody_the_switch_says_why(bench: Bench, hands: Hands) -> None:
    nobody = power.make(stick("manual"), bench)
    assert not nobody.can_switch
    with pytest.raises(StepSkippedError, match="stick: nobody can be asked to unplug it"):
        nobody.off()
    hands.reason = "there is no terminal"
    with pytest.raises(StepSkippedError, match="there is no terminal"):
        power.make(stick("manual"), bench, ask=hands).off()
