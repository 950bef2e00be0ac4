"""Whoever can press keys of a keyboard under test: QEMU's monitor, the far side of a gadget, or a person."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hil.errors import WantingError
from hil.guided import Step, Terminal
from hil.live.device import LiveDevice
from hil.live.side import Running
from hil.places.place import Place
from hil.vm.qemu import QemuMachine

__all__ = ["DIGITS", "Fingers", "fingers_for"]

DIGITS = "123456789"
"""Keys that are at the same place on every layout; Linux calls them KEY_1 (2) to KEY_9 (10)."""
_USAGE_1 = 0x1E  # HID Usage Tables, 10: Keyboard 1 and !
_HOLD_SECONDS = 0.03
_PERSON_SECONDS = 60.0


@dataclass(slots=True, frozen=True)
class Fingers:
    """``press`` presses each of :data:`DIGITS` and lets it go. ``exact``: nothing else between, and each time alike."""

    press: Callable[[Running], None]
    exact: bool


def fingers_for(device: LiveDevice, *, guided: bool) -> Fingers:
    """Skips where there is nobody."""
    host = device.rig.host
    if isinstance(host, QemuMachine):
        _chosen(device, host)
        return Fingers(lambda _: _by_monitor(host), exact=True)
    if device.rig.backend == "uml":
        return Fingers(lambda _: _by_gadget(host), exact=True)
    if guided:
        return Fingers(lambda running: _by_hand(device.name, running), exact=False)
    pytest.skip("it says nothing by itself, and there is nobody to press its keys: --guided")


def _chosen(device: LiveDevice, host: QemuMachine) -> None:
    """Of several keyboards, QEMU's monitor types on the one that was plugged in last (hw/input/hid.c, hid_init)."""
    if sum(piece.driver == "usb-kbd" for piece in host.hardware.values()) < 2:
        return
    if not device.rig.switch(device.name).can_switch:
        hint = "power = { kind = 'bench' } lets this one be that"
        raise WantingError(f"of several keyboards, QEMU types on the one that was plugged in last: {hint}")
    device.power_cycle()


def _by_monitor(host: QemuMachine) -> None:
    for key in DIGITS:
        host.press(key)


def _by_gadget(host: Place) -> None:
    """Reports of a boot keyboard (HID 1.11, B.1)."""
    for number in range(len(DIGITS)):
        down = f"\\0\\0\\x{_USAGE_1 + number:02x}\\0\\0\\0\\0\\0"
        host.run(f"printf '{down}' >/dev/hidg0; sleep {_HOLD_SECONDS}; printf '\\0\\0\\0\\0\\0\\0\\0\\0' >/dev/hidg0")
        time.sleep(_HOLD_SECONDS)


def _by_hand(name: str, running: Running) -> None:
    request = f"Press the keys {' '.join(DIGITS)} of {name}, one after the other, and nothing else"
    Terminal().until(request, lambda: Step(not running.is_running), _PERSON_SECONDS)
