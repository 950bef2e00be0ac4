"""The folder of a session's results. What an earlier session left there is moved to ``previous/``: nothing mixes."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from pathlib import Path

from hil.errors import RigError
from hil.report.results import Results, ResultsError
from hil.rig import lock

__all__ = ["CAPTURES", "FAILURES", "JUNIT", "PAGE", "PREVIOUS", "RESULTS", "clear", "name_of", "ours"]

RESULTS, JUNIT, PAGE = "results.json", "junit.xml", "report.html"
FAILURES = "failures"
CAPTURES = "captures"
PREVIOUS = "previous"


def ours(folder: Path) -> contextlib.AbstractContextManager[object]:
    """Makes it, and keeps other sessions out.

    RigError if nothing can be written there: better now than in the end. Entered, LockedError if another one is in.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RigError(f"--results: cannot write into {folder}: {error.strerror}") from error
    return lock.hold(str(folder), folder / ".in-use")


def name_of(nodeid: str) -> str:
    """What a file or folder of a test is called."""
    return re.sub(r"[^\w.-]+", "_", nodeid.rpartition("/")[2])


def clear(folder: Path) -> None:
    """Move an earlier run away, in place of what :data:`PREVIOUS` has; one that came to no result is removed.

    Without a results.json of ours nothing is touched: the folder may be somebody's own. OSError if it cannot be done.
    """
    try:
        earlier = Results.read(folder / RESULTS)
    except (OSError, ResultsError):
        return
    previous = folder / PREVIOUS
    if earlier.tests:
        previous.mkdir(exist_ok=True)
    for name in (PAGE, JUNIT, FAILURES, CAPTURES, RESULTS):  # the last one says whose the others are
        if earlier.tests:
            _remove(previous / name)
            with contextlib.suppress(FileNotFoundError):
                (folder / name).rename(previous / name)
        else:
            _remove(folder / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
