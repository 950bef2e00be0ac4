"""What the cases of :mod:`hil.conformance` come to on both sides, as :mod:`hil.probes.conformance` tells it."""

from __future__ import annotations

from typing import Any

__all__ = ["Cases", "differences", "own_mistakes"]

Cases = dict[str, dict[str, Any]]

_WITHHELD = "the system does not hand "
"""What :class:`hil.conformance.subject.NotApplicable` begins with there."""


def differences(native: Cases, passthrough: Cases) -> dict[str, str]:
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


def own_mistakes(native: Cases, passthrough: Cases) -> list[str]:
    """The rules that the device breaks on both sides, in a sentence each: that is no mistake of wslusb."""
    return [
        f"breaks a rule ({each['source']}, {name.partition(': ')[2]}), natively and in the guest alike: {each['seen']}"
        for name, each in native.items()
        if each["outcome"] == passthrough.get(name, {}).get("outcome") == "failed"
    ]
