"""A device whose script a test writes, and a host that waits for nothing: time is the test's own."""

from __future__ import annotations

from emulator.device import VirtualDevice
from emulator.gadget import Gadget
from emulator.scenario import Scenario
from emulator.scenario.data import Literal
from emulator.scenario.script import Answer, ControlRule, Outcome, Script
from wslusb.device.clock import VirtualClock
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Status, Urb, UrbFlag

SOURCE, SINK, BELL, TONE, EAR = 0x81, 0x01, 0x82, 0x83, 0x03
Seen = list[tuple[Status, bytes]]
STALL, NAK = Answer(outcome=Outcome.STALL), Answer(outcome=Outcome.NAK)


def gadget() -> Gadget:
    endpoints = [
        Endpoint(SOURCE, TransferType.BULK, 512), Endpoint(SINK, TransferType.BULK, 512),
        Endpoint(BELL, TransferType.INTERRUPT, 8, 4),
        Endpoint(TONE, TransferType.ISOCHRONOUS, 64, 4), Endpoint(EAR, TransferType.ISOCHRONOUS, 64, 4),
    ]  # fmt: skip
    settings = [Interface(0), Interface(0, 1, endpoints=endpoints)]
    return Gadget(device=DeviceDescriptor(0x1209, 1), configurations=(Configuration(1, settings),))


class Bench:
    def __init__(self, **rules: object) -> None:
        self.clock = VirtualClock()
        self.model = Scenario(gadget=gadget(), script=Script(**rules)).model()  # type: ignore[arg-type]
        self.open()

    def open(self) -> None:
        self.device = VirtualDevice(self.model.gadget, self.model.firmware, clock=self.clock)
        self.device.select_interface(0, 1)

    def submit(self, urb: Urb) -> Seen:
        seen: Seen = []

        def done(completion: Completion) -> None:
            seen.append((Status(completion.status), bytes(completion.data)))

        self.device.submit(urb, done)
        return seen

    def ask(self, request: int, value: int = 0, index: int = 0, length: int = 8, kind: int = 0xC0) -> Seen:
        return self.submit(Urb(0, 0, 0, length, UrbFlag.SHORT_OK, b"", Setup(kind, request, value, index, length)))

    def tell(self, request: int, data: Buffer = b"") -> Seen:
        return self.submit(Urb(0, 0, 0, len(data), 0, data, Setup(0x40, request, 0, 0, len(data))))

    def read(self, length: int = 512, endpoint: int = SOURCE) -> Seen:
        transfer = TransferType.INTERRUPT if endpoint == BELL else TransferType.BULK
        return self.submit(Urb(0, endpoint, transfer, length, UrbFlag.SHORT_OK))

    def write(self, data: bytes, flags: int = 0) -> Seen:
        return self.submit(Urb(0, SINK, TransferType.BULK, len(data), flags, data))


def ok(data: bytes = b"") -> Seen:
    return [(Status.OK, data)]


STALLED: Seen = [(Status.STALL, b"")]


def literal(text: bytes, **more: object) -> Answer:
    return Answer(data=Literal(text), **more)  # type: ignore[arg-type]


def reply(text: bytes, **conditions: object) -> ControlRule:
    return ControlRule(answers=(literal(text),), **conditions)  # type: ignore[arg-type]
