"""A printer, bidirectional: what is printed goes to a file (USB Printing Devices 1.1; IEEE 1284 for ID and status).

It takes whatever it is sent, and answers a few questions of printer job language (INFO ID, INFO STATUS, ECHO). With
``paper=64K`` it runs out of paper there, and takes nothing more (NAK) until it is refilled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wslusb.device.clock import Timer
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import ClassCode, Speed, TransferType, is_in
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import Firmware, InHandler, OutHandler
from ..gadget import Gadget, Place
from ..model import Kind, Model
from ..options import Options
from ..record import Record

__all__ = ["KIND", "Paper", "PrinterFirmware", "printer_gadget"]

_PRINTER = 0x01
_UNIDIRECTIONAL, _BIDIRECTIONAL = 0x01, 0x02
_GET_DEVICE_ID, _GET_PORT_STATUS, _SOFT_RESET = 0, 1, 2
_PAPER_EMPTY, _SELECTED, _NO_ERROR = 0x20, 0x10, 0x08
_BULK_SIZES = {Speed.FULL: 64, Speed.HIGH: 512}
_LONGEST_LINE = 256
_JOB_LANGUAGE = re.compile(rb"@PJL (INFO ID|INFO STATUS|ECHO [ -~]*)\r?\n")


def printer_gadget(serial: str = "PRINTER0001", speed: Speed = Speed.HIGH) -> Gadget:
    """The description: alternate 0 can answer, alternate 1 only prints."""
    size = _BULK_SIZES[speed]
    out, back = Endpoint(0x01, TransferType.BULK, size), Endpoint(0x82, TransferType.BULK, size)
    interfaces = [
        Interface(0, 0, ClassCode.PRINTER, _PRINTER, _BIDIRECTIONAL, endpoints=[out, back]),
        Interface(0, 1, ClassCode.PRINTER, _PRINTER, _UNIDIRECTIONAL, endpoints=[out]),
    ]
    return Gadget(
        device=DeviceDescriptor(0x1209, 0x0006, 0x0200, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, interfaces, attributes=0xC0, max_power=1),),
        strings=("wslusb emulator", "Printer", serial),
        speed=speed,
    )


@dataclass(slots=True)
class Paper:
    """How many bytes can be printed, None for no end, and after how many seconds somebody puts in more; 0: nobody."""

    size: int | None = None
    refill: float = 0.0


class PrinterFirmware(Firmware):
    """Behaviour. ``printed`` gets every byte that arrives, job language and all."""

    def __init__(self, serial: str = "PRINTER0001", printed: Record | None = None, paper: Paper | None = None) -> None:
        self._id = f"MFG:wslusb;MDL:Virtual printer;CMD:PJL,RAW;CLS:PRINTER;DES:Virtual printer;SN:{serial};".encode()
        self._printed = printed or Record()
        self._paper = paper or Paper()
        self._left = self._paper.size
        self._out_of_paper = False
        self._refilling: Timer | None = None
        self._line = b""
        self._sink: _Sink | None = None
        self._source: InHandler | None = None

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        """The way to the paper, and in alternate 0 the way back."""
        if is_in(place.endpoint.address):
            self._source = InHandler()
            return self._source
        self._sink, self._source = _Sink(self), None  # the way back comes after it, if it is there
        return self._sink

    def attached(self) -> None:
        """A file begins; whoever waits for paper waits anew."""
        self._printed.begin()
        if self._out_of_paper:
            self._run_out()

    def detached(self) -> None:
        """Nobody brings paper to a printer that is not there."""
        if self._refilling is not None:
            self._refilling.cancel()
            self._refilling = None

    def configured(self, value: int) -> None:
        """What was begun is forgotten; paper comes no sooner and no later for it."""
        self._line = b""
        if not value:
            self._sink = self._source = None

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:  # noqa: ARG002
        """The class's requests (4.2). Its revision 1.0 sent the reset to "other", and Linux still does."""
        if setup.value:
            return None
        asked = setup.request_type, setup.request
        if asked == (0xA1, _GET_DEVICE_ID) and setup.index <= 1:  # interface << 8 | alternate
            return (len(self._id) + 2).to_bytes(2, "big") + self._id
        if asked == (0xA1, _GET_PORT_STATUS) and setup.index == 0:
            return bytes((self._status(),))
        if asked in ((0x21, _SOFT_RESET), (0x23, _SOFT_RESET)) and setup.index == 0:
            self._soft_reset()
            return b""
        return None

    def _status(self) -> int:
        return _SELECTED | (_PAPER_EMPTY if self._out_of_paper else _NO_ERROR)

    def _soft_reset(self) -> None:
        """Forget what is half done (4.2.3): the endpoints as they were after SET_CONFIGURATION."""
        self._line = b""
        if self._source is not None:
            self._source.pipe.clear()
            self._source.pipe.clear_halt()
        if self._sink is not None:
            self._sink.pipe.clear_halt()

    def print(self, data: memoryview, packet: int) -> int:
        """Print whole packets as long as there is paper; how many bytes that was."""
        taken = len(data)
        if self._left is not None:
            if taken > self._left:
                taken = self._left - self._left % packet
                self._run_out()
            self._left -= taken
        if taken:
            self._printed.data(bytes(data[:taken]))
            self._read_job(bytes(data[:taken]))
        return taken

    def _run_out(self) -> None:
        self._out_of_paper = True
        if self._paper.refill and self._refilling is None:
            self._refilling = self.after(self._paper.refill, self._refill)

    def _refill(self) -> None:
        self._left, self._out_of_paper, self._refilling = self._paper.size, False, None
        if self._sink is not None:
            self._sink.pipe.resume()

    def _read_job(self, data: bytes) -> None:
        """Answer the questions in what was printed; one may be split over packets."""
        if self._source is None:
            return
        self._line += data
        for match in _JOB_LANGUAGE.finditer(self._line):
            self._source.pipe.send(self._answer(match[1].decode()), end=True)
        self._line = self._line[self._line.rfind(b"\n") + 1 :][-_LONGEST_LINE:]

    def _answer(self, question: str) -> bytes:
        """Printers echo the line, and end with a form feed."""
        answers = {
            "INFO ID": '"Virtual printer"\r\n',
            "INFO STATUS": 'CODE=10001\r\nDISPLAY="Ready"\r\nONLINE=TRUE\r\n',
        }
        return f"@PJL {question}\r\n{answers.get(question, '')}\f".encode()


class _Sink(OutHandler):
    def __init__(self, firmware: PrinterFirmware) -> None:
        self._firmware = firmware

    def received(self, data: memoryview, end: bool) -> int | None:  # noqa: ARG002
        if not data:
            return 0
        return self._firmware.print(data, self.pipe.max_packet) or None


def _make(options: Options) -> Model:
    serial = options.serial(f"PRINTER{options.number:04d}")
    paper = Paper(options.size("paper"), options.integer("refill", 0, 0, 3_600_000) / 1000)
    gadget = printer_gadget(serial, options.speed(Speed.HIGH, ("full", "high")))
    return Model(gadget, PrinterFirmware(serial, Record.from_options(options, "file"), paper))


KIND = Kind(
    name="printer",
    summary="a bidirectional printer",
    make=_make,
    options={
        "file": "where what is printed goes",
        "paper": "bytes until it is out of paper (default: never)",
        "refill": "milliseconds until there is paper again; 0 (the default): never",
        "speed": "full or high (the default)",
        "serial": "serial number",
    },
    driver="usblp",
)
