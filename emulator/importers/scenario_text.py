"""An imported device as a scenario file (docs/scenarios.md), which anybody can change."""

from __future__ import annotations

from wslusb.printable import printable
from wslusb.usb.ids import is_in
from wslusb.usb.setup import Request

from ..scenario.data import Literal
from ..scenario.scenario import Scenario
from ..scenario.script import LAST, Answer, ControlRule, Script
from ..scenario.writer import write
from .imported import Imported
from .replay import ReplayFirmware

__all__ = ["scenario_of", "scenario_text"]

_REPORT = (0x81, Request.GET_DESCRIPTOR, 0x22 << 8)


def scenario_of(imported: Imported) -> Scenario:
    """The device as a scenario: what it answered to requests becomes rules, in their order, the last one for ever."""
    gadget, firmware = imported.model.gadget, imported.model.firmware
    answers = firmware.answers if isinstance(firmware, ReplayFirmware) else {}
    rules = [
        ControlRule(
            request_type=request_type, request=int(request), value=value, index=index,
            answers=tuple(Answer(data=Literal(each)) for each in given) if is_in(request_type) else (Answer(),),
            repeat=LAST,
        )
        for (request_type, request, value, index), given in answers.items()
        if (request_type, request, value) != _REPORT
    ]  # fmt: skip
    return Scenario(
        name=f"{gadget.device.vendor:04x}-{gadget.device.product:04x}",
        summary=gadget.string(gadget.device.product_string) or "a device without a name",
        gadget=gadget,
        reports={key[3]: given[0] for key, given in answers.items() if key[:3] == _REPORT},
        script=Script(control=tuple(rules)),
    )


def scenario_text(imported: Imported, source: str) -> str:
    """The whole file. ``source`` is told in a comment, and so is everything that the source does not hold."""
    head = (f"Imported from {source}, device {imported.name}.", *imported.missing)
    return "".join(f"# {printable(line)}\n" for line in head) + "\n" + write(scenario_of(imported))
