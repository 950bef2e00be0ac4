"""Whether the user who attached a device may open it: the question after "it is attached but does not work"."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import sys
from pathlib import Path

from . import output

assert sys.platform != "win32"  # noqa: S101 - tells mypy that the rest is for systems with Unix users

__all__ = ["warn_about"]

_DEV = "/dev"


def warn_about(node: str) -> None:
    """Warn if the user (behind sudo, if that is used) may not open ``node``, with the step that helps."""
    if not node.startswith(f"{_DEV}/"):
        return
    user, uid, groups = _who()
    try:
        status = Path(node).stat()
    except OSError:
        return
    if uid == 0 or _may(status, uid, groups) or (uid == os.getuid() and os.access(node, os.R_OK | os.W_OK)):
        return
    output.warning(f"user {user} may not open {node}", _remedy(status, user))


def _who() -> tuple[str, int, list[int]]:
    """Name, uid and groups of the person at the keyboard."""
    uid = int(os.environ.get("SUDO_UID", "0")) if os.getuid() == 0 else os.getuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return str(uid), uid, os.getgroups()
    groups = os.getgroups() if uid == os.getuid() else os.getgrouplist(entry.pw_name, entry.pw_gid)
    return entry.pw_name, uid, groups


def _may(status: os.stat_result, uid: int, groups: list[int]) -> bool:
    if status.st_uid == uid:
        needed = stat.S_IRUSR | stat.S_IWUSR
    elif status.st_gid in groups:
        needed = stat.S_IRGRP | stat.S_IWGRP
    else:
        needed = stat.S_IROTH | stat.S_IWOTH
    return status.st_mode & needed == needed


def _remedy(status: os.stat_result, user: str) -> str:
    both = stat.S_IRGRP | stat.S_IWGRP
    if status.st_gid != 0 and status.st_mode & both == both:
        try:
            return f"run 'sudo usermod -aG {grp.getgrgid(status.st_gid).gr_name} {user}' and log in again"
        except KeyError:
            pass
    return 'use sudo, or add a udev rule with TAG+="uaccess" for it (docs/cli.md)'
