"""Which tests run on which devices: by trait, by what the rig's owner allows, and one reason for each that does not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from hil.errors import RigFileError
from hil.rig import safety
from hil.rig.checks import nearest
from hil.rig.model import DeviceEntry, Rig, Safety
from hil.rig.traits import ANY

__all__ = ["DUT", "LEFT_OUT", "NO_RIG", "check_left_out", "parametrise", "wanted_safety", "wanted_traits"]

DUT = "dut"
"""The fixture that tests ask for a device by."""
LEFT_OUT = "left out by the rig file: "
"""What the reason begins with when its owner knows that a device fails a test."""
NO_RIG = (
    "no rig file, so no hardware: 'python -m hil suggest -o rig.toml' writes one for what is plugged in; "
    "--backend qemu and --backend emulated need none"
)
SUITE = Path(__file__).parents[1] / "suite"
_TEST = re.compile(r"^def (test_\w+)", re.MULTILINE)


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
        params = [pytest.param(entry, id=entry.name, marks=_left_out(entry, metafunc)) for entry in entries]
    else:
        reason = NO_RIG if rig is None else f"no device of rig {rig.name} has the trait {' and '.join(traits)}"
        params = [pytest.param(None, id="none", marks=pytest.mark.no_device(reason))]
    metafunc.parametrize(DUT, params, indirect=True, scope="function")


def _left_out(entry: DeviceEntry, metafunc: pytest.Metafunc) -> list[pytest.MarkDecorator]:
    reason = entry.leave_out.get(metafunc.definition.originalname)
    return [pytest.mark.skip(reason=f"{LEFT_OUT}{reason}")] if reason is not None else []


def check_left_out(rig: Rig) -> None:
    """RigFileError for a test that the suite does not have: what is spelt wrong would be run."""
    names = [name for file in sorted(SUITE.glob("test_*.py")) for name in _TEST.findall(file.read_text("utf-8"))]
    problems = [
        f"{rig.path}:{entry.line}: device.{entry.name}.leave_out: there is no test {name!r}{nearest(name, names)}"
        for entry in rig.devices
        for name in entry.leave_out
        if name not in names
    ]
    if problems:
        raise RigFileError(problems)


def _fitting(rig: Rig | None, traits: Iterable[str]) -> list[DeviceEntry]:
    return [entry for entry in rig.devices if entry.traits.issuperset(traits)] if rig is not None else []
