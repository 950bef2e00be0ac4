"""Devices that tests pull out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from hil.live.device import LiveDevice
from hil.power.switch import PowerSwitch, kept_on

__all__ = ["switched"]


@contextlib.contextmanager
def switched(dut: LiveDevice) -> Iterator[PowerSwitch]:
    """The device's power, which is on afterwards. Skips where nothing switches it."""
    switch = dut.rig.switch(dut.name)
    if not switch.can_switch:
        pytest.skip(f"nothing switches the power of {dut.name}: 'power' in the rig file, or --guided")
    with kept_on(switch):
        yield switch
    dut.wait(present=True)
