"""DEVICE arguments."""

from __future__ import annotations

from pathlib import Path

import click

from ..catalogue import kind_named, kinds, parse_models
from ..model import Kind, Model
from ..options import bad

__all__ = ["device_argument", "kind_of", "one_model", "with_path"]

device_argument = click.argument("device", metavar="DEVICE")


def with_path(device: str) -> str:
    """DEVICE as the catalogue takes it: a file of the current directory gets the ``./`` that says it is one."""
    name, colon, options = device.partition(":")
    if not name or "/" in name or name.endswith((".py", ".toml")) or name in kinds() or not Path(name).exists():
        return device
    return f"./{name}{colon}{options}"


def one_model(device: str) -> Model:
    """The one device that was named. LocalError for none or several."""
    models = parse_models(with_path(device))
    if len(models) != 1:
        raise bad(f"{device!r} names {len(models)} devices: one, please")
    return models[0]


def kind_of(device: str) -> Kind:
    """The kind that a DEVICE is of."""
    return kind_named(with_path(device).partition(":")[0])
