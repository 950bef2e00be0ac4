"""Chapter 9 of USB 2.0 and the cases of Linux' usbtest come out in the guest as they do on the host."""

from __future__ import annotations

from typing import Any

import pytest

from hil.harness.fixtures import Both

pytestmark = pytest.mark.safety("reversible")

_WITHHELD = "the system does not hand "
"""What :class:`hil.conformance.subject.NotApplicable` begins with there."""

_CONSTANT = ("chapter9: descriptors do not change", "chapter9: enumeration again and again")

Cases = dict[str, dict[str, Any]]


def _differences(native: Cases, passthrough: Cases) -> dict[str, str]:
    """By case: what it came to natively, and in the guest.

    A kernel hands a program's requests to endpoints and interfaces that there are not to no device (usbfs'
    check_ctrlrecip), so there is nothing to compare where one side has a kernel and the other has none.
    """
    names = sorted(native.keys() | passthrough.keys())
    nothing = {"outcome": "not run", "seen": ""}
    pairs = {name: (native.get(name, nothing), passthrough.get(name, nothing)) for name in names}
    return {
        name: " | ".join(f"{each['outcome']} ({each['seen']})" for each in pair)
        for name, pair in pairs.items()
        if pair[0]["outcome"] != pair[1]["outcome"] and not any(_WITHHELD in each["seen"] for each in pair)
    }


def test_chapter_9(both: Both, effort: float) -> None:
    """Each case passes, fails or does not apply as it does natively."""
    native, passthrough = both.probe("conformance", seconds=180, suites=["chapter9"], repeats=max(1, round(3 * effort)))
    changing = {name: native[name]["seen"] for name in _CONSTANT if native[name]["outcome"] == "failed"}
    assert changing == {}, "natively; what is not the same twice cannot be compared"
    assert _differences(native, passthrough) == {}
    assert sum(each["outcome"] == "passed" for each in passthrough.values()) > 10


@pytest.mark.trait("source-sink")
def test_usbtest(both: Both) -> None:
    """Transfers of every type, lists of them, unlinking, halts: what applies natively passes there and in the guest.

    A source and sink is made for these cases. One that fails on both sides may well be this program's own mistake: both
    ask the device through its libusb layer.
    """
    native, passthrough = both.probe("conformance", seconds=180, suites=["usbtest"])
    failed = {name: each["seen"] for name, each in native.items() if each["outcome"] == "failed"}
    assert failed == {}, "natively"
    assert _differences(native, passthrough) == {}
    assert sum(each["outcome"] == "passed" for each in passthrough.values()) > 15
