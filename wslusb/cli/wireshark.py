"""``wslusb wireshark``: the protocol's dissector, put where Wireshark and tshark look for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import click

from . import output

__all__ = ["command", "dissector", "plugin_folder"]

_NAME = "wslusb.lua"
_SECONDS = 30
_FOLDER = re.compile(r"^Personal (?:Lua )?Plugins:\s*(.+?)\s*$", re.MULTILINE)


@click.command(
    "wireshark",
    short_help="Teach Wireshark the protocol.",
    help="Install the dissector of wslusb's protocol for Wireshark and tshark, for this user. Captures open without: "
    "with it they show what guest and host said.",
)
@click.option("--install", "action", flag_value="install", help="Put it into the personal plugin folder.")
@click.option("--uninstall", "action", flag_value="uninstall", help="Take it out again.")
@click.option("--print", "action", flag_value="print", help="Show it.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Use this plugin folder, not the one that tshark names.",
)
def command(*, action: str | None, folder: Path | None) -> None:
    """Do one of the three; UsageError if none is asked for."""
    if action is None:
        raise click.UsageError("Say --install, --uninstall or --print.")
    if action == "print":
        output.result(dissector().rstrip("\n"))
        return
    path = (folder or plugin_folder()) / _NAME
    if action == "install":
        _install(path)
    else:
        _uninstall(path)


def dissector() -> str:
    """The plug-in's text. It is read without importing its package, which needs Scapy."""
    return (resources.files("wslusb") / "dissect" / _NAME).read_text(encoding="utf-8")


def _install(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dissector(), encoding="utf-8")
    output.info(f"installed as {path}")
    output.hint("restart Wireshark, or press Ctrl+Shift+L in it")


def _uninstall(path: Path) -> None:
    if path.exists():
        path.unlink()
        output.info(f"{path} is removed")
    else:
        output.info(f"there is no {path}")


def plugin_folder() -> Path:
    """Where Wireshark of this user looks for Lua plug-ins: what tshark says, or else where it usually is."""
    if (tshark := shutil.which("tshark")) is not None and (named := _named(tshark)) is not None:
        return named
    return _usual()


def _named(tshark: str) -> Path | None:
    try:
        told = subprocess.run([tshark, "-G", "folders"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    # The folder for Lua is named after the one for binary plug-ins, and is a level above it.
    found = _FOLDER.findall(told.stdout)
    return Path(found[-1]) if found else None


def _usual() -> Path:
    """Wireshark's user's guide, appendix B.4, "Plugin folders"."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming"), "Wireshark", "plugins")
    else:
        folder = Path.home() / ".local" / "lib" / "wireshark" / "plugins"
    return folder
