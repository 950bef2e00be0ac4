"""Whether the user is in the groups that may open what is attached: asked wherever there are such groups."""

from __future__ import annotations

import grp
import os
import sys

from .check import Finding, Side, check, passed, skipped, warned
from .surroundings import Surroundings

assert sys.platform != "win32"  # noqa: S101 - tells mypy that the rest is for systems with Unix groups

__all__: list[str] = []

_GROUPS = ("dialout", "plugdev")


@check(80, "Groups", Side.GUEST)
def groups(around: Surroundings) -> Finding:
    """The user may open serial ports and the like when they come: Debian's groups for that are dialout and plugdev."""
    user = os.environ.get("SUDO_USER", "")
    if around.root and not user:
        return skipped("this is root, who may open all devices")
    there = [group for group in grp.getgrall() if group.gr_name in _GROUPS]
    mine = [] if around.root else os.getgroups()
    missing = [group.gr_name for group in there if user not in group.gr_mem and group.gr_gid not in mine]
    if missing:
        fix = f"run 'sudo usermod -aG {','.join(missing)} {user or '$USER'}' and log in again"
        return warned(f"the user is not in {', '.join(missing)}", fix)
    names = ", ".join(group.gr_name for group in there)
    return passed(f"the user is in {names}" if names else "there are no such groups here")
