"""Small JSON files that several processes read and write: whole or not at all, and damaged ones do not stop anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hil.files import replace_text

__all__ = ["load", "save"]

_BYTE_LIMIT = 4 << 20


def load(path: Path, schema: str) -> dict[str, Any] | None:
    """The object in a file; None if there is no file. ValueError if it is damaged, or of another schema."""
    try:
        with path.open("rb") as file:
            data = file.read(_BYTE_LIMIT + 1)
    except FileNotFoundError:
        return None
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise ValueError(f"it is not {schema}")
    return document


def save(path: Path, schema: str, body: dict[str, Any]) -> None:
    """Write an object: a crash leaves the old file or the new one."""
    replace_text(path, json.dumps({"schema": schema, **body}, indent=2))
