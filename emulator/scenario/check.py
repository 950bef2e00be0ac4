"""Whether a script makes sense for its device: rules of endpoints that exist, names that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wslusb.usb.ids import TransferType, is_in

from ..gadget import Gadget
from .data import Echo
from .script import NOTHING, ControlRule, InRule, Outcome, OutRule, Rule, Script

__all__ = ["lost_messages", "problems"]


def problems(script: Script, gadget: Gadget) -> Iterator[tuple[int, str]]:
    """What is wrong, by the rule's number in ``script.rules``."""
    kinds = _endpoints(gadget)
    names = {rule.name for rule in script.rules if rule.name}
    for number, rule in enumerate(script.rules):
        for problem in _of_rule(rule, script, kinds, names):
            yield number, problem


def lost_messages(script: Script, gadget: Gadget) -> list[int]:
    """Endpoints of which the script says how messages end, and which are no bulk or interrupt OUT endpoints."""
    kinds = _endpoints(gadget)
    return [each for each in script.messages if kinds.get(each) not in (TransferType.BULK, TransferType.INTERRUPT)]


def _endpoints(gadget: Gadget) -> Mapping[int, TransferType]:
    return {
        endpoint.address: endpoint.transfer
        for configuration in gadget.configurations
        for interface in configuration.interfaces
        for endpoint in interface.endpoints
    }


def _of_rule(rule: Rule, script: Script, kinds: Mapping[int, TransferType], names: set[str]) -> Iterator[str]:
    if rule.after and rule.after not in names:
        yield f"after: no rule is called {rule.after!r}"
    for send in rule.sends:
        if not is_in(send.endpoint) or kinds.get(send.endpoint) not in (TransferType.BULK, TransferType.INTERRUPT):
            yield f"send: the device has no bulk or interrupt IN endpoint {send.endpoint:#04x}"
    for answer in (*rule.answers, *(send.answer for send in rule.sends)):
        if isinstance(answer.data, Echo) and answer.data.of and answer.data.of not in names:
            yield f"echo: no rule is called {answer.data.of!r}"
    if isinstance(rule, ControlRule):
        if any(answer.packet is not None or answer.zero_packet for answer in rule.answers):
            yield "answer: packet and zlp are for IN endpoints"
    elif isinstance(rule, (InRule, OutRule)):
        yield from _of_endpoint(rule, script, kinds)


def _of_endpoint(rule: InRule | OutRule, script: Script, kinds: Mapping[int, TransferType]) -> Iterator[str]:
    address, direction = rule.endpoint, "IN" if isinstance(rule, InRule) else "OUT"
    if address not in kinds or is_in(address) != isinstance(rule, InRule):
        yield f"endpoint: the device has no {direction} endpoint {address:#04x}"
    isochronous = kinds.get(address) == TransferType.ISOCHRONOUS
    allowed = {Outcome.OK, Outcome.NAK} if isochronous and direction == "IN" else {Outcome.OK}
    plain = isochronous or address in script.messages
    for answer in rule.answers:
        if answer.outcome is Outcome.STANDARD:
            yield "answer: status 'standard' is for control requests"
        elif plain and (answer.delay or answer.outcome not in allowed):
            yield "answer: isochronous packets and messages are neither delayed nor refused"
        elif isinstance(rule, OutRule) and answer.data != NOTHING:
            yield "answer: an OUT endpoint has no data to answer; say what an IN endpoint is to send"
        elif answer.packet is not None and not isochronous:
            yield "answer: packet is for isochronous endpoints"
