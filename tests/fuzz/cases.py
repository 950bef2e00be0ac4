"""Where cases are: findings for ever in ``tests/fuzz/corpus``, the working corpus between runs in ``.fuzz``.

``tests/fuzz/packed`` has what is left of the working corpus when it is made small (:mod:`.packing`).
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["GUIDED", "PACKED", "findings", "folder_of_findings", "keep", "packed", "work_folder"]

_FINDINGS = Path(__file__).with_name("corpus")
PACKED = Path(__file__).with_name("packed")
_ROOT = Path(__file__).resolve().parents[2]
GUIDED = ("codec", "descriptors", "usbip", "pcapfile", "usbmon", "replay", "scenario", "faults", "importers")
"""Targets of tests/fuzz/targets, which take bytes and are run under atheris."""


def folder_of_findings(target: str) -> Path:
    """The regression corpus of a target. It may not exist."""
    return _FINDINGS / target


def findings(target: str) -> list[Path]:
    """Every case that has once been a finding, and samples that stand for it."""
    return sorted(path for path in folder_of_findings(target).glob("*") if path.is_file())


def packed(target: str) -> list[bytes]:
    """Cases that reach all that long runs have reached."""
    path = PACKED / f"{target}.zip"
    if not path.exists():
        return []
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


def work_folder(target: str) -> Path:
    """Cases that reach something new: kept from run to run, and not part of the repository."""
    folder = _ROOT / ".fuzz" / target
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(folder: Path, cases: Iterable[bytes], prefix: str = "") -> list[Path]:
    """Write cases down, each under a name that is made of its contents."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for case in cases:
        path = folder / (prefix + hashlib.sha256(case).hexdigest()[:16])
        if not path.exists():
            path.write_bytes(case)
        paths.append(path)
    return paths
