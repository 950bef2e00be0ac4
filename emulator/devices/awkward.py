"""A device that breaks a rule in one of the ways in which real ones do: ``awkward:how=no-strings``.

``awkward_parts/variants.py`` is the list; without ``how`` it breaks none.
"""

from __future__ import annotations

from ..model import Kind, Model
from ..options import Options
from .awkward_parts.base import awkward_gadget
from .awkward_parts.variants import VARIANTS

__all__ = ["KIND", "awkward_model"]


def awkward_model(how: str, serial: str = "AWKWARD0001") -> Model:
    """The device that is awkward in that way, a key of ``VARIANTS``."""
    variant = VARIANTS[how]
    return Model(variant.change(awkward_gadget(serial)), variant.firmware(serial))


def _make(options: Options) -> Model:
    how = options.choice("how", tuple(VARIANTS), "none")
    return awkward_model(how, options.serial(f"AWKWARD{options.number:04d}"))


KIND = Kind(
    name="awkward",
    summary="breaks a rule of your choice",
    make=_make,
    options={"how": ", ".join(VARIANTS), "serial": "serial number"},
    driver="usbhid",
)
