"""A guest that asks its host what it has, and goes, again and again."""

from __future__ import annotations

import contextlib

from wslusb.errors import LocalError
from wslusb.guest.client import HostClient
from wslusb.transport import address as addresses

__all__ = ["run"]


def run(address: str, count: int) -> int:
    """How many of ``count`` connections, one after the other, were answered before one was not."""
    for number in range(count):
        try:
            with contextlib.closing(HostClient(addresses.parse(address))) as client:
                client.devices()
        except LocalError:
            return number
    return count
