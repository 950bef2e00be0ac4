"""What a machine has of wslusb. It is sent there as a text, because nothing may be there; any Python 3.7 can run it.

Its answer is a line of JSON; ``problem`` is the first thing that is missing.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["OLDEST", "look"]

OLDEST = (3, 11)


def look() -> dict[str, Any]:
    """Facts of this machine: ``python``, ``version``, and a digest of the programs of ``wslusb`` and ``hil``."""
    facts: dict[str, Any] = {"python": ".".join(map(str, sys.version_info[:3]))}
    if tuple(sys.version_info) < OLDEST:
        return dict(facts, problem="old")
    for package in ("wslusb", "hil"):
        try:
            module = importlib.import_module(package)
        except ImportError as error:
            return dict(facts, problem=package, error=str(error))
        facts[package] = _digest(Path(module.__file__ or "").parent)
        facts.setdefault("version", getattr(module, "__version__", ""))
    return facts


def _digest(folder: Path) -> str:
    """A number that is the same for the same programs."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0")
        found.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return found.hexdigest()


if __name__ == "__main__":
    print(json.dumps(look()))  # noqa: T201 - its output is its answer
