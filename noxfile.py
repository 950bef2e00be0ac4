"""Everything that is run on this project. ``nox -l`` lists it, CONTRIBUTING.md explains it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "venv"

PROJECT = nox.project.load_toml("pyproject.toml")
PACKAGES = ["wslusb", "emulator", "hil"]


def group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PROJECT, name)


def test_environment(session: nox.Session) -> None:
    session.install("-e", ".[pyusb]", *group("tests"))


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff, and the import rules of docs/architecture.md."""
    session.install("-e", ".", *group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, as Linux and as Windows see the code (the virtual machines are Linux' alone)."""
    session.install("-e", ".[pyusb]", *group("types"))
    session.run("mypy")
    session.run("mypy", "--platform", "win32", "-p", "wslusb", "-p", "emulator")
    session.run("mypy", "noxfile.py")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests that need nothing but Python, on all processors; ``-- -n 0`` for a debugger."""
    test_environment(session)
    session.run("pytest", "--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile", *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13"])
def versions(session: nox.Session) -> None:
    """The same on every supported Python that is installed."""
    test_environment(session)
    session.run("pytest", "-q", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the tests that need nothing but Python."""
    test_environment(session)
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report", "--skip-covered", "--sort=cover")


def kernel_tests(session: nox.Session, *which: str) -> None:
    test_environment(session)
    session.run("python", "-m", "hil.vm", "build")
    # Machines are kept by a process for all its files: two processes make use of two processors.
    how = ["--timeout=300", "--numprocesses=2", "--dist=loadfile", "--durations=0", "--durations-min=1", "-v"]
    session.run("pytest", "-m", "kernel", *how, *which, *session.posargs)


@nox.session
def kernel(session: nox.Session) -> None:
    """The main path through real kernels, in virtual machines. Builds them once (about five minutes)."""
    kernel_tests(session, "tests/kernel", "--ignore=tests/kernel/devices")


@nox.session
def drivers(session: nox.Session) -> None:
    """Virtual devices and faults under the kernel's own drivers, in the same machines."""
    kernel_tests(session, "tests/kernel/devices")


VIRTUAL = {"qemu", "uml", "emulated", "replay"}


def starts_machines(words: list[str]) -> bool:
    """Whether a rig has virtual machines: their kernels are then made before the time of a test runs."""
    given = {part for word in words for part in word.split("=")}
    files = [Path(word) for word in given if word.endswith(".toml") and Path(word).is_file()]
    tables = [nox.project.load_toml(file).get(place, {}) for file in files for place in ("host", "guest")]
    return bool(VIRTUAL & (given | {table.get("kind") for table in tables}))


@nox.session
def hil(session: nox.Session) -> None:
    """The suite on attached hardware (docs/hil.md). ``-- --backend qemu``, ``-- --backend emulated``: without any."""
    test_environment(session)
    if starts_machines(session.posargs):
        session.run("python", "-m", "hil.vm", "build")
    chosen = [] if any(each.startswith("hil/suite") for each in session.posargs) else ["hil/suite"]
    session.run("pytest", *chosen, *session.posargs)


@nox.session
def tools(session: nox.Session) -> None:
    """The Wireshark dissector under tshark, and rigs behind a real sshd."""
    test_environment(session)
    session.run("pytest", "-m", "tools", "tests/integration", *session.posargs)


@nox.session
def labgrid(session: nox.Session) -> None:
    """Places of a real labgrid coordinator (docs/labgrid.md). ``-- --kernel``: through kernels, in virtual machines."""
    session.install("-e", ".[pyusb,labgrid]", *group("labgrid"))
    if "--kernel" in session.posargs:
        session.run("python", "-m", "hil.vm", "build")
        session.run("pytest", "-m", "kernel", "--timeout=300", "tests/kernel/devices/test_labgrid.py")
    else:
        session.run("pytest", "--numprocesses=2", "tests/labgrid", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """The report of the hardware suite in Chromium, which has to be installed."""
    test_environment(session)
    session.install(*group("browser"))
    session.run("pytest", "-m", "browser", "tests/integration/test_report_browser.py", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job: serve, bind, attach, real bytes. ``-- --kernel``: in virtual machines, through real kernels."""
    session.install("-e", ".[pyusb]")
    session.run("python", "-m", "hil.demo", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Rates and costs, as a table and as bench-results/*.json. ``-- --kernel``: beside the kernel's own usbip."""
    session.install("-e", ".[pyusb]", *(group("bench") if "--emulator" in session.posargs else ()))
    session.run("python", "-m", "hil.bench", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Attack everything that reads what others wrote (docs/fuzzing.md). ``-- --seconds 60``: for how long in all."""
    session.install("-e", ".[pyusb]", *group("tests"), "atheris>=3.0")
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Bring the generated parts of docs/ up to date, and check its links. ``-- --check`` only looks."""
    session.install("-e", ".")
    session.run("python", "docs/build.py", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Build the sdist and the wheel, and try the wheel in an environment of its own."""
    session.install("build", "twine", *group("tests"))
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", silent=True)
    session.run("twine", "check", "--strict", *map(str, sorted(Path("dist").iterdir())))
    environment = {**os.environ, "WSLUSB_DIST": str(Path("dist").resolve())}
    session.run("pytest", "-q", "-m", "packaging", "--timeout=300", "tests/packaging", env=environment)
