"""The stick of the bench, for a guest that has nothing but Python."""

from __future__ import annotations

from typing import Any


def test_the_stick_says_who_it_is(target: Any) -> None:
    device = target.get_driver("WslusbPyusbDriver").get_device()
    assert device.serial_number == "60A44C413E4AE2B0"
    device.set_configuration()
    most_unit = device.ctrl_transfer(0xA1, 0xFE, 0, 0, 1)  # Bulk-Only Transport 1.0, 3.2: Get Max LUN
    assert list(most_unit) == [0]
