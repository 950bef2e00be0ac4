"""Several devices in one: each becomes a function of a composite device (USB 2.0, 5.2.3), with its own driver.

A function keeps the numbers that it knows: the requests and endpoints that it hears of are those of the device that it
was. One that re-enumerates (:meth:`.firmware.Board.reenumerate`) takes the others with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from wslusb.errors import LocalError, LocalReason
from wslusb.usb.descriptors import Configuration, DeviceDescriptor
from wslusb.usb.descriptors_extra import InterfaceAssociation
from wslusb.usb.ids import DIR_IN, ClassCode, Speed
from wslusb.usb.setup import Recipient, Setup
from wslusb.usb.urb import Buffer

from .firmware import PASS, Deferred, Firmware, InHandler, IsoHandler, OutHandler, Pass
from .gadget import Gadget, Place
from .model import Model
from .renumber import Numbers
from .variants import at_speed

__all__ = ["CompositeFirmware", "composite"]

_LAST_ENDPOINT = 15
_MOST_POWER = 250
"""500 mA."""
_MULTIPLE = (0xEF, 0x02, 0x01)
"""Class, subclass and protocol of a device with interface associations."""
_VENDOR, _PRODUCT = 0x1D6B, 0x0104
_PRINTER_ID = (0xA1, 0x00)
"""GET_DEVICE_ID of printers, which has the interface in the high byte of wIndex (Printer Class 1.1, 4.2.1)."""


@dataclass(slots=True)
class _Function:
    """A device as a part of another one. ``configuration`` is the one that it plays: its first."""

    firmware: Firmware
    configuration: Configuration
    numbers: Numbers

    @property
    def interfaces(self) -> range:
        """Its interfaces in the whole device."""
        first = self.numbers.first_interface
        return range(first, first + len({each.number for each in self.configuration.interfaces}))

    def endpoint_within(self, address: int) -> int | None:
        """What the function calls an endpoint of the whole device; None for one that it does not have."""
        return next((own for own, allotted in self.numbers.endpoints.items() if allotted == address), None)


def composite(
    models: Sequence[Model], serial: str = "COMPOSITE0001", speed: Speed = Speed.HIGH,
    identity: tuple[int, int] = (_VENDOR, _PRODUCT),
) -> Model:  # fmt: skip
    """One device of several. LocalError if they have too many endpoints together."""
    strings = ["wslusb emulator", "Composite device", serial]
    functions: list[_Function] = []
    used: set[int] = set()
    for model in models:
        gadget = at_speed(model.gadget, Speed.HIGH)
        configuration = gadget.configurations[0]
        first = functions[-1].interfaces.stop if functions else 0
        numbers = Numbers(first, len(strings), _allot(configuration, used))
        functions.append(_Function(model.firmware, configuration, numbers))
        strings += gadget.strings
        model.firmware.first_interface = first
    configuration = _joined(functions)
    associated = any(each.association for each in configuration.interfaces)
    gadget = Gadget(
        device=DeviceDescriptor(
            *identity, 0x0200, *(_MULTIPLE if associated else (0, 0, 0)), manufacturer=1, product_string=2, serial=3
        ),
        configurations=(configuration,), strings=tuple(strings),
    )  # fmt: skip
    return Model(at_speed(gadget, speed), CompositeFirmware(functions))


def _allot(configuration: Configuration, used: set[int]) -> dict[int, int]:
    """Addresses for a function's endpoints: its own ones where they are free, otherwise the next."""
    allotted: dict[int, int] = {}
    for address in sorted({endpoint.address for each in configuration.interfaces for endpoint in each.endpoints}):
        direction = address & DIR_IN
        free = [direction | number for number in range(1, _LAST_ENDPOINT + 1) if direction | number not in used]
        if not free:
            raise LocalError(LocalReason.BAD_DESCRIPTOR, "the functions have more endpoints than a device can have")
        allotted[address] = address if address in free else free[0]
        used.add(allotted[address])
    return allotted


