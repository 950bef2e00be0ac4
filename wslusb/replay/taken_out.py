"""What redaction took out of a capture is not compared: the real bytes of the same transfer are others.

docs/capture.md, "What is taken out": serial numbers and hardware addresses become tokens, payloads zeroes. The file
does not say where. So strings that descriptors name as such are taken for tokens, and a payload of nothing but zeroes,
of any transfer that is no standard request, for one that was blanked: its length alone counts.
"""

from __future__ import annotations

from ..capture.known import Known
from ..capture.secrets import Secrets
from ..usb.ids import DIR_IN, DescriptorType
from ..usb.setup import Request, RequestType, Setup
from .facts import Facts
from .story import Story

__all__ = ["mark"]


def mark(story: Story) -> None:
    """Mark the exchanges of a redacted capture whose data are not those of the device or its host."""
    story.redacted = True
    known = _known(Facts.of(story))
    for exchange in story.exchanges:
        setup = exchange.setup
        if setup is None or setup.kind != RequestType.STANDARD:
            exchange.blanked = len(exchange.payload) > 0 and not any(exchange.payload)
        else:
            exchange.token = _is_token(setup, known)


def _known(facts: Facts) -> Known:
    known = Known(Secrets())
    if facts.device is not None:
        known.learn_device(facts.device.pack())
    for configuration in facts.configurations:
        known.learn_configuration(configuration)
    return known


def _is_token(setup: Setup, known: Known) -> bool:
    kind, index = divmod(setup.value, 256)
    if (setup.request_type, setup.request, kind) != (DIR_IN, Request.GET_DESCRIPTOR, DescriptorType.STRING):
        return False
    return index != 0 and (index in known.serials or not known.described)
