"""The disks of a device as a kernel has them: what it read from them when it found them, out of sysfs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wslusb.guest.nodes import wait_usable

__all__ = ["run"]

_SECTOR = 512
_TEXTS = {
    "vendor": "device/vendor", "model": "device/model", "revision": "device/rev", "removable": "removable",
    "read_only": "ro", "cache": "device/scsi_disk/*/cache_type",
}  # fmt: skip
_NUMBERS = {"block_size": "queue/logical_block_size", "physical_block_size": "queue/physical_block_size"}
_BYTES = {"inquiry": "device/inquiry", "serial_page": "device/vpd_pg80", "identity_page": "device/vpd_pg83"}


def run(target: str, busid: str, seconds: float = 15.0) -> list[dict[str, Any]] | None:  # noqa: ARG001
    """One a logical unit, in their order; sizes in bytes. None if the device is not there."""
    nodes = wait_usable(Path("/sys"), busid, seconds)
    if nodes is None:
        return None
    folders = [Path("/sys/block") / Path(node).name for node in nodes if node.startswith("/dev/sd")]
    return [_facts(folder) for folder in sorted(folders, key=_unit)]


def _unit(folder: Path) -> int:
    return int((folder / "device").resolve().name.rpartition(":")[2])


def _facts(folder: Path) -> dict[str, Any]:
    return {
        "node": f"/dev/{folder.name}",
        "size": int(_text(folder, "size")) * _SECTOR,
        **{name: _text(folder, path) for name, path in _TEXTS.items()},
        **{name: int(_text(folder, path)) for name, path in _NUMBERS.items()},
        **{name: _content(folder, path).hex() for name, path in _BYTES.items()},
    }


def _text(folder: Path, path: str) -> str:
    return _content(folder, path).decode(errors="replace").strip()


def _content(folder: Path, pattern: str) -> bytes:
    found = next(folder.glob(pattern), None)
    return found.read_bytes() if found else b""
