"""wslusb.cli.program: every way to end is a message and an exit code."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click
import pytest

import wslusb
from wslusb.cli import program as module
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.usb.urb import Status


def test_version(machine: Any) -> None:
    result = machine.run("--version")
    assert (result.exit_code, result.stdout) == (0, f"wslusb {wslusb.__version__}\n")


def test_help_names_every_verb_and_the_exit_codes(machine: Any) -> None:
    result = machine.run("--help")
    assert result.exit_code == 0
    for verb in module.VERBS:
        assert f"\n  {verb} " in result.stdout
    assert "3 access denied" in result.stdout


@pytest.mark.parametrize("verb", module.VERBS)
def test_every_verb_has_help(machine: Any, verb: str) -> None:
    result = machine.run(verb, "--help")
    assert result.exit_code == 0
    assert "Usage: wslusb" in result.stdout


def test_no_verb_shows_the_help_and_is_wrong_usage(machine: Any) -> None:
    result = machine.run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: wslusb" in result.stderr


def test_help_is_a_verb_too(machine: Any) -> None:
    """Hidden, for those who type it."""
    assert machine.run("help").stdout == machine.run("--help").stdout
    assert machine.run("help", "attach").stdout == machine.run("attach", "--help").stdout
    assert "\n  help " not in machine.run("help").stdout
    wrong = machine.run("help", "bogus")
    assert (wrong.exit_code, wrong.stderr.splitlines()[0]) == (2, "wslusb: error: No such command 'bogus'.")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["lsit"], "'list'? see 'wslusb --help'."), (["help", "atach"], "'attach' or 'detach'? see"),
     (["list", "--vrebose"], "'--verbose'? see 'wslusb list --help'.")],
)  # fmt: skip
def test_what_was_probably_meant_is_said(machine: Any, arguments: list[str], meant: str) -> None:
    result = machine.run(*arguments)
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first.startswith("wslusb: error: No such ")
    assert second.startswith(f"wslusb: hint: did you mean {meant}")


@pytest.mark.parametrize("arguments", [["bogus"], ["list", "--bogus"], ["attach"], ["detach", "a", "--all"]])
def test_wrong_usage(machine: Any, arguments: list[str]) -> None:
    result = machine.run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("wslusb: error: ")
    assert "wslusb: hint: see 'wslusb" in result.stderr


@pytest.mark.parametrize(
    ("problem", "code", "text"),
    [
        (
            LocalError(LocalReason.NOT_FOUND, "no such thing", hint="look again"),
            1,
            "error: no such thing.\nwslusb: hint: look again.",
        ),
        (LocalError(LocalReason.ACCESS_DENIED, "no"), 3, "error: no."),
        (LocalError(LocalReason.BAD_ADDRESS, "what?"), 2, "error: what?"),
        (DeviceError(Status.ACCESS_DENIED, "not yours"), 3, "error: not yours."),
        (DeviceError(Status.GONE, "it is gone"), 1, "error: it is gone."),
        (PermissionError(13, "Permission denied", "/x"), 3, "error: /x: Permission denied.\nwslusb: hint: use sudo."),
        (FileNotFoundError(2, "No such file", "/x"), 1, "error: /x: No such file."),
        (
            FileNotFoundError(2, "No such file", "/nowhere/at/all"),
            1,
            "error: /nowhere/at/all: No such file.\n"
            "wslusb: hint: there is no folder /nowhere/at: make it, or choose another place.",
        ),
        (click.Abort(), 4, "error: cancelled."),
        (KeyboardInterrupt(), 4, "error: cancelled."),
        (ZeroDivisionError("two\nlines"), 1, "error: internal error: ZeroDivisionError: two lines."),
    ],
)
def test_errors(machine: Any, monkeypatch: pytest.MonkeyPatch, problem: BaseException, code: int, text: str) -> None:
    def fail(_control: object) -> None:
        raise problem

    monkeypatch.setattr("wslusb.cli.list.fetch", fail)
    result = machine.run("list")
    assert result.exit_code == code
    assert f"wslusb: {text}\n" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("how", ["option", "environment"])
def test_debug_shows_the_traceback(machine: Any, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("WSLUSB_DEBUG", "1" if how == "environment" else "0")
    result = machine.run(*(["--debug"] if how == "option" else []), "attach", "1-1")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "wslusb: error: no agent or service" in result.stderr


def test_a_verb_imports_only_what_it_needs() -> None:
    """``--help`` and ``list`` are typed all day: they must not wait for libusb, Rich or the data path."""
    script = (
        "import sys, wslusb.cli.program as p\n"
        "try: p.program(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = ('usb1', 'rich', 'asyncio', 'importlib.metadata', 'wslusb.host.service')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
