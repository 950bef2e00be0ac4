"""Devices as the control socket and ``--json`` show them (docs/cli.md has the schema)."""

from __future__ import annotations

from ..usb.info import DeviceInfo
from ..wire.listing import Listed
from .messages import Json

__all__ = ["device_json", "listed_json"]


def device_json(info: DeviceInfo) -> Json:
    """A device."""
    return {
        "busid": info.busid,
        "hardware_id": info.hardware_id,
        "instance_id": info.instance_id,
        "description": info.description,
        "manufacturer": info.manufacturer,
        "product": info.product_name,
        "serial": info.serial,
        "port_path": info.port_path,
        "speed": info.speed.name.lower(),
        "class": info.device_class,
        "generation": info.generation,
    }


def listed_json(listed: Listed) -> Json:
    """A device with its state."""
    return {**device_json(listed.info), "state": listed.state.name.lower(), "owner": listed.owner}
