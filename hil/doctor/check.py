"""What a check of a rig is. How one comes out, and how that is shown, is as for ``wslusb doctor``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.rig.model import DeviceEntry
from wslusb.doctor.check import Finding, Outcome, Result, failed, skipped, warned
from wslusb.errors import WslusbError

if TYPE_CHECKING:
    from .examination import Examination

__all__ = ["Check", "DeviceCheck", "run"]

_BECAUSE = "not looked at because of: "


@dataclass(slots=True, frozen=True)
class Check:
    """A look at the rig as a whole. It is not taken if a check that it ``needs`` has failed."""

    name: str
    title: str
    function: Callable[[Examination], Finding]
    needs: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class DeviceCheck:
    """A look at each device of the rig file. What it ``needs`` may be a check of the same device."""

    name: str
    title: str
    function: Callable[[Examination, DeviceEntry], Finding]
    needs: tuple[str, ...] = ()

    def of(self, entry: DeviceEntry) -> Check:
        """The check of one device: ``power[stick]``."""
        needs = (*self.needs, *(f"{need}[{entry.name}]" for need in self.needs))
        name, title = f"{self.name}[{entry.name}]", f"{entry.name}: {self.title}"
        return Check(name, title, lambda examination: self.function(examination, entry), needs)


def run(examination: Examination, checks: Sequence[Check], of_devices: Sequence[DeviceCheck]) -> Iterator[Result]:
    """Take each look: at the rig, then at one device after the other."""
    bad: dict[str, str] = {}
    for check in (*checks, *(each.of(entry) for entry in examination.rig.devices for each in of_devices)):
        why = next((bad[need] for need in check.needs if need in bad), "")
        finding = skipped(_BECAUSE + why) if why else _look(check, examination)
        if why or finding.outcome is Outcome.FAIL:
            bad[check.name] = why or check.title
        yield Result(check.name, check.title, finding)


def _look(check: Check, examination: Examination) -> Finding:
    """A check that breaks is a finding, too."""
    try:
        return check.function(examination)
    except WslusbError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        text = lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1]}"
        return failed(text, error.hint or "set WSLUSB_DEBUG=1, and see the log")
    except Exception as error:  # noqa: BLE001 -- the other checks are still worth their answers
        return warned(f"it could not be checked: {type(error).__name__}: {error}")