def _joined(functions: Sequence[_Function]) -> Configuration:
    """One configuration of all. Interfaces that are one function are associated."""
    whole = Configuration(1, attributes=0x80, max_power=0)
    for function in functions:
        part, numbers = function.configuration, function.numbers
        interfaces = [numbers.interface(each) for each in part.interfaces]
        if len(function.interfaces) > 1 and not any(each.association for each in interfaces):
            first = interfaces[0]
            kind = first.interface_class, first.subclass, first.protocol
            first.association = InterfaceAssociation(first.number, len(function.interfaces), *kind)
        whole.interfaces += interfaces
        whole.extra += part.extra
        whole.attributes |= part.attributes
        whole.max_power = min(whole.max_power + part.max_power, _MOST_POWER)
    return whole


class CompositeFirmware(Firmware):
    """Sends each request, and each endpoint, to its function."""

    def __init__(self, functions: Sequence[_Function]) -> None:
        self._functions = functions

    def attached(self) -> None:
        """See :class:`.firmware.Firmware`."""
        for function in self._functions:
            function.firmware.board = self.board
            function.firmware.attached()

    def detached(self) -> None:
        """See :class:`.firmware.Firmware`."""
        for function in self._functions:
            function.firmware.board = None
            function.firmware.detached()

    def configured(self, value: int) -> None:
        """See :class:`.firmware.Firmware`."""
        for function in self._functions:
            function.firmware.configured(function.configuration.value if value else 0)

    def reset(self) -> None:
        """See :class:`.firmware.Firmware`."""
        for function in self._functions:
            function.firmware.reset()

    def endpoint(self, place: Place) -> InHandler | OutHandler | IsoHandler | None:
        """Ask the function, in its own numbers."""
        function = next(each for each in self._functions if place.interface in each.interfaces)
        address = function.endpoint_within(place.endpoint.address)
        assert address is not None, "an interface's endpoints are its function's"  # noqa: S101
        own = Place(
            function.configuration.value, place.interface - function.interfaces.start, place.alternate,
            dataclasses.replace(place.endpoint, address=address),
        )  # fmt: skip
        return function.firmware.endpoint(own)

    def override(self, setup: Setup, data: memoryview) -> Buffer | Deferred | Pass | None:
        """What is about an interface or endpoint may be its function's to answer; the device is not any function's."""
        for function, own in self._addressed(setup):
            return function.firmware.override(own, data)
        return PASS

    def control(self, setup: Setup, data: memoryview) -> Buffer | Deferred | None:
        """The function that is addressed; requests to the device are offered to one function after the other."""
        whole = setup.recipient == Recipient.DEVICE
        takers = [(each, setup) for each in self._functions] if whole else self._addressed(setup)
        for function, own in takers:
            reply = function.firmware.control(own, data)
            if reply is not None:
                return reply
        return None

    def _addressed(self, setup: Setup) -> list[tuple[_Function, Setup]]:
        """At most one function, and the request in its numbers. The high byte of wIndex is the class's to use."""
        shift = 8 if (setup.request_type, setup.request) == _PRINTER_ID and self._is_printer(setup.index >> 8) else 0
        number, rest = setup.index >> shift & 0xFF, setup.index & ~(0xFF << shift)
        for function in self._functions:
            if setup.recipient == Recipient.ENDPOINT:
                own = function.endpoint_within(number)
            elif setup.recipient != Recipient.DEVICE and number in function.interfaces:
                own = number - function.interfaces.start
            else:
                own = None
            if own is not None:
                return [(function, dataclasses.replace(setup, index=rest | own << shift))]
        return []

    def _is_printer(self, number: int) -> bool:
        for function in self._functions:
            for interface in function.configuration.interfaces:
                if interface.number + function.interfaces.start == number:
                    return interface.interface_class == ClassCode.PRINTER
        return False
