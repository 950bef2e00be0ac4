"""A device with several functions, each a kind of the catalogue: ``functions=serial+storage,storage.size=4M``."""

from __future__ import annotations

from collections.abc import Mapping

from wslusb.errors import LocalError

from .. import catalogue
from ..composite import composite
from ..model import Kind, Model
from ..options import Options, bad

__all__ = ["KIND"]


def _make(options: Options) -> Model:
    serial, speed, identity = options.serial(f"COMPOSITE{options.number:04d}"), options.speed(), _identity(options)
    names = options.text("functions", "serial+storage").split("+")
    given = {name: _taken(options, name) for name in dict.fromkeys(names)}
    models = [_function(name, Options(given[name], number)) for number, name in enumerate(names, options.number)]
    try:
        return composite(models, serial, speed, identity) if identity else composite(models, serial, speed)
    except LocalError as error:
        raise bad(f"functions={'+'.join(names)}: {error}") from error


def _function(name: str, options: Options) -> Model:
    if name == KIND.name:
        raise bad("a composite device cannot be a function of another one")
    return catalogue.model(name, options)


def _taken(options: Options, name: str) -> Mapping[str, str]:
    """The options of a function: ``storage.size`` is ``size`` to it."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): options.text(key) for key in options.left if key.startswith(prefix)}


def _identity(options: Options) -> tuple[int, int] | None:
    text = options.text("id")
    if not text:
        return None
    vendor, _, product = text.partition(":")
    try:
        return int(vendor, 16), int(product, 16)
    except ValueError:
        raise bad(f"id is VID:PID in hexadecimal, not {text!r}") from None


KIND = Kind(
    name="composite",
    summary="several devices in one",
    make=_make,
    options={
        "functions": "kinds of this catalogue, joined by + (default serial+storage)",
        "serial": "serial number",
        "speed": "full, high (default) or super",
        "id": "VID:PID in hexadecimal",
        "KIND.OPTION": "an option of a function, as in storage.size=4M",
    },
    driver="those of its functions",
)
