"""A script at work: the firmware of a device whose every answer is written down.

A rule that needs another state, or that waits for another rule, can start to match at any time, so what a host waits
for is looked at again whenever the state changes or a named rule has matched (:meth:`ScriptFirmware.stir`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.setup import Request, RequestType, Setup
from wslusb.usb.urb import Buffer

from ..firmware import PASS, Deferred, Firmware, InHandler, IsoHandler, OutHandler, Pass
from ..gadget import Gadget, Place
from ..record import Record
from .data import Heard, Stream
from .endpoints import ScriptIn, ScriptIso, ScriptOut
from .matching import ControlTable, Taken, Track, listens
from .script import FIRST_STATE, InRule, Outcome, OutRule, Script, Send

__all__ = ["ScriptFirmware"]

_REPORT_DESCRIPTOR = 0x22
_FROM_INTERFACE = 0x81


class ScriptFirmware(Firmware):
    """Answers as a :class:`Script` says; what it does not say is left to chapter 9, or stalled.

    ``reports`` are HID report descriptors by interface number; other class descriptors that an interface carries are
    answered from the gadget. All that the host sends is written to ``record``, a line a request or write.
    """

    def __init__(
        self, script: Script, gadget: Gadget, reports: Mapping[int, bytes] | None = None, record: Record | None = None
    ) -> None:
        self._script = script
        self._gadget = gadget
        self._reports = reports or {}
        self._record = record or Record()
        self._endpoints: dict[int, ScriptIn | ScriptOut | ScriptIso] = {}
        self._start_over()

    def _start_over(self) -> None:
        """As after power came: no rule has matched yet."""
        self.state = FIRST_STATE
        self._heard: dict[str, bytes] = {}
        self._matched: set[str] = set()
        script = self._script
        self._control = ControlTable([Track(rule) for rule in script.control])
        self._tracks: dict[int, list[Track]] = {}
        endpoint_rules: tuple[InRule | OutRule, ...] = (*script.reads, *script.writes)
        for rule in endpoint_rules:
            self._tracks.setdefault(rule.endpoint, []).append(Track(rule))

    def attached(self) -> None:
        """The script starts over; a record begins the first time."""
        self._record.begin()
        self._start_over()

    def endpoint(self, place: Place) -> InHandler | OutHandler | IsoHandler:
        """A handler that asks the rules of its endpoint."""
        address = place.endpoint.address
        tracks = self._tracks.get(address, [])
        handler: ScriptIn | ScriptOut | ScriptIso
        if place.endpoint.transfer == TransferType.ISOCHRONOUS:
            handler = ScriptIso(self, tracks)
        elif is_in(address):
            handler = ScriptIn(self, tracks)
        else:
            handler = ScriptOut(self, tracks, self._script.messages.get(address))
        self._endpoints[address] = handler
        return handler

    # -- endpoint zero

    def override(self, setup: Setup, data: memoryview) -> Buffer | Deferred | Pass | None:
        """Standard requests of which the script says something."""
        return PASS if self._control.empty else self._by_rules(setup, bytes(data))

    def control(self, setup: Setup, data: memoryview) -> Buffer | Deferred | None:
        """Class and vendor requests; and class descriptors, which are asked for by a standard one."""
        if setup.kind != RequestType.STANDARD:
            reply = self._by_rules(setup, bytes(data))
            return None if reply is PASS else reply
        if (setup.request_type, setup.request) == (_FROM_INTERFACE, Request.GET_DESCRIPTOR):
            return self._class_descriptor(setup.value >> 8, setup.index)
        return None

    def _by_rules(self, setup: Setup, data: bytes) -> Buffer | Deferred | Pass | None:
        taken = self.pick(self._control.candidates(setup), data)
        if taken is not None or setup.kind != RequestType.STANDARD:
            self.note("control", setup.pack().hex(" "), data)
        if taken is None or taken.answer.outcome is Outcome.STANDARD:
            if taken is not None:
                self.conclude(taken, data)
            return PASS
        if taken.answer.outcome is Outcome.NAK:
            self.conclude(taken, data)
            return Deferred()
        if not taken.answer.delay:
            return self._reply(taken, setup, data)
        later = Deferred()
        self.after(taken.answer.delay, lambda: later.answer(self._reply(taken, setup, data)))
        return later

    def _reply(self, taken: Taken, setup: Setup, data: bytes) -> bytes | None:
        self.conclude(taken, data)
        if taken.answer.outcome is Outcome.STALL:
            return None
        return taken.data(setup.length, self.heard(data)) if setup.is_in else b""

    def _class_descriptor(self, kind: int, number: int) -> bytes | None:
        if kind == _REPORT_DESCRIPTOR:
            return self._reports.get(number)
        for configuration in self._gadget.configurations:
            for interface in configuration.interfaces:
                if interface.number == number:
                    return next((each for each in interface.extra if each[1] == kind), None)
        return None

    # -- what the endpoints' handlers use

    def pick(self, tracks: Iterable[Track], data: bytes = b"") -> Taken | None:
        """The answer of the first rule that matches now and has one."""
        for track in tracks:
            rule = track.rule
            if rule.state not in ("", self.state) or (rule.after and rule.after not in self._matched):
                continue
            if listens(rule, data) and (taken := track.take()):
                return taken
        return None

    def conclude(self, taken: Taken, data: bytes = b"") -> None:
        """An answer was given: what its rule says about the rest of the device happens."""
        rule = taken.rule
        changed = rule.set_state not in ("", self.state)
        self.state = rule.set_state or self.state
        if rule.name:
            self._heard[rule.name] = data
            changed = changed or rule.name not in self._matched
            self._matched.add(rule.name)
        for send, source in taken.sends:
            self._send(send, source, data)
        if changed:
            self.stir()

    def _send(self, send: Send, source: Stream, data: bytes) -> None:
        heard = self.heard(data)

        def act() -> None:
            handler = self._endpoints.get(send.endpoint)
            if isinstance(handler, ScriptIn):
                handler.put(send.answer, source(handler.pipe.max_packet, heard))

        if send.answer.delay:
            self.after(send.answer.delay, act)
        else:
            act()

    def heard(self, data: bytes) -> Heard:
        """What echoes echo."""
        return {**self._heard, "": data}

    def any_full(self, endpoints: Iterable[int]) -> bool:
        """Whether one of these IN endpoints has more queued than it should."""
        return any(isinstance(each := self._endpoints.get(address), ScriptIn) and each.full for address in endpoints)

    def stir(self) -> None:
        """Offer everybody who waits another try."""
        for handler in list(self._endpoints.values()):
            handler.stir()

    def note(self, what: str, where: str, data: bytes) -> None:
        """Write down what the host sent."""
        if self._record.wanted:
            self._record.line(f"{what} {where}: {data.hex(' ')}".rstrip())
