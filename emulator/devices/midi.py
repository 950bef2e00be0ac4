"""A MIDI instrument: plays a melody, records what it is sent, and with ``echo=yes`` sends it back.

``midi:melody=C4.E4.G4.C5:2,every=500``. The melody is on channel 1 of the first port.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wslusb.device.clock import Timer
from wslusb.usb.ids import Speed, is_in

from ..firmware import Firmware, InHandler, OutHandler
from ..gadget import Place
from ..model import Kind, Model
from ..options import Options
from ..record import Record
from .midi_parts.descriptors import midi_gadget
from .midi_parts.events import EventParser, events
from .midi_parts.melody import Note, parse_melody

__all__ = ["KIND", "MidiFirmware", "Performance"]

_NOTE_ON, _NOTE_OFF, _VELOCITY = 0x90, 0x80, 0x64
_LEGATO = 0.9
"""How much of a note's time its key is down."""
_BACKLOG = 1024
"""Bytes that wait for the host before new ones are lost: an instrument does not wait for its listeners."""


@dataclass(slots=True, frozen=True)
class Performance:
    """A melody and its times in seconds: of a beat, from when the host listens, from the end to the next beginning."""

    melody: tuple[Note, ...] = ()
    beat: float = 0.5
    wait: float = 1.0
    every: float = 0.0

    def steps(self) -> Iterator[tuple[float, bytes]]:
        """Messages, each with the time until the next one."""
        for note in self.melody:
            length = note.beats * self.beat
            if note.key is None:
                yield length, b""
            else:
                yield length * _LEGATO, bytes((_NOTE_ON, note.key, _VELOCITY))
                yield length * (1 - _LEGATO), bytes((_NOTE_OFF, note.key, 0))


class MidiFirmware(Firmware):
    """Behaviour. ``record`` gets a line for each event: the port (from 1) and its bytes in hexadecimal."""

    def __init__(
        self, performance: Performance | None = None, record: Record | None = None, *, echo: bool = False
    ) -> None:
        self._performance = performance or Performance()
        self._record = record or Record()
        self._echo = echo
        self._source = InHandler()
        self._steps: Iterator[tuple[float, bytes]] | None = None
        self._timer: Timer | None = None

    def attached(self) -> None:
        """A record begins."""
        self._record.begin()

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        """The way in and the way out, of all ports."""
        if not is_in(place.endpoint.address):
            return _Sink(self)
        self._source = _Source(self)
        return self._source

    def configured(self, value: int) -> None:  # noqa: ARG002
        """Silence, until the host listens again."""
        if self._timer is not None:
            self._timer.cancel()
        self._steps = self._timer = None

    def listened(self) -> None:
        """The host asks for events; the first time is when the melody is due."""
        if self._steps is None:
            self._begin(self._performance.wait)

    def received(self, packets: bytes) -> None:
        """Events from the host."""
        for cable, payload in events(packets):
            self._record.line(f"{cable + 1}: {payload.hex(' ')}")
        if self._echo:
            self._send(packets)

    def _begin(self, wait: float) -> None:
        self._steps = self._performance.steps()
        self._timer = self.after(wait, self._step)

    def _step(self) -> None:
        assert self._steps is not None  # noqa: S101 - the timer is cancelled where this is
        step = next(self._steps, None)
        if step is not None:
            length, message = step
            self._send(b"".join(EventParser().feed(message)))
            self._timer = self.after(length, self._step)
        elif self._performance.every:
            self._begin(self._performance.every)

    def _send(self, packets: bytes) -> None:
        pipe = self._source.pipe
        if packets and pipe.queued + len(packets) <= _BACKLOG:
            pipe.send(packets, end=True)


class _Source(InHandler):
    def __init__(self, firmware: MidiFirmware) -> None:
        self._firmware = firmware

    def wanted(self, room: int) -> None:  # noqa: ARG002
        self._firmware.listened()


class _Sink(OutHandler):
    def __init__(self, firmware: MidiFirmware) -> None:
        self._firmware = firmware

    def received(self, data: memoryview, end: bool) -> int | None:  # noqa: ARG002
        self._firmware.received(bytes(data))
        return len(data)


def _make(options: Options) -> Model:
    performance = Performance(
        melody=tuple(parse_melody(options.text("melody"))),
        beat=60 / options.integer("tempo", 120, 1, 6000),
        wait=options.integer("wait", 1000, 0, 3_600_000) / 1000,
        every=options.integer("every", 0, 0, 3_600_000) / 1000,
    )
    ports = options.integer("ports", 1, 1, 16)
    gadget = midi_gadget(
        options.serial(f"MIDI{options.number:04d}"), ports, options.speed(Speed.FULL, ("full", "high"))
    )
    firmware = MidiFirmware(performance, Record.from_options(options), echo=options.flag("echo"))
    return Model(gadget, firmware)


KIND = Kind(
    name="midi",
    summary="a MIDI instrument that plays, records and echoes",
    make=_make,
    options={
        "melody": "notes like C4, F#3, Bb5:2 (beats), - (rest), joined by dots",
        "tempo": "beats a minute (default 120)",
        "wait": "milliseconds from when the host listens until it begins (default 1000)",
        "every": "milliseconds from the end until it begins again; 0 (the default): once",
        "echo": "yes: send back what is received",
        "record": "a file for what is received: a line like '1: 90 3c 64' an event",
        "ports": "1 to 16 (default 1)",
        "speed": "full (the default) or high",
        "serial": "serial number",
    },
    driver="snd-usb-audio",
)
