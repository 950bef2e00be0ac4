"""One address syntax for every transport.

========================  ==========================================================================================
``vsock:CID[:PORT]``      connect to a virtual machine (or, from inside one, to its host: CID 2)
``vsock:[:PORT]``         listen for every peer
``unix:/path``            a Unix socket
``hybrid:/path[:PORT]``   the Unix-socket dialect of Firecracker and Cloud Hypervisor: connect to ``/path`` and ask with
                          ``CONNECT port``; listen on ``/path_PORT``, where the monitor delivers what the guest connects
========================  ==========================================================================================

Hyper-V sockets will be ``hyperv:VM-ID``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import LocalError, LocalReason
from ..wire.frame import PORT

__all__ = ["Address", "HybridAddress", "UnixAddress", "VsockAddress", "parse"]

CID_ANY = 0xFFFFFFFF
CID_HOST = 2
_HINT = "addresses look like vsock:2, vsock: (listen), unix:/run/wslusb.sock or hybrid:/tmp/fc.sock"


@dataclass(slots=True, frozen=True)
class VsockAddress:
    """AF_VSOCK. ``cid`` is None to listen for every peer (vsock(7))."""

    cid: int | None
    port: int = PORT

    def __str__(self) -> str:
        cid = "" if self.cid is None else str(self.cid)
        return f"vsock:{cid}" if self.port == PORT else f"vsock:{cid}:{self.port}"


@dataclass(slots=True, frozen=True)
class UnixAddress:
    """A Unix socket by its path."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(slots=True, frozen=True)
class HybridAddress:
    """The Unix socket of a virtual machine monitor (Firecracker, docs/vsock.md; Cloud Hypervisor, docs/vsock.md)."""

    path: str
    port: int = PORT

    def __str__(self) -> str:
        plain = self.port == PORT and not _NUMBER.fullmatch(self.path.rpartition(":")[2])
        return f"hybrid:{self.path}" if plain else f"hybrid:{self.path}:{self.port}"


Address = VsockAddress | UnixAddress | HybridAddress


_NUMBER = re.compile(r"[0-9]+|0x[0-9a-fA-F]+")


def _number(text: str, whole: str, what: str) -> int:
    # Not int(text, 0): it raises for a leading zero. Not any number of digits: int() raises for thousands.
    number = int(text, 16 if text[1:2] == "x" else 10) if _NUMBER.fullmatch(text) and len(text) <= 10 else -1
    if not 0 <= number <= 0xFFFFFFFE:
        raise LocalError(
            LocalReason.BAD_ADDRESS, f"{what} {text!r} in {whole!r} is not a number up to 2^32-2", hint=_HINT
        )
    return number


def parse(text: str) -> Address:
    """Read an address. LocalError(BAD_ADDRESS) with what is wrong with it."""
    scheme, colon, rest = text.partition(":")
    if scheme == "vsock" and colon:
        cid, _, port = rest.partition(":")
        return VsockAddress(
            _number(cid, text, "the CID") if cid else None, _number(port, text, "the port") if port else PORT
        )
    if scheme == "unix" and rest:
        return UnixAddress(rest)
    if scheme == "hybrid" and rest:
        path, _, port = rest.rpartition(":")
        if path and _NUMBER.fullmatch(port):
            return HybridAddress(path, _number(port, text, "the port"))
        return HybridAddress(rest)
    raise LocalError(LocalReason.BAD_ADDRESS, f"{text!r} is not an address", hint=_HINT)
