"""The bulk loop of a device with the trait ``bulk-loopback``."""

from __future__ import annotations

from typing import Any

from hil.live.device import LiveDevice

__all__ = ["loop_words"]


def loop_words(device: LiveDevice) -> dict[str, Any]:
    """What the probes that use the loop are told to find it by (:func:`hil.clients.bulk_pipes.loop`)."""
    return {"also_source_sink": device.has("source-sink")}
