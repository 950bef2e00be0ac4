"""A capture as a device, and as a host: ``wslusb serve --device replay:bug.pcapng,mode=keyed`` (docs/replay.md)."""

from __future__ import annotations

from .provider import ReplayProvider, device_provider

__all__ = ["ReplayProvider", "device_provider"]
