"""The devices that can be asked for, as text: ``loopback,storage:size=64M,serial=SN77,./mine.py:colour=red``."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from pathlib import Path

from wslusb.errors import LocalError

from . import devices
from .model import Kind, Model
from .options import LIST_HINT, Options, bad

__all__ = ["kind_named", "kinds", "parse_models"]


@functools.cache
def kinds() -> dict[str, Kind]:
    """All kinds of the catalogue by name, sorted."""
    found = []
    for module in pkgutil.iter_modules(devices.__path__, f"{devices.__name__}."):
        kind = getattr(importlib.import_module(module.name), "KIND", None)
        if kind is not None:
            found.append(kind)
    return {kind.name: kind for kind in sorted(found, key=lambda each: each.name)}


def kind_named(name: str) -> Kind:
    """The kind with that name, or the one that a file describes. LocalError if there is none."""
    if name.endswith(".py"):
        return _from_python(Path(name))
    if name.endswith(".toml"):
        from .scenario import kind as kind_of_scenario  # seldom wanted

        return kind_of_scenario(Path(name))
    if "/" in name:
        from .importers import kind as kind_of_source  # likewise

        return kind_of_source(name)
    kind = _from_module(name) or kinds().get(name)
    if kind is None:
        raise bad(f"no virtual device is called {name!r}; there are {', '.join(kinds())}")
    return kind


def _from_module(name: str) -> Kind | None:
    """The kind of a module that is called as it is, as most are: the other modules need not be loaded."""
    module = f"{devices.__name__}.{name.replace('-', '_')}"
    if not name.replace("-", "_").isidentifier() or importlib.util.find_spec(module) is None:
        return None
    kind = getattr(importlib.import_module(module), "KIND", None)
    return kind if isinstance(kind, Kind) and kind.name == name else None


def _from_python(path: Path) -> Kind:
    if not path.is_file():
        raise bad(f"there is no device file {path}")
    spec = importlib.util.spec_from_file_location(f"emulator_user_{path.stem}", path)
    assert spec is not None  # noqa: S101 - a name that ends in .py has a loader
    assert spec.loader is not None  # noqa: S101 - likewise
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise bad(f"{path}: {type(error).__name__}: {error}", hint="") from error
    kind = getattr(module, "KIND", None)
    if not isinstance(kind, Kind):
        raise bad(f"{path} has no KIND = emulator.model.Kind(...)", hint="")
    return kind


def parse_models(text: str) -> list[Model]:
    """Devices, separated by commas; each ``name`` or ``name:option=value,option=value``. LocalError if not understood.

    A name is one of the catalogue, a device file (``.py``, ``.toml``), or with a slash in it anything that can be
    imported (``./capture.pcapng:device=1.4``). Two devices of a kind get different serials.
    """
    return [model(name, Options(values, number)) for number, (name, values) in enumerate(_split(text), 1)]


def model(name: str, options: Options) -> Model:
    """One device of a kind. LocalError for an option that the kind does not have."""
    kind = kind_named(name)
    its_options = f"'python -m emulator show {name}' shows its options"
    try:
        made: object = kind.make(options)
    except LocalError as error:
        raise bad(str(error), its_options) if error.hint == LIST_HINT else error from error.__cause__
    if not isinstance(made, Model):
        raise bad(f"{name}: its make returned {type(made).__name__}, not an emulator.model.Model", hint="")
    if options.left:
        raise bad(f"{name} has no option {', '.join(options.left)}", its_options)
    return made


def _split(text: str) -> list[tuple[str, dict[str, str]]]:
    """A piece with ``=`` before any colon is one more option of the device before it; any other is a new device."""
    found: list[tuple[str, dict[str, str]]] = []
    for piece in text.split(","):
        head, colon, rest = piece.partition(":")
        if "=" not in head:
            found.append((head.strip(), {}))
            if not colon:
                continue
            piece = rest
        key, equals, value = piece.partition("=")
        if not found or not key or not equals or key in found[-1][1]:
            raise bad(f"{piece!r} is not an option of a device")
        found[-1][1][key] = value
    return found
