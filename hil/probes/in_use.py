"""Which USB devices a Linux machine itself lives on: disks of mounted file systems, cards of its connections.

Everything is read from /proc and /sys below ``root``, as the kernel and not as a configuration has it.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["run"]

_BUSID = re.compile(r"\d+-\d+(?:\.\d+)*")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_FAMILIES = {4: "proc/net/route", 6: "proc/net/ipv6_route"}
_UP, _REJECT = 0x1, 0x200  # include/uapi/linux/route.h

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def run(root: str = "/", peer: str | None = None) -> dict[str, dict[str, list[str]]]:
    """``disks`` and ``networks`` by busid: mount points, and what a card carries.

    ``peer`` is the address at the other end of an SSH connection; None: look for the one that this process runs in.
    """
    top = Path(root)
    address = _ssh_peer(top) if peer is None else peer
    return {"disks": _listed(_disks(top)), "networks": _listed(_networks(top, address))}


def _listed(found: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    by_busid: dict[str, list[str]] = defaultdict(list)
    for busid, what in found:
        if what not in by_busid[busid]:
            by_busid[busid].append(what)
    return dict(by_busid)


def _disks(root: Path) -> Iterator[tuple[str, str]]:
    for device, where in (*_mounts(root), *_swaps(root)):
        for real in _below(device, "slaves/*"):
            if busid := _busid(real):
                yield busid, where


def _mounts(root: Path) -> Iterator[tuple[Path, str]]:
    """Block devices in sysfs, and where they are mounted: proc(5), /proc/PID/mountinfo."""
    for line in _lines(root / "proc/self/mountinfo"):
        front, _, back = line.partition(" - ")
        fields, source = front.split(), [*back.split(), "", ""][1]
        if len(fields) < 5:
            continue
        where = _unescaped(fields[4])
        yield root / "sys/dev/block" / fields[2], where
        # btrfs and others have a number of their own, and name one of their devices.
        for device in _named(root, _unescaped(source)):
            yield device, where


def _swaps(root: Path) -> Iterator[tuple[Path, str]]:
    for line in _lines(root / "proc/swaps")[1:]:
        for device in _named(root, _unescaped(line.split()[0])):
            yield device, "swap"


def _named(root: Path, source: str) -> Iterator[Path]:
    """The block device of a path below /dev, and the others of a btrfs that it is a part of."""
    if not source.startswith("/dev/"):
        return
    name = (root / source.lstrip("/")).resolve().name
    yield root / "sys/class/block" / name
    for pool in (root / "sys/fs/btrfs").glob(f"*/devices/{name}"):
        yield from sorted(pool.parent.iterdir())


def _below(path: Path, links: str, depth: int = 8) -> Iterator[Path]:
    """A device and those that it is made of, by the links to them: a volume's disks, a bridge's ports."""
    if depth == 0 or not path.exists():
        return
    real = path.resolve()
    yield real
    lower = sorted(real.glob(links))
    if (real / "partition").exists():
        lower.append(real.parent)  # what a volume is made of is said of the whole of it
    for each in lower:
        yield from _below(each, links, depth - 1)


def _busid(real: Path) -> str:
    """The USB device that a device of sysfs is a part of; empty for none."""
    return next((part for part in reversed(real.parts) if _BUSID.fullmatch(part)), "")


def _networks(root: Path, peer: str) -> Iterator[tuple[str, str]]:
    carried = [(interface, "the default route") for network, interface in _routes(root) if network.prefixlen == 0]
    if interface := _towards(root, peer):
        carried.append((interface, f"the SSH connection from {peer}"))
    for interface, what in carried:
        for real in _below(root / "sys/class/net" / interface, "lower_*"):
            if busid := _busid((real / "device").resolve()):
                yield busid, what


def _towards(root: Path, peer: str) -> str:
    """The interface of the most specific route to an address; empty if there is none."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if "%" in peer:
        return peer.partition("%")[2]
    fitting = [route for route in _routes(root) if route[0].version == address.version and address in route[0]]
    return max(fitting, key=lambda route: route[0].prefixlen, default=(None, ""))[1]


def _routes(root: Path) -> Iterator[tuple[Network, str]]:
    """Destinations and interfaces: net/ipv4/fib_trie.c and net/ipv6/route.c say what the columns are."""
    for fields in (line.split() for line in _lines(root / _FAMILIES[4])[1:]):
        if int(fields[3], 16) & (_UP | _REJECT) == _UP:
            destination, mask = (int.from_bytes(bytes.fromhex(fields[n]), "little") for n in (1, 7))
            yield ipaddress.IPv4Network((destination, mask.bit_count()), strict=False), fields[0]
    for fields in (line.split() for line in _lines(root / _FAMILIES[6])):
        if int(fields[8], 16) & (_UP | _REJECT) == _UP and fields[9] != "lo":
            yield ipaddress.IPv6Network((int(fields[0], 16), int(fields[1], 16)), strict=False), fields[9]


def _ssh_peer(root: Path) -> str:
    """Who is at the other end of the SSH session that this runs in, also below sudo, which hides it; empty for none."""
    said = os.environ.get("SSH_CONNECTION", "")
    pid = os.getpid()
    while not said and pid > 1:
        said = _environment(root / "proc" / str(pid)).get("SSH_CONNECTION", "")
        pid = _parent(root / "proc" / str(pid))
    return said.split()[0] if said.split() else ""


def _environment(process: Path) -> Mapping[str, str]:
    words = _text(process / "environ").split("\0")
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def _parent(process: Path) -> int:
    fields = _text(process / "stat").rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text)


def _lines(path: Path) -> list[str]:
    return _text(path).splitlines()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
