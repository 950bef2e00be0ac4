"""Features that a host sets and clears, and the status that tells of them (USB 2.0 and 3.2, 9.4.1, 9.4.5, 9.4.9)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from wslusb.errors import LocalError
from wslusb.usb.bos import CapabilityType, split_bos
from wslusb.usb.ids import Speed

if TYPE_CHECKING:
    from .core import Core

__all__ = ["ENDPOINT_HALT", "Feature", "Features"]

_SELF_POWERED, _CAN_WAKE = 0x40, 0x20
_TEST_MODES = range(1, 5)
"""Test_J, Test_K, Test_SE0_NAK and Test_Packet (USB 2.0, table 9-7); the fifth is for hubs."""
_SUSPEND_OPTIONS = 0x03
_LTM_CAPABLE = 0x02
ENDPOINT_HALT = 0
FUNCTION_SUSPEND = 0


class Feature(enum.IntEnum):
    """Feature selectors of a device (USB 2.0, table 9-6; USB 3.2, table 9-7)."""

    REMOTE_WAKEUP = 1
    TEST_MODE = 2
    U1_ENABLE = 48
    U2_ENABLE = 49
    LTM_ENABLE = 50


_STATUS_BITS = {Feature.REMOTE_WAKEUP: 1, Feature.U1_ENABLE: 2, Feature.U2_ENABLE: 3, Feature.LTM_ENABLE: 4}


class Features:
    """What is set now. A feature that the device does not have, or not at its speed, cannot be set."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.enabled: set[Feature] = set()
        self.test_mode = 0
        """What the host asked for, 0 for none. There are no signals here that could change: it is only remembered."""
        self.suspended: set[int] = set()
        """Functions that are suspended, by the number of their first interface."""
        self.waking: set[int] = set()
        """Functions that may wake the host, likewise."""

    def reset(self) -> None:
        """Nothing is set. What was configured anew has lost its functions' features as well."""
        self.enabled.clear()
        self.reset_functions()

    def reset_functions(self) -> None:
        """No function is suspended or may wake the host."""
        self.suspended.clear()
        self.waking.clear()

    def device_status(self) -> int:
        """The 16 bits of GET_STATUS to the device."""
        status = int(self._core.attributes & _SELF_POWERED != 0)
        return status | sum(1 << _STATUS_BITS[feature] for feature in self.enabled)

    def interface_status(self, number: int) -> int:
        """Those of GET_STATUS to an interface: bit 0, its function can wake the host; bit 1, it may."""
        if self._core.gadget.speed < Speed.SUPER:
            return 0
        return int(self._can_wake) | (number in self.waking) << 1

    def change(self, selector: int, index: int, *, on: bool) -> bool:
        """SET_FEATURE or CLEAR_FEATURE to the device. False: to be stalled."""
        if selector == Feature.TEST_MODE:
            return self._enter_test_mode(index) if on else False
        if index or selector not in set(Feature) or not self._has(Feature(selector)):
            return False
        (self.enabled.add if on else self.enabled.discard)(Feature(selector))
        return True

    def _enter_test_mode(self, index: int) -> bool:
        mode, reserved = index >> 8, index & 0xFF
        if self._core.gadget.speed != Speed.HIGH or mode not in _TEST_MODES or reserved:
            return False
        self.test_mode = mode
        return True

    def _has(self, feature: Feature) -> bool:
        is_super = self._core.gadget.speed >= Speed.SUPER
        if feature == Feature.REMOTE_WAKEUP:  # at SuperSpeed that is a matter of each function (USB 3.2, 9.2.5.4)
            return not is_super and self._can_wake
        if not is_super or self._core.configuration == 0:  # the others: configured devices alone (USB 3.2, 9.4.9)
            return False
        return feature != Feature.LTM_ENABLE or _tells_latency_tolerance(self._core.gadget.bos)

    @property
    def _can_wake(self) -> bool:
        return self._core.attributes & _CAN_WAKE != 0

    def suspend_function(self, selector: int, index: int, *, on: bool) -> bool:
        """SET_FEATURE(FUNCTION_SUSPEND): the interface in the low byte of ``index``, options in the high one.

        CLEAR_FEATURE is both options cleared. False: to be stalled.
        """
        number, options = index & 0xFF, (index >> 8) * on
        known = self._core.alternate(number) is not None
        if self._core.gadget.speed < Speed.SUPER or selector != FUNCTION_SUSPEND or not known:
            return False
        if options & ~_SUSPEND_OPTIONS or (options & 2 and not self._can_wake):
            return False
        (self.suspended.add if options & 1 else self.suspended.discard)(number)
        (self.waking.add if options & 2 else self.waking.discard)(number)
        return True


def _tells_latency_tolerance(store: bytes) -> bool:
    """Whether the SuperSpeed capability says so (USB 3.2, table 9-17)."""
    try:
        capabilities = split_bos(store)
    except LocalError:
        return False
    return any(each[2] == CapabilityType.SUPERSPEED and each[3] & _LTM_CAPABLE for each in capabilities)
