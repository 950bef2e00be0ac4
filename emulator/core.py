"""The state of a configured device: which configuration, which alternate settings, which endpoints are alive.

USB 2.0, 9.1.1 draws the states. Address and default state are one here: the host's controller gives addresses, and what
crosses the Device seam has one already. All methods are called with the device's lock held.
"""

from __future__ import annotations

from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.urb import Status

from .features import Features
from .firmware import Firmware, InHandler, IsoHandler, OutHandler
from .frames import Frames
from .gadget import Gadget, Place
from .iso import IsoPipe
from .pipe import InPipe, OutPipe, Pipe, Put

__all__ = ["Core"]


class Core:
    """Configuration, alternate settings and pipes of one device."""

    def __init__(self, gadget: Gadget, firmware: Firmware, put: Put, frames: Frames) -> None:
        self.gadget = gadget
        self.firmware = firmware
        self.pipes: dict[int, Pipe] = {}
        self.features = Features(self)
        self.exit_latencies = b""
        """What SET_SEL said last: the bytes of USB 3.2, table 9-13."""
        self.isoch_delay = 0
        """What SET_ISOCH_DELAY said last, in nanoseconds."""
        self._put = put
        self._frames = frames
        self._configuration: Configuration | None = None
        self._alternates: dict[int, Interface] = {}

    @property
    def configuration(self) -> int:
        """The bConfigurationValue that is active, 0 for none."""
        return self._configuration.value if self._configuration else 0

    @property
    def attributes(self) -> int:
        """The bmAttributes of the active configuration; 0 for none."""
        return self._configuration.attributes if self._configuration else 0

    def alternate(self, number: int) -> int | None:
        """The active alternate setting of an interface; None if there is no such interface now."""
        interface = self._alternates.get(number)
        return None if interface is None else interface.alternate

    def configure(self, value: int) -> bool:
        """SET_CONFIGURATION (USB 2.0, 9.4.7): all interfaces at alternate 0, halts cleared. False: no such value.

        Also for the value that is active already: that is how hosts reset a device lightly.
        """
        configuration = self.gadget.configuration(value)
        if value and configuration is None:
            return False
        self._drop(list(self.pipes))
        self._configuration, self._alternates = configuration, {}
        self.features.reset_functions()
        for interface in _defaults(configuration) if configuration else ():
            self._bring_up(interface)
        self.firmware.configured(value)
        return True

    def choose(self, number: int, alternate: int) -> bool:
        """SET_INTERFACE (USB 2.0, 9.4.10). False: there is no such setting now."""
        settings = self._configuration.interfaces if self._configuration else ()
        new = next((each for each in settings if (each.number, each.alternate) == (number, alternate)), None)
        if new is None:
            return False
        self._drop([endpoint.address for endpoint in self._alternates[number].endpoints])
        self._bring_up(new)
        return True

    def reset(self) -> None:
        """What a reset of the port leaves: no configuration, no feature set."""
        self.features.reset()
        self.configure(0)

    def flush(self, status: Status) -> None:
        """Give back all URBs that wait, and forget the endpoints."""
        self._drop(list(self.pipes), status)

    def _drop(self, addresses: list[int], status: Status = Status.CANCELLED) -> None:
        for address in addresses:
            self.pipes.pop(address).flush(status)

    def _bring_up(self, interface: Interface) -> None:
        self._alternates[interface.number] = interface
        for endpoint in interface.endpoints:
            place = Place(self.configuration, interface.number, interface.alternate, endpoint)
            self.pipes[endpoint.address] = self._pipe(endpoint, self.firmware.endpoint(place))

    def _pipe(self, endpoint: Endpoint, handler: InHandler | OutHandler | IsoHandler | None) -> Pipe:
        if endpoint.transfer == TransferType.ISOCHRONOUS:
            taker = handler if isinstance(handler, IsoHandler) else None
            return IsoPipe(endpoint, self._put, self._frames, self.gadget.speed, taker)
        if is_in(endpoint.address):
            return InPipe(endpoint, self._put, handler if isinstance(handler, InHandler) else None)
        return OutPipe(endpoint, self._put, handler if isinstance(handler, OutHandler) else None)


def _defaults(configuration: Configuration) -> list[Interface]:
    """Alternate setting 0 of each interface (USB 2.0, 9.2.3), or the first one of an interface that lacks it."""
    found: dict[int, Interface] = {}
    for interface in configuration.interfaces:
        if interface.number not in found or (interface.alternate == 0 and found[interface.number].alternate):
            found[interface.number] = interface
    return list(found.values())
