"""Requests on endpoint zero get the same answers on both sides, refusals included."""

from __future__ import annotations

import pytest

from hil.harness.fixtures import Both
from hil.live.side import Side

_IN = 0x80
_GET_STATUS, _GET_DESCRIPTOR, _GET_CONFIGURATION, _SET_CONFIGURATION, _SET_INTERFACE = 0, 6, 8, 9, 11
_TO_DEVICE, _TO_INTERFACE = 0x00, 0x01
_NO_SUCH = 0x63
_DEVICE, _CONFIGURATION, _STRING, _QUALIFIER, _NONSENSE = 0x0100, 0x0200, 0x0300, 0x0600, 0x5500


def test_descriptors_at_every_length(both: Both) -> None:
    """A device descriptor is cut where the host says, and never longer than it is (USB 2.0, 9.4.3)."""
    requests = [[_IN, _GET_DESCRIPTOR, _DEVICE, 0, length, ""] for length in (1, 2, 7, 8, 9, 17, 18, 19, 64, 255)]
    native, passthrough = both.probe("requests", requests=requests)
    assert passthrough == native


def test_what_a_device_refuses_is_refused_the_same_way(both: Both) -> None:
    """A descriptor that there is not: a stall, and life goes on."""
    requests = [
        [_IN, _GET_DESCRIPTOR, _NONSENSE, 0, 64, ""],
        [_IN, _GET_DESCRIPTOR, _CONFIGURATION | 0x63, 0, 9, ""],
        [_IN, _GET_DESCRIPTOR, _QUALIFIER, 0, 10, ""],
        [_IN, _GET_DESCRIPTOR, _STRING, 0, 255, ""],
        [_IN, _GET_STATUS, 0, 0, 2, ""],
        [_IN, _GET_CONFIGURATION, 0, 0, 1, ""],
    ]
    native, passthrough = both.probe("requests", requests=requests)
    assert passthrough == native


@pytest.mark.safety("reversible")
def test_settings_that_there_are_not_are_refused(passthrough: Side) -> None:
    """The host's system is asked for these, and knows from the descriptors; the device may well take whatever comes."""
    get = [_IN, _GET_CONFIGURATION, 0, 0, 1, ""]
    requests = [
        get,
        [_TO_INTERFACE, _SET_INTERFACE, _NO_SUCH, 0, 0, ""],
        [_TO_DEVICE, _SET_CONFIGURATION, _NO_SUCH, 0, 0, ""],
        get,
    ]
    before, *refused, after = passthrough.probe("requests", requests=requests)
    assert [each["status"] for each in refused] == ["STALL", "STALL"]
    assert after == before
