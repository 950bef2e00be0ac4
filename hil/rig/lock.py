"""One user for a device at a time. The lock is the kernel's (flock): it ends with its process, whatever ends that.

Beside each lock stands a note of who has it. A note without a lock is what a process left behind that was killed: it is
reported, and does not stop anybody. A lock whose process cannot be seen is somebody's all the same (a process that has
inherited it, or one of another PID namespace): it stands, and the message says how to find out.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from hil.errors import LockedError, RigError
from wslusb.system import paths

from . import files
from .holder import Holder

__all__ = ["hold", "path_of"]

SCHEMA = "hil.lock/1"
_READABLE = 60

_log = logging.getLogger(__name__)


def path_of(key: str, where: Path | None = None) -> Path:
    """The file of a lock, in the folder ``where``; by default there is one for all rigs of this user."""
    return (where or paths.state_dir() / "locks") / f"{_file_name(key)}.lock"


@contextlib.contextmanager
def hold(key: str, where: Path | None = None) -> Iterator[Holder | None]:
    """Hold the lock of a device (:func:`hil.rig.matching.key`), in the folder ``where``: one for all rigs of this user.

    Never waits: LockedError says who has it. What comes out is who left the lock behind, if it was stale.
    """
    path = path_of(key, where)
    note = path.with_suffix(".json")
    with _locked(path, note, key):
        left = _read(note)
        if left is not None:
            _log.warning("%s: a lock was left behind by %s: %s", key, left, left.dead or "it let go without a word")
        try:
            with _told(key, note):
                files.save(note, SCHEMA, {"key": key, "holder": Holder.here().as_json()})
            yield left
        finally:
            with contextlib.suppress(OSError):  # a note without a lock is taken for one that was left behind
                note.unlink()


@contextlib.contextmanager
def _locked(path: Path, note: Path, key: str) -> Iterator[None]:
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        with _told(key, path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
    except Timeout as error:
        raise _refused(key, path, _read(note)) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _told(key: str, path: Path) -> Iterator[None]:
    """RigError for a file that cannot be written."""
    try:
        yield
    except Timeout:  # an OSError, too
        raise
    except OSError as error:
        hint = "set WSLUSB_STATE_DIR to a folder that you may write to"
        raise RigError(f"{key}: cannot lock {path}: {error.strerror or error}", hint=hint) from error


def _refused(key: str, path: Path, holder: Holder | None) -> LockedError:
    if holder is not None and not holder.dead:
        return LockedError(f"{key} is in use by {holder}", hint="wait for it, or end it")
    hint = f"find it with: fuser -v {path}"
    if holder is None:
        return LockedError(f"{key} is in use, by a process that has not said who it is", hint=hint)
    return LockedError(f"{key} was in use by {holder}: {holder.dead}, but somebody still has the lock", hint=hint)


def _read(note: Path) -> Holder | None:
    """Who has written a note; None if nobody has, or it cannot be read."""
    try:
        document = files.load(note, SCHEMA)
        return None if document is None else Holder.from_json(document.get("holder"))
    except (OSError, ValueError):
        return None


def _file_name(key: str) -> str:
    """A name for a key, which has the serial number of some device in it: any text."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", key)[:_READABLE]
    return f"{readable}-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
