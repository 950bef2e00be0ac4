"""Faults on a seeded schedule, for any Device: ``Faulty(device, Plan([Fault(Stall(), when=When(nth=(3,)))]))``.

docs/faults.md is the reference of plans. Nothing of this is imported, or in any URB's way, unless a plan is given.
"""

from __future__ import annotations

from .contents import Corrupt, IsoErrors, Short, ZeroLength
from .endings import Babble, BitStuff, Crc, Disconnect, Protocol, Reenumerate, Reset, Stall
from .faulty import Faulty
from .kinds import KINDS
from .loading import load_plan
from .plan import Fault, Plan, SetupMatch, When, Where
from .provider import FaultyProvider
from .reading import parse_plan, plan_text
from .record import Journal, read_record, replay
from .timing import Bandwidth, Delay, Duplicate, Late, Nak, Timeout, UnlinkRace
from .what import What

__all__ = [
    "KINDS", "Babble", "Bandwidth", "BitStuff", "Corrupt", "Crc", "Delay", "Disconnect", "Duplicate", "Fault", "Faulty",
    "FaultyProvider", "IsoErrors", "Journal", "Late", "Nak", "Plan", "Protocol", "Reenumerate", "Reset", "SetupMatch",
    "Short", "Stall", "Timeout", "UnlinkRace", "What", "When", "Where", "ZeroLength", "load_plan", "parse_plan",
    "plan_text", "read_record", "replay",
]  # fmt: skip
