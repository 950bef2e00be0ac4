"""Where the rig file is, if nobody says so."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["VARIABLE", "default_path"]

VARIABLE = "WSLUSB_RIG"


def default_path() -> Path | None:
    """What $WSLUSB_RIG says, rig.toml in this folder, or that of the user; None if there is none of these."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    places = (Path("rig.toml"), platformdirs.user_config_path("wslusb") / "rig.toml")
    return next((path for path in places if path.is_file()), None)
