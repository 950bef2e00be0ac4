"""An FT232R, the USB serial port of FTDI. No class: vendor requests, and two bytes of status ahead of each packet.

Facts are those of drivers/usb/serial/ftdi_sio.h and FTDI's application notes AN232B-04 (latency timer) and AN232B-05.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from wslusb.device.clock import Timer
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import Speed, TransferType, is_in
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import InHandler, OutHandler
from ..gadget import Gadget, Place
from ..model import Kind, Model
from ..options import Options
from .ftdi_parts.divisor import baud_rate
from .ftdi_parts.eeprom import Eeprom
from .uart_parts.chip import OPTIONS, SerialFirmware, Transmitter, uart_from_options
from .uart_parts.line import Error, Signal
from .uart_parts.uart import Uart

__all__ = ["KIND", "FtdiFirmware", "ftdi_gadget"]

_VENDOR_OUT, _VENDOR_IN = 0x40, 0xC0
_BREAK = 0x4000
_PURGE_RECEIVED = 1
_STATUS = 2
_LATENCY_MILLISECONDS = 16
_MODEM_BITS = {Signal.CTS: 0x10, Signal.DSR: 0x20, Signal.RING: 0x40, Signal.DCD: 0x80}
_LINE_BITS = {Error.OVERRUN: 0x02, Error.PARITY: 0x04, Error.FRAMING: 0x08, Error.BREAK: 0x10}
_NONE = Error(0)
_MODEM_ALWAYS, _TRANSMITTER_EMPTY = 0x01, 0x60


def ftdi_gadget(serial: str = "FTDI0001") -> Gadget:
    """The description, that of the chip as it leaves the factory but for the serial number. Full speed only."""
    endpoints = [Endpoint(0x81, TransferType.BULK, 64), Endpoint(0x02, TransferType.BULK, 64)]
    interface = Interface(0, 0, 0xFF, 0xFF, 0xFF, string=2, endpoints=endpoints)
    return Gadget(
        device=DeviceDescriptor(
            0x0403, 0x6001, 0x0200, max_packet_size0=8, bcd_device=0x0600, manufacturer=1, product_string=2, serial=3
        ),
        configurations=(Configuration(1, [interface], attributes=0xA0, max_power=45),),
        strings=("FTDI", "FT232R USB UART", serial),
        speed=Speed.FULL,
    )


class FtdiFirmware(SerialFirmware):
    """Behaviour. Everything arrives at the device, with wIndex for the port: there is but one."""

    sender: _Packets | None = None

    def __init__(self, uart: Uart, eeprom: Eeprom) -> None:
        super().__init__(uart)
        self._bits = 0
        self._break = False
        self.latency = _LATENCY_MILLISECONDS
        self.event: int | None = None
        """The character that does not wait for the latency timer."""
        self._sets: dict[int, Callable[[int, int], None]] = {
            0x00: self._reset, 0x01: self._set_modem, 0x02: _nothing, 0x03: self._set_baud, 0x04: self._set_data,
            0x06: self._set_event, 0x07: _nothing, 0x09: self._set_latency, 0x0B: self._set_bits,
            0x91: lambda word, address: eeprom.write(address, word), 0x92: lambda _value, _index: eeprom.erase(),
        }  # fmt: skip
        """OUT: flow control and the error character (0x02, 0x07) are taken, and there is nothing to do for them."""
        self._gets: dict[int, Callable[[int], bytes]] = {
            0x05: lambda _index: self.status(), 0x0A: lambda _index: bytes((self.latency,)),
            0x0C: lambda _index: bytes((self._bits,)), 0x90: eeprom.read,
        }  # fmt: skip

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        """Either direction."""
        if is_in(place.endpoint.address):
            self.sender = _Packets(self)
            return self.sender
        self.taker = Transmitter(self.uart)
        return self.taker

    def configured(self, value: int) -> None:
        """Also after a reset of the port."""
        self.uart.drive(Signal(0))
        if not value:
            self.sender = self.taker = None

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:  # noqa: ARG002
        """The vendor requests."""
        if setup.request_type == _VENDOR_OUT and (change := self._sets.get(setup.request)):
            change(setup.value, setup.index)
            return b""
        if setup.request_type == _VENDOR_IN and (ask := self._gets.get(setup.request)):
            return ask(setup.index)
        return None

    def _reset(self, value: int, _index: int) -> None:
        if value in (0, _PURGE_RECEIVED):
            self.uart.purge()
        if not value:
            self.event = None
            self.uart.drive(Signal(0))

    def _set_modem(self, value: int, _index: int) -> None:
        outputs = self.uart.outputs
        for signal, bit in ((Signal.DTR, 1), (Signal.RTS, 2)):
            if value >> 8 & bit:
                outputs = outputs | signal if value & bit else outputs & ~signal
        self.uart.drive(outputs)

    def _set_baud(self, value: int, index: int) -> None:
        self._format(baud=baud_rate(value, index))

    def _set_data(self, value: int, _index: int) -> None:
        before = self._break
        self._break = value & _BREAK != 0
        if self._break != before:
            self.uart.send_break(0xFFFF if self._break else 0)
        else:
            self._format(data=value & 0xFF or 8, parity=value >> 8 & 7, stop=value >> 11 & 7)

    def _format(self, **fields: int) -> None:
        self.uart.set_format(dataclasses.replace(self.uart.format, **fields))

    def _set_event(self, value: int, _index: int) -> None:
        self.event = value & 0xFF if value & 0x100 else None

    def _set_latency(self, value: int, _index: int) -> None:
        self.latency = max(1, value & 0xFF)

    def _set_bits(self, value: int, _index: int) -> None:
        self._bits = value & 0xFF

    def status(self, errors: Error = _NONE) -> bytes:
        """Modem status and line status."""
        modem = sum(bit for signal, bit in _MODEM_BITS.items() if signal in self.uart.signals)
        line = sum(bit for error, bit in _LINE_BITS.items() if error in errors)
        return bytes((_MODEM_ALWAYS | modem, _TRANSMITTER_EMPTY | line))

    def signalled(self, errors: Error) -> None:
        """See :class:`.uart_parts.uart.Chip`: a change is told at once."""
        if self.sender is not None:
            self.sender.changed(errors)


def _nothing(_value: int, _index: int) -> None:
    pass


class _Packets(InHandler):
    """Bulk IN: full packets at once, and whatever there is, be it the status alone, when the latency timer runs out."""

    def __init__(self, firmware: FtdiFirmware) -> None:
        self._firmware = firmware
        self._errors = _NONE
        self._timer: Timer | None = None
        self._due = False

    def changed(self, errors: Error) -> None:
        """A packet is due for the status."""
        self._errors |= errors
        if Error.BREAK in errors or Error.FRAMING in errors:
            # A receiver makes a character of what it cannot read: NUL for a break.
            self._firmware.uart.receive(b"\0")
        self._flush()

    def _flush(self) -> None:
        self._due, self._timer = True, None
        self.pipe.resume()

    def wanted(self, room: int) -> None:
        uart, most = self._firmware.uart, self.pipe.max_packet - _STATUS
        if uart.waiting >= most:
            self._send(uart.fetch(min(uart.waiting // most, room // self.pipe.max_packet) * most))
        elif self._due or self._event_waits():
            self._due = False
            self._send(uart.fetch(most))
        elif self._timer is None:
            self._timer = uart.after(self._firmware.latency / 1000, self._flush)

    def _event_waits(self) -> bool:
        event = self._firmware.event
        return event is not None and event in self._firmware.uart.peek()

    def _send(self, data: bytes) -> None:
        most = self.pipe.max_packet - _STATUS
        packets = bytearray()
        for start in range(0, max(1, len(data)), most):
            packets += self._firmware.status(self._errors) + data[start : start + most]
            self._errors = _NONE
        self.pipe.send(bytes(packets))


def _make(options: Options) -> Model:
    gadget = ftdi_gadget(options.serial(f"FTDI{options.number:04d}"))
    device, configuration = gadget.device, gadget.configurations[0]
    manufacturer, product, serial = gadget.strings
    eeprom = Eeprom.of(
        (device.vendor, device.product, device.bcd_device), (configuration.attributes, configuration.max_power),
        (manufacturer, product, serial),
    )  # fmt: skip
    return Model(gadget, FtdiFirmware(uart_from_options(options), eeprom))


KIND = Kind(
    name="ftdi",
    summary="a serial port (FTDI FT232R)",
    make=_make,
    options={"serial": "serial number", **OPTIONS},
    driver="ftdi_sio",
)
