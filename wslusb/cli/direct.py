"""The host without a running service: what is plugged in, and which of it is shared."""

from __future__ import annotations

import os
from pathlib import Path

from ..control.messages import Json
from ..control.views import device_json, listed_json
from ..host.bindings import Bindings
from ..system import current, paths
from ..usb.info import DeviceInfo
from ..wire.listing import DeviceState, Listed

__all__ = ["BINDINGS", "bindings", "devices", "list_devices"]

BINDINGS = "bindings.json"
_ROOTS_STATE = Path("/var/lib/wslusb")


def bindings(directory: Path | None = None, *, roots: bool = False) -> Bindings:
    """The file of this user's service; with ``roots``, that of root's."""
    if roots and "WSLUSB_STATE_DIR" not in os.environ:
        directory = _ROOTS_STATE
    return Bindings((directory or paths.state_dir()) / BINDINGS)


def devices() -> list[DeviceInfo]:
    """What is plugged in, hubs left out."""
    return [device.info for device in current().devices()]


def list_devices(bound: Bindings) -> Json:
    """What a service would answer to ``list``: nothing is attached, since nobody serves."""
    plugged = devices()
    shared = bound.all()
    listed = [
        Listed(
            info,
            DeviceState.SHARED
            if any(identity.matches(info.identity) for identity in shared)
            else DeviceState.NOT_SHARED,
        )
        for info in plugged
    ]
    return {
        "devices": [listed_json(each) for each in listed],
        "unplugged": [device_json(info) for info in bound.absent(plugged)],
    }
