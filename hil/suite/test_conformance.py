"""Chapter 9 of USB 2.0 and the cases of Linux' usbtest come out in the guest as they do on the host."""

from __future__ import annotations

import pytest

from hil.harness.fixtures import Both, Note
from hil.suite.cases import differences, own_mistakes

pytestmark = pytest.mark.safety("reversible")

_CONSTANT = ("chapter9: descriptors do not change", "chapter9: enumeration again and again")


def test_chapter_9(both: Both, effort: float, note: Note) -> None:
    """Each case passes, fails or does not apply as it does natively."""
    native, passthrough = both.probe("conformance", seconds=180, suites=["chapter9"], repeats=max(1, round(3 * effort)))
    for mistake in own_mistakes(native, passthrough):
        note(mistake)
    changing = {name: native[name]["seen"] for name in _CONSTANT if native[name]["outcome"] == "failed"}
    assert changing == {}, "natively; what is not the same twice cannot be compared"
    assert differences(native, passthrough) == {}
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
    assert differences(native, passthrough) == {}
    assert sum(each["outcome"] == "passed" for each in passthrough.values()) > 15
