"""The samples of tests/samples, and captures that are made of them in the formats of other tools."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterable
from pathlib import Path

from wslusb.capture import pcapfile

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
GADGETS = ("acm", "composite", "keyboard", "midi", "network", "zero")
ADDRESSES = {"acm": "1.2", "keyboard": "1.3", "zero": "1.4", "composite": "1.5", "midi": "1.6", "network": "1.7"}
"""Bus and address of each in the capture: they were plugged in one after the other."""
CAPTURE = SAMPLES / "usbmon.pcap"


def descriptors(gadget: str) -> bytes:
    """What the recording kernel had in sysfs: the truth about a gadget."""
    return (SAMPLES / gadget / "sysfs/descriptors").read_bytes()


def sysfs(gadget: str, folder: Path) -> Path:
    """The gadget's directory as sysfs has it: interfaces are called ``1-1:1.0``."""
    source, target = SAMPLES / gadget / "sysfs", folder / "1-1"
    for path in (each for each in source.rglob("*") if each.is_file()):
        folders, name = path.parent.relative_to(source).as_posix(), path.name
        copy = target / folders.replace("_", ":") / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return target


def packets() -> list[pcapfile.Packet]:
    """The recorded capture's packets (link type 220)."""
    with CAPTURE.open("rb") as file:
        return list(pcapfile.packets(file))


def write_pcap(path: Path, link_type: int, data: Iterable[bytes], order: str = "<") -> Path:
    """A pcap file of these packets."""
    out = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 16, link_type)
    for each in data:
        out += struct.pack(order + "IIII", 0, 0, len(each), len(each)) + each
    path.write_bytes(out)
    return path


def _block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def write_pcapng(path: Path, link_type: int, data: Iterable[bytes], order: str = "<") -> Path:
    """The same as pcapng: a second interface of another kind, and a block that nobody knows, are among them."""
    out = _block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += _block(order, 1, struct.pack(order + "HHI", 1, 0, 0)) + _block(
        order, 1, struct.pack(order + "HHI", link_type, 0, 0)
    )
    out += _block(order, 0x0BAD, b"whatever")
    for each in data:
        out += _block(order, 6, struct.pack(order + "IIIII", 1, 0, 0, len(each), len(each)) + each)
    path.write_bytes(out)
    return path
