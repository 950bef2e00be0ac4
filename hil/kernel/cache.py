"""A cache of things that take minutes to make: one directory an entry, named by the hash of what it is made from.

An entry appears whole or not at all: it is made beside its place and renamed. A lock a kind keeps two processes
from making the same thing; the kernel drops it when its holder dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

ENVIRONMENT = "WSLUSB_CACHE"


def cache_root() -> Path:
    """Where the cache lies: outside of any checkout."""
    configured = os.environ.get(ENVIRONMENT)
    return Path(configured) if configured else platformdirs.user_cache_path("wslusb")


def content_key(*inputs: str | bytes) -> str:
    """A short name for these inputs; their borders count."""
    digest = hashlib.sha256()
    for value in inputs:
        data = value.encode() if isinstance(value, str) else value
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:20]


def cached(kind: str, key: str, make: Callable[[Path], None], root: Path | None = None) -> Path:
    """The entry `kind-key`; if it is not there, `make` fills an empty directory that becomes it."""
    root = root or cache_root()
    entry = root / f"{kind}-{key}"
    if entry.is_dir():
        return entry
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / f"{kind}.lock"):
        if not entry.is_dir():
            _publish(entry, make)
    return entry


def _publish(entry: Path, make: Callable[[Path], None]) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", dir=entry.parent))
    try:
        make(draft)
        draft.chmod(0o755)
        draft.rename(entry)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
