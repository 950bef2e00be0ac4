"""The state of a configured device: which configuration, which alternate settings, which endpoints are alive.

USB 2.0, 9.1.1 draws the states. Address and default state are one here: the host's controller gives addresses, and what
crosses the Device seam has one already. All methods are called with the device's lock held.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

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

_log = logging.getLogger(__name__)


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
        self.failure: Exception | None = None
        """What the firmware failed with last, where :meth:`attempt` called it."""
        self._put = put
        self._frames = frames
        self._configuration: Configuration | None = None
        self._alternates: dict[int, Interface] = {}
        self._owners: dict[int, int] = {}
        """Which interface an endpoint is of: the first that has it, where two do (Linux takes that one, too)."""

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
        """SET_CONFIGURATION (USB 2.0, 9.4.7): all interfaces at alternate 0, halts cleared.

        Also for the value that is active already: that is how hosts reset a device lightly. False: there is no such
        value, or the firmware failed; that one leaves no configuration.
        """
        configuration = self.gadget.configuration(value)
        if value and configuration is None:
            return False
        self._enter(configuration)
        defaults = _defaults(configuration) if configuration else []
        brought_up = all(self._bring_up(interface) for interface in defaults)
        if brought_up and self.attempt(lambda: self.firmware.configured(value)):
            return True
        self._enter(None)
        return False

    def _enter(self, configuration: Configuration | None) -> None:
        self.flush(Status.CANCELLED)
        self._configuration, self._alternates = configuration, {}
        self.features.reset_functions()

    def choose(self, number: int, alternate: int) -> bool:
        """SET_INTERFACE (USB 2.0, 9.4.10). False: there is no such setting now, or the firmware failed.

        After a failure the interface has no endpoints.
        """
        settings = self._configuration.interfaces if self._configuration else ()
        new = next((each for each in settings if (each.number, each.alternate) == (number, alternate)), None)
        if new is None:
            return False
        self._drop(self._endpoints_of(number), Status.CANCELLED)
        return self._bring_up(new)

    def reset(self) -> None:
        """What a reset of the port leaves: no configuration, no feature set."""
        self.features.reset()
        self.configure(0)
        self.attempt(self.firmware.reset)

    def attempt(self, hook: Callable[[], None]) -> bool:
        """Call the firmware. False: it failed. A bug in it is a broken device, not a broken program."""
        try:
            hook()
        except Exception as error:  # noqa: BLE001 - see above
            self.failure = error
            _log.exception("the firmware of %04x:%04x failed", self.gadget.device.vendor, self.gadget.device.product)
            return False
        return True

    def flush(self, status: Status) -> None:
        """Give back all URBs that wait, and forget the endpoints."""
        self._drop(list(self.pipes), status)

    def _endpoints_of(self, number: int) -> list[int]:
        return [address for address, owner in self._owners.items() if owner == number]

    def _drop(self, addresses: Iterable[int], status: Status) -> None:
        for address in addresses:
            del self._owners[address]
            self.pipes.pop(address).flush(status)

    def _bring_up(self, interface: Interface) -> bool:
        self._alternates[interface.number] = interface
        if self.attempt(lambda: self._add_endpoints(interface)):
            return True
        self._drop(self._endpoints_of(interface.number), Status.CANCELLED)
        return False

    def _add_endpoints(self, interface: Interface) -> None:
        for endpoint in interface.endpoints:
            if endpoint.address in self.pipes:
                continue
            place = Place(self.configuration, interface.number, interface.alternate, endpoint)
            self.pipes[endpoint.address] = self._pipe(endpoint, self.firmware.endpoint(place))
            self._owners[endpoint.address] = interface.number

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
