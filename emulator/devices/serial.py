"""A serial port of the Abstract Control Model, as modems and microcontrollers have it (CDC 1.2; PSTN 1.2)."""

from __future__ import annotations

import struct

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Interface
from wslusb.usb.ids import ClassCode, TransferType, is_in
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import InHandler, OutHandler
from ..gadget import Gadget, Place
from ..model import Kind, Model
from ..options import Options
from ..variants import at_speed
from .cdc_parts import descriptors as cdc
from .cdc_parts.notifications import Notification, Notifications
from .uart_parts.chip import OPTIONS, SerialFirmware, Transmitter, uart_from_options
from .uart_parts.line import Error, Format, Signal
from .uart_parts.uart import Uart

__all__ = ["KIND", "AcmFirmware", "serial_gadget"]

_LINE_CODING = struct.Struct("<IBBB")
_CAPABILITIES = 0x06
"""Line coding, control lines and SERIAL_STATE; SEND_BREAK (PSTN 1.2, table 4)."""
_AT_COMMANDS = 0x01
_SET_LINE_CODING, _GET_LINE_CODING = (0x21, 0x20), (0xA1, 0x21)
_SET_CONTROL_LINE_STATE, _SEND_BREAK = (0x21, 0x22), (0x21, 0x23)
_STATE_BITS = {Signal.DCD: 0x01, Signal.DSR: 0x02, Signal.RING: 0x08}
_ERROR_BITS = {Error.BREAK: 0x04, Error.FRAMING: 0x10, Error.PARITY: 0x20, Error.OVERRUN: 0x40}
"""UART state bits (PSTN 1.2, table 31). The errors are true for one notification."""


def serial_gadget(serial: str = "SERIAL0001") -> Gadget:
    """The description, at high speed: a communications interface with the notifications, and a data interface."""
    control = Interface(
        0, 0, ClassCode.COMMUNICATIONS, cdc.Subclass.ABSTRACT_CONTROL, _AT_COMMANDS,
        endpoints=[cdc.notification_endpoint(0x82)],
        extra=[cdc.header(), cdc.call_management(1), cdc.abstract_control(_CAPABILITIES), cdc.union(0, 1)],
    )  # fmt: skip
    data = Interface(1, 0, ClassCode.CDC_DATA, endpoints=cdc.bulk_pair(0x81, 0x01))
    return Gadget(
        device=DeviceDescriptor(
            0x0525, 0xA4A7, 0x0200, ClassCode.COMMUNICATIONS, manufacturer=1, product_string=2, serial=3
        ),
        configurations=(Configuration(1, [control, data]),),
        strings=("wslusb emulator", "Serial port", serial),
    )


class AcmFirmware(SerialFirmware):
    """Behaviour of both interfaces."""

    def __init__(self, uart: Uart) -> None:
        super().__init__(uart)
        self._coding = _LINE_CODING.pack(9600, 0, 0, 8)
        self._notifications: Notifications | None = None
        self._errors = Error(0)

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        """Notifications, or either end of the data interface."""
        if place.endpoint.transfer == TransferType.INTERRUPT:
            self._notifications = Notifications(self.first_interface + place.interface)
            return self._notifications
        if is_in(place.endpoint.address):
            self.sender = _Sender(self.uart)
            return self.sender
        self.taker = Transmitter(self.uart)
        return self.taker

    def configured(self, value: int) -> None:
        """Nobody has the port open any more."""
        self.uart.drive(Signal(0))
        if not value:
            self.sender = self.taker = self._notifications = None

    def detached(self) -> None:
        """See :class:`emulator.firmware.Firmware`."""
        self._notifications = None
        super().detached()

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:
        """The requests of PSTN 1.2, 6.3, that the descriptors promise."""
        request = setup.request_type, setup.request
        if request == _SET_LINE_CODING and len(data) == _LINE_CODING.size:
            return self._set_line_coding(bytes(data))
        if request == _GET_LINE_CODING:
            return self._coding
        if request == _SET_CONTROL_LINE_STATE:
            self._set_control_lines(setup.value)
            return b""
        if request == _SEND_BREAK:
            self.uart.send_break(setup.value)
            return b""
        return None

    def _set_line_coding(self, data: bytes) -> Buffer | None:
        baud, stop, parity, bits = _LINE_CODING.unpack(data)
        if stop > 2 or parity > 4 or bits not in (5, 6, 7, 8, 16):
            return None
        self._coding = data
        self.uart.set_format(Format(baud, bits, parity, stop))
        return b""

    def _set_control_lines(self, value: int) -> None:
        outputs = (Signal.DTR if value & 1 else Signal(0)) | (Signal.RTS if value & 2 else Signal(0))
        opening = Signal.DTR in outputs & ~self.uart.outputs
        self.uart.drive(outputs)
        if opening:  # a host that has just opened the port does not know how the lines are
            self.signalled(Error(0))

    def signalled(self, errors: Error) -> None:
        """See :class:`.uart_parts.uart.Chip`: SERIAL_STATE (PSTN 1.2, 6.5.4)."""
        self._errors |= errors
        if self._notifications is not None:
            self._notifications.notify(Notification.SERIAL_STATE, self._state)

    def _state(self) -> tuple[int, bytes]:
        bits = sum(bit for signal, bit in _STATE_BITS.items() if signal in self.uart.signals)
        bits |= sum(bit for error, bit in _ERROR_BITS.items() if error in self._errors)
        self._errors = Error(0)
        return 0, struct.pack("<H", bits)


class _Sender(InHandler):
    """Bulk IN: characters from the line."""

    def __init__(self, uart: Uart) -> None:
        self._uart = uart

    def wanted(self, room: int) -> None:
        if self._uart.waiting:
            self.pipe.send(self._uart.fetch(room), end=not self._uart.waiting)


def _make(options: Options) -> Model:
    gadget = serial_gadget(options.serial(f"SERIAL{options.number:04d}"))
    return Model(at_speed(gadget, options.speed()), AcmFirmware(uart_from_options(options)))


KIND = Kind(
    name="serial",
    summary="a serial port (CDC-ACM)",
    make=_make,
    options={"serial": "serial number", "speed": "full, high (default) or super", **OPTIONS},
    driver="cdc_acm",
)
