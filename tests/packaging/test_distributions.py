"""What ``nox -s package`` has built: the wheel ships wslusb alone, and works in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging


@pytest.fixture(scope="session")
def dist() -> Path:
    named = os.environ.get("WSLUSB_DIST")
    assert named, "run these with 'nox -s package'"
    return Path(named)


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has nothing but the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    command = [str(programs / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", str(wheel)]
    subprocess.run(command, check=True)
    return programs


def run(*command: str | Path) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_wheel_ships_the_package_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"wslusb"}


def test_wheel_is_typed_and_has_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "wslusb/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_sdist_has_what_it_takes_to_test_it(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "noxfile.py",
        "tests/packaging/test_distributions.py",
        "emulator/__init__.py",
        "docs/protocol.md",
    } <= names


def test_installed_command_runs(installed: Path) -> None:
    assert run(installed / "wslusb", "--version").startswith("wslusb")


def test_installed_package_needs_no_extra_for_the_service(installed: Path) -> None:
    run(installed / "python", "-c", "import wslusb.host.service, wslusb.guest.agent, wslusb.wire.messages")


def test_the_wheel_has_the_plug_in_for_wireshark(installed: Path) -> None:
    assert "Proto(" in run(installed / "wslusb", "wireshark", "--print")


def test_missing_extra_is_said_in_one_line(installed: Path) -> None:
    code = "import wslusb.guest as g\ntry: g.pyusb_backend('unix:/nowhere')\nexcept Exception as e: print(e.hint)"
    assert "wslusb[pyusb]" in run(installed / "python", "-c", code)
    code = "try: import wslusb.labgrid\nexcept Exception as e: print(e.hint)"
    assert "wslusb[labgrid]" in run(installed / "python", "-c", code)
