"""Which tests run on which devices: by trait, by what the rig's owner allows, and one reason for each that does not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from hil.harness.options import NO_RIG
from hil.rig import safety
from hil.rig.model import DeviceEntry, Rig, Safety
from hil.rig.traits import ANY

__all__ = ["DUT", "parametrise", "wanted_safety", "wanted_traits"]

DUT = "dut"
"""The fixture that tests ask for a device by."""


def wanted_traits(node: pytest.Item | pytest.Function) -> list[str]:
    """What a test asks of its device: ``@pytest.mark.trait("storage")``."""
    return [name for mark in node.iter_markers("trait") for name in mark.args] or [ANY]


def wanted_safety(node: pytest.Item | pytest.Function) -> Safety:
    """What a test does to its device: ``@pytest.mark.safety("reversible")``, the nearest one; else read-only."""
    mark = node.get_closest_marker("safety")
    if mark is None:
        return Safety.READ_ONLY
    return next(each for each in Safety if each.word == mark.args[0])


def parametrise(metafunc: pytest.Metafunc, rig: Rig | None) -> None:
    """Once for each device that has the traits; else once, to be skipped with the reason.

    A test that looks at the program rather than at a device (``one_device``) runs on the first that its owner allows.
    """
    if DUT not in metafunc.fixturenames:
        return
    traits = wanted_traits(metafunc.definition)
    entries = _fitting(rig, traits)
    if metafunc.definition.get_closest_marker("one_device"):
        wanted = wanted_safety(metafunc.definition)
        entries = [entry for entry in entries if safety.may(entry, wanted, ()) is None][:1] or entries[:1]
    if entries:
        params = [pytest.param(entry, id=entry.name) for entry in entries]
    else:
        reason = NO_RIG if rig is None else f"no device of rig {rig.name} has the trait {' and '.join(traits)}"
        params = [pytest.param(None, id="none", marks=pytest.mark.no_device(reason))]
    metafunc.parametrize(DUT, params, indirect=True, scope="function")


def _fitting(rig: Rig | None, traits: Iterable[str]) -> list[DeviceEntry]:
    return [entry for entry in rig.devices if entry.traits.issuperset(traits)] if rig is not None else []
