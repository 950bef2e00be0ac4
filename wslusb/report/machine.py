"""What a machine says of itself: versions, the kernel's messages about USB, the journal of the services, sysfs.

Each answer is a text, or the reason why there is none as :class:`Unavailable`.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .. import __version__

__all__ = ["Unavailable", "device_in_sysfs", "journal", "kernel_messages", "versions"]

_SECONDS = 20.0
_MOST_LINES = 4000
_MOST_ATTRIBUTE = 4096
_PACKAGES = ("click", "libusb1", "platformdirs", "rich", "pyusb")
_UNITS = ("wslusb.service", "wslusb-agent.service")
"""docs/systemd.md."""
_ABOUT_USB = re.compile(
    r"usb|[xeou]hci|vhci|dummy_hcd|\budc\b|gadget|vsock|hv_sock|hvsock|vhost|\bhid|\buas\b|cdc_|ttyACM|uvc|\bwslusb",
    re.IGNORECASE,
)
_NEVER = re.compile(r"command line|^(?:\[[ \d.]+\]|\S+)\s{4,}|\bSRC=|\baudit", re.IGNORECASE)
"""The kernel's command line, what it gave init (indented), and a firewall's log may have USB in them, and much else."""
Run = Callable[[Sequence[str]], str]


class Unavailable(Exception):  # noqa: N818 -- it is an answer
    """Why there is no answer, and what would help."""


def run(command: Sequence[str]) -> str:
    """What a program writes. Unavailable with what it complains of."""
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_SECONDS, check=False, encoding="utf-8", errors="replace"
        )
    except FileNotFoundError as error:
        raise Unavailable(f"there is no {command[0]} here") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from error
    if done.returncode:
        said = " ".join(done.stderr.split())[:200] or f"exit code {done.returncode}"
        raise Unavailable(said if said.startswith(command[0]) else f"{command[0]}: {said}")
    return done.stdout


def versions(libusb: Callable[[], str]) -> str:
    """Programs, libraries and systems, a line each. ``libusb`` asks the library; OSError where it does not load."""
    return "".join(f"{name}: {value}\n" for name, value in _versions(libusb))


def _versions(libusb: Callable[[], str]) -> Iterator[tuple[str, str]]:
    yield "wslusb", __version__
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()}, {sys.platform})"
    try:
        yield "libusb", libusb()
    except (OSError, ImportError, AttributeError) as error:
        yield "libusb", f"not loaded: {error}"
    for package in _PACKAGES:
        try:
            yield package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            yield package, "not installed"
    yield "system", f"{platform.system()} {platform.release()} ({platform.machine()})"
    yield "kernel", platform.version()
    try:
        release = platform.freedesktop_os_release()
        yield "distribution", release.get("PRETTY_NAME") or release["NAME"]
    except (OSError, AttributeError):
        yield "distribution", "not told"


def kernel_messages(run: Run = run) -> str:
    """The lines about USB, virtual host controllers and vsock, with wall-clock times where the tools know them."""
    problems = []
    for command in (
        ["dmesg", "--time-format", "iso"], ["dmesg"],
        ["journalctl", "-k", "-b", "--no-pager", "--no-hostname", "-o", "short-iso-precise"],
    ):  # fmt: skip
        try:
            return _about_usb(_with_entries(run(command), command[0]))
        except Unavailable as error:
            problems.append(str(error))
    raise Unavailable(f"{problems[1]}; {problems[2]}. With 'sudo wslusb report' they are in it")


def _about_usb(text: str) -> str:
    lines = [line for line in text.splitlines() if _ABOUT_USB.search(line) and not _NEVER.search(line)]
    return "".join(f"{line}\n" for line in lines[-_MOST_LINES:]) or "(no message is about USB)\n"


def journal(run: Run = run) -> str:
    """What service and agent have logged where systemd runs them."""
    command = ["journalctl", "--no-pager", "--no-hostname", "-o", "short-iso-precise", "-n", str(_MOST_LINES)]
    try:
        return _with_entries(run([*command, *(word for unit in _UNITS for word in ("-u", unit))]), "journalctl")
    except Unavailable as error:
        raise Unavailable(f"{error}; 'wslusb report --log FILE' puts a log of yours in") from error


def _with_entries(text: str, source: str) -> str:
    """Nothing, or only remarks (``-- No entries --``), is what journalctl says where it may not look."""
    if all(line.startswith("-- ") or not line.strip() for line in text.splitlines()):
        raise Unavailable(f"{source} has no entries, or none for this user")
    return text


def device_in_sysfs(busid: str, sysfs: Path = Path("/sys")) -> str:
    """The small attributes of a device and its interfaces, and their drivers. Unavailable where it is not there."""
    folder = sysfs / "bus/usb/devices" / busid
    if not re.fullmatch(r"[\d.-]+", busid) or not folder.is_dir():
        raise Unavailable("the device is not in this machine's sysfs")
    folders = [folder, folder / "power", *sorted(folder.glob(f"{busid}:*"))]
    blocks = ["".join(f"{line}\n" for line in (f"# {each.name}", *_attributes(each))) for each in folders]
    return "\n".join(blocks)


def _attributes(folder: Path) -> Iterator[str]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for path in entries:
        if path.name == "driver":
            yield f"driver: {path.resolve().name}"
        text = _attribute(path)
        if text:
            yield f"{path.name}: {text}"


def _attribute(path: Path) -> str:
    """One line; nothing for what is no short text, or may not be read."""
    try:
        if not path.is_file() or path.is_symlink():
            return ""
        with path.open("rb") as file:
            text = file.read(_MOST_ATTRIBUTE).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return "; ".join(text.splitlines()) if "\0" not in text else ""
