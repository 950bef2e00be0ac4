"""Endpoints of a scripted device: each asks its rules what to do with a read or a write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wslusb.device.clock import Timer
from wslusb.usb.urb import Buffer

from ..firmware import InHandler, IsoHandler, OutHandler
from .matching import Taken, Track
from .script import Answer, Outcome

if TYPE_CHECKING:
    from ..pipe import InPipe, OutPipe
    from .firmware import ScriptFirmware

__all__ = ["ScriptIn", "ScriptIso", "ScriptOut"]

_QUEUE_LIMIT = 1 << 20
"""Bytes that an IN endpoint has queued when the OUT endpoints whose writes fill it begin to NAK."""
_MICROFRAME = 125e-6
"""Seconds until a host that was told NAK is taken to try again."""
_MESSAGE_LIMIT = 1 << 16
"""Bytes without an end of a message that are taken for one."""


def _ask_again(script: ScriptFirmware, silent_in: str | None, pipe: InPipe | OutPipe) -> None:
    """A NAK that its own rule ended, by a change of the state: the host's next try has another answer."""
    if script.state != silent_in:
        script.after(_MICROFRAME, pipe.resume)


class ScriptIn(InHandler):
    """Bulk or interrupt IN: what others sent comes first, then the answers of the endpoint's own rules."""

    def __init__(self, script: ScriptFirmware, tracks: Sequence[Track]) -> None:
        self._script = script
        self._tracks = tracks
        self._timer: Timer | None = None
        self._silent_in: str | None = None

    def wanted(self, room: int) -> None:
        """The host asks: the next answer, at once or when its time has come."""
        if self._timer is not None or self._silent_in == self._script.state:
            return
        taken = self._script.pick(self._tracks)
        if taken is None:
            return
        if taken.answer.outcome is Outcome.NAK:
            self._silent_in = self._script.state
            self._script.conclude(taken)
            _ask_again(self._script, self._silent_in, self.pipe)
        elif taken.answer.delay:
            self._timer = self._script.after(taken.answer.delay, lambda: self._deliver(taken, room))
        else:
            self._deliver(taken, room)

    def _deliver(self, taken: Taken, room: int) -> None:
        self._timer = None
        self.put(taken.answer, taken.data(room, self._script.heard(b"")))
        self._script.conclude(taken)

    def put(self, answer: Answer, data: bytes) -> None:
        """Queue a transfer, or a halt."""
        if answer.outcome is Outcome.STALL:
            self.pipe.halt_after()
        else:
            self.pipe.send(data, end=answer.zero_packet or not data)

    @property
    def full(self) -> bool:
        """Whether the host has left so much that no more should come."""
        return self.pipe.queued >= _QUEUE_LIMIT

    def drained(self) -> None:
        """Writes that were held up by a full queue can go on."""
        self._script.stir()

    def stir(self) -> None:
        """Look again."""
        self.pipe.resume()


class ScriptOut(OutHandler):
    """Bulk or interrupt OUT: every write, or every whole message, is held against the endpoint's rules."""

    def __init__(self, script: ScriptFirmware, tracks: Sequence[Track], message_end: bytes | None) -> None:
        self._script = script
        self._tracks = tracks
        self._message_end = message_end
        self._message = b""
        self._targets = {send.endpoint for track in tracks for send in track.rule.sends}
        self._held: tuple[bytes, Taken] | None = None
        self._due = False
        self._silent_in: str | None = None

    def received(self, data: memoryview, end: bool) -> int | None:  # noqa: ARG002
        """Take a write, refuse it, or let it wait."""
        if self._script.any_full(self._targets) or self._silent_in == self._script.state:
            return None
        written = bytes(data)
        if self._message_end is not None:
            self._gather(written, self._message_end)
            return len(data)
        taken = self._ready(written)
        return None if self._held is not None else self._take(written, taken)

    def _ready(self, written: bytes) -> Taken | None:
        """The answer to give now. None where there is none, or one is held until its time has come."""
        if self._held is not None and self._held[0] == written:
            if not self._due:
                return None
            _, due = self._held
            self._held, self._due = None, False
            return due
        self._held, self._due = None, False  # a write that was held was cancelled
        taken = self._script.pick(self._tracks, written)
        if taken is not None and taken.answer.delay:
            held = self._held = (written, taken)
            self._script.after(taken.answer.delay, lambda: self._come_due(held))
            return None
        return taken

    def _come_due(self, held: tuple[bytes, Taken]) -> None:
        if self._held is held:
            self._due = True
            self.pipe.resume()

    def _take(self, written: bytes, taken: Taken | None) -> int | None:
        outcome = Outcome.OK if taken is None else taken.answer.outcome
        if outcome is Outcome.STALL:
            self.pipe.halt()
        elif outcome is Outcome.OK:
            self._note(written)
        if outcome is Outcome.NAK:
            self._silent_in = self._script.state
        if taken is not None:
            self._script.conclude(taken, written)
        if outcome is Outcome.NAK:
            _ask_again(self._script, self._silent_in, self.pipe)
            return None
        return 0 if outcome is Outcome.STALL else len(written)

    def _gather(self, written: bytes, message_end: bytes) -> None:
        *messages, self._message = (self._message + written).split(message_end)
        messages = [message + message_end for message in messages]
        if len(self._message) > _MESSAGE_LIMIT:
            messages.append(self._message)
            self._message = b""
        for message in messages:
            self._note(message)
            if taken := self._script.pick(self._tracks, message):
                self._script.conclude(taken, message)

    def _note(self, data: bytes) -> None:
        self._script.note("out", f"{self.pipe.descriptor.address:#04x}", data)

    def stir(self) -> None:
        """Look again."""
        self.pipe.resume()


class ScriptIso(IsoHandler):
    """Isochronous: a packet a packet. IN data that are longer than a packet go on in the next one."""

    def __init__(self, script: ScriptFirmware, tracks: Sequence[Track]) -> None:
        self._script = script
        self._tracks = tracks
        self._rest = memoryview(b"")
        self._packet: int | None = None

    def packets(self, lengths: Sequence[int]) -> tuple[Buffer, Sequence[int]]:
        """IN: of what the rules say, as much as fits each packet."""
        packets = [self._next(length) for length in lengths]
        return b"".join(packets), [len(packet) for packet in packets]

    def _next(self, asked: int) -> memoryview:
        if not self._rest and (taken := self._script.pick(self._tracks)):
            if taken.answer.outcome is Outcome.OK:
                self._rest = memoryview(taken.data(asked, self._script.heard(b"")))
            self._packet = taken.answer.packet
            self._script.conclude(taken)
        size = asked if self._packet is None else min(asked, self._packet)
        packet, self._rest = self._rest[:size], self._rest[size:]
        return packet

    def received(self, data: memoryview, lengths: Sequence[int]) -> None:
        """OUT: each packet is a write."""
        offset = 0
        for length in lengths:
            packet = bytes(data[offset : offset + length])
            offset += length
            self._script.note("out", f"{self.pipe.descriptor.address:#04x}", packet)
            if taken := self._script.pick(self._tracks, packet):
                self._script.conclude(taken, packet)

    def stir(self) -> None:
        """Nothing waits at an isochronous endpoint."""
