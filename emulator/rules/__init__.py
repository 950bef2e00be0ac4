"""What the specifications ask of descriptors, as tables of small rules; a ``Gadget`` is held to them as it is built.

Sections are those of USB 2.0 and USB 3.2. A rule looks at one thing (a device, a configuration, a setting, an endpoint)
and answers what is wrong with it, or None. Rules that are not strict name what hosts put up with: they are told by
:func:`findings` and stop nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wslusb.errors import LocalError, LocalReason

from .bos import BOS_RULES
from .configuration import CONFIGURATION_RULES, SETTING_RULES, ConfigurationAt, SettingAt
from .device import DEVICE_RULES
from .endpoint import ENDPOINT_RULES, EndpointAt
from .rule import Finding, Rule, apply

if TYPE_CHECKING:
    from ..gadget import Gadget

__all__ = ["Finding", "Rule", "check", "findings"]


def findings(gadget: Gadget) -> Iterator[Finding]:
    """All rules that a gadget breaks."""
    yield from apply((*DEVICE_RULES, *BOS_RULES), gadget, "device")
    for configuration in gadget.configurations:
        where = f"configuration {configuration.value}"
        yield from apply(CONFIGURATION_RULES, ConfigurationAt(gadget, configuration), where)
        for interface in configuration.interfaces:
            inside = f"{where}, interface {interface.number}, alternate {interface.alternate}"
            yield from apply(SETTING_RULES, SettingAt(gadget, interface), inside)
            for endpoint in interface.endpoints:
                at = EndpointAt(gadget.speed, endpoint)
                yield from apply(ENDPOINT_RULES, at, f"{inside}, endpoint {endpoint.address:#04x}")


def check(gadget: Gadget) -> None:
    """LocalError (BAD_DESCRIPTOR) that names the strict rules which a gadget breaks."""
    broken = [str(finding) for finding in findings(gadget) if finding.strict]
    if broken:
        hint = "Gadget(..., checked=False) is for devices that break rules on purpose"
        raise LocalError(LocalReason.BAD_DESCRIPTOR, "; ".join(broken), hint=hint)
