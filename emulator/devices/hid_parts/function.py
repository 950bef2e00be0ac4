"""A HID interface: its descriptors, and a firmware that answers the requests of the class (HID 1.11, 6.2 and 7).

A device's author gives a report descriptor and says what the input report is, and what an output report does.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Sequence

from wslusb.device.clock import Timer
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import ClassCode, DescriptorType, Speed, TransferType, is_in
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Buffer

from ...firmware import Deferred, Firmware, InHandler, OutHandler
from ...gadget import Gadget, Place

__all__ = ["Boot", "HidFirmware", "ReportType", "hid_descriptor", "hid_gadget"]

_VERSION = 0x0111
_NOT_LOCALISED = 0
_REPORT_DESCRIPTOR = 0x22
_IDLE_UNIT = 0.004
_CAN_WAKE = 0xA0
_FROM, _TO = 0xA1, 0x21  # class requests to an interface


class Boot(enum.IntEnum):
    """bInterfaceProtocol: what firmware of PCs may take the device for without reading its report descriptor (4.3)."""

    NONE = 0
    KEYBOARD = 1
    MOUSE = 2


class ReportType(enum.IntEnum):
    """High byte of wValue in GET_REPORT and SET_REPORT (7.2.1)."""

    INPUT = 1
    OUTPUT = 2
    FEATURE = 3


class _ClassRequest(enum.IntEnum):
    """bRequest (7.2)."""

    GET_REPORT = 1
    GET_IDLE = 2
    GET_PROTOCOL = 3
    SET_REPORT = 9
    SET_IDLE = 10
    SET_PROTOCOL = 11


def hid_descriptor(report_descriptor: bytes) -> bytes:
    """The class descriptor of an interface with that one report descriptor (6.2.1)."""
    return struct.pack(
        "<BBHBBBH", 9, DescriptorType.HID, _VERSION, _NOT_LOCALISED, 1, _REPORT_DESCRIPTOR, len(report_descriptor)
    )


def hid_gadget(
    product: int, strings: Sequence[str], report_descriptor: bytes, endpoints: Sequence[int], *,
    boot: Boot = Boot.NONE, speed: Speed = Speed.FULL, packet: int = 8, interval: int = 10,
) -> Gadget:  # fmt: skip
    """A device with one HID interface. ``strings`` are manufacturer, product, serial; ``interval`` is milliseconds.

    ``product`` is one of those that pid.codes keeps for tests (1209:0001 to 1209:0010).
    """
    # At high speed bInterval is an exponent of 125 us (USB 2.0, table 9-13): the power of two at or below.
    polling = (interval * 8).bit_length() if speed == Speed.HIGH else interval
    interface = Interface(
        0, 0, ClassCode.HID, int(boot is not Boot.NONE), boot, extra=[hid_descriptor(report_descriptor)],
        endpoints=[Endpoint(address, TransferType.INTERRUPT, packet, polling) for address in endpoints],
    )  # fmt: skip
    return Gadget(
        device=DeviceDescriptor(
            0x1209, product, 0x0110 if speed == Speed.LOW else 0x0200, max_packet_size0=8 if speed == Speed.LOW else 64,
            manufacturer=1, product_string=2, serial=3,
        ),
        configurations=(Configuration(1, [interface], attributes=_CAN_WAKE if boot else 0x80),),
        strings=tuple(strings),
        speed=speed,
    )  # fmt: skip


class HidFirmware(Firmware):
    """Behaviour of one HID interface, number 0, without report IDs."""

    def __init__(self, report_descriptor: bytes, boot: Boot = Boot.NONE) -> None:
        self.boot_protocol = False
        """Whether the host has asked for boot reports; it must ask again after each configuration (7.2.6)."""
        self._is_configured = False
        self._report_descriptor = report_descriptor
        self._boot = boot
        self._idle = 0
        self._repeat: Timer | None = None
        self._source = InHandler()
        self._requests: dict[tuple[int, int], Callable[[Setup, memoryview], Buffer | None]] = {
            (0x81, Request.GET_DESCRIPTOR): self._descriptor,
            (_FROM, _ClassRequest.GET_REPORT): self._get_report,
            (_TO, _ClassRequest.SET_REPORT): self._set_report,
        }
        if boot:  # who else has these may leave them out (appendix G), and nobody asks raw reports to be repeated
            self._requests[_FROM, _ClassRequest.GET_IDLE] = self._get_idle
            self._requests[_TO, _ClassRequest.SET_IDLE] = self._set_idle
            self._requests[_FROM, _ClassRequest.GET_PROTOCOL] = self._get_protocol
            self._requests[_TO, _ClassRequest.SET_PROTOCOL] = self._set_protocol

    # -- what a device is made of

    def input_report(self) -> bytes:
        """The input report as it is now."""
        raise NotImplementedError

    def output_report(self, data: bytes) -> bool:  # noqa: ARG002
        """Take an output report, by either way. False: it is not one of this device, stall it."""
        return False

    def polled(self) -> None:
        """The host asks for input and there is none. It does so from when a program (or a console) listens."""

    def taken(self) -> None:
        """The host has all input reports that were sent."""

    def repeated(self) -> None:
        """The input report is to be told again, though nothing happened: relative values are 0 in it."""

    # -- what a device calls

    def send_report(self) -> None:
        """Queue the input report as it is now."""
        self.send(self.input_report())
        self._plan_repeat()

    def send(self, report: bytes) -> None:
        """Queue a report that is an event of its own."""
        self._source.pipe.send(report)

    @property
    def backlog(self) -> int:
        """Bytes of input reports that the host has not taken."""
        return self._source.pipe.queued

    # -- the frame

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        """Input, or output for a device that has such an endpoint."""
        if not is_in(place.endpoint.address):
            return _Sink(self)
        self._source = _Source(self)
        return self._source

    def configured(self, value: int) -> None:
        """Report protocol, and no idle reports (7.2.4 leaves that to the device but for keyboards)."""
        self._is_configured = value != 0
        self.boot_protocol = False
        self._idle = 0
        self._plan_repeat()

    def control(self, setup: Setup, data: memoryview) -> Buffer | Deferred | None:
        """Requests to the one interface, which is there while the device is configured."""
        if not self._is_configured:
            return None
        answer = self._requests.get((setup.request_type, setup.request))
        return answer(setup, data) if answer and setup.index == 0 else None

    def _descriptor(self, setup: Setup, data: memoryview) -> bytes | None:  # noqa: ARG002
        wanted = {
            DescriptorType.HID << 8: hid_descriptor(self._report_descriptor),
            _REPORT_DESCRIPTOR << 8: self._report_descriptor,
        }
        return wanted.get(setup.value)

    def _get_report(self, setup: Setup, data: memoryview) -> bytes | None:  # noqa: ARG002
        if setup.value != ReportType.INPUT << 8:
            return None
        self.repeated()
        return self.input_report()

    def _set_report(self, setup: Setup, data: memoryview) -> bytes | None:
        return b"" if setup.value == ReportType.OUTPUT << 8 and self.output_report(bytes(data)) else None

    def _get_idle(self, setup: Setup, data: memoryview) -> bytes | None:  # noqa: ARG002
        return None if setup.value else bytes((self._idle,))

    def _set_idle(self, setup: Setup, data: memoryview) -> bytes | None:  # noqa: ARG002
        if setup.value & 0xFF:  # a report ID, and we have none
            return None
        self._idle = setup.value >> 8
        self._plan_repeat()
        return b""

    def _get_protocol(self, setup: Setup, data: memoryview) -> bytes | None:  # noqa: ARG002
        return None if setup.value else bytes((not self.boot_protocol,))

    def _set_protocol(self, setup: Setup, data: memoryview) -> bytes | None:  # noqa: ARG002
        if setup.value > 1:
            return None
        self.boot_protocol = setup.value == 0
        return b""

    def _plan_repeat(self) -> None:
        """Report again what has not changed, at the idle rate (7.2.4); 0 is: at a change only."""
        if self._repeat is not None:
            self._repeat.cancel()
        self._repeat = self.after(self._idle * _IDLE_UNIT, self._repeat_now) if self._idle else None

    def _repeat_now(self) -> None:
        if self.backlog:
            self._plan_repeat()
        else:
            self.repeated()
            self.send_report()


class _Source(InHandler):
    def __init__(self, firmware: HidFirmware) -> None:
        self._firmware = firmware

    def wanted(self, room: int) -> None:  # noqa: ARG002
        self._firmware.polled()

    def drained(self) -> None:
        self._firmware.taken()


class _Sink(OutHandler):
    """Each packet is a report: those of our devices are no longer than one."""

    def __init__(self, firmware: HidFirmware) -> None:
        self._firmware = firmware

    def received(self, data: memoryview, end: bool) -> int | None:  # noqa: ARG002
        size = self.pipe.max_packet
        for start in range(0, len(data), size):
            self._firmware.output_report(bytes(data[start : start + size]))
        return len(data)
