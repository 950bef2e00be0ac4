"""Which endpoints a device has: in any of its settings, and in those that are chosen now."""

from __future__ import annotations

from ..errors import LocalError
from .descriptors import Configuration, Interface
from .ids import TransferType
from .info import DeviceInfo
from .setup import Barrier, Setup

__all__ = ["EndpointMap"]


class EndpointMap:
    """The endpoints of a device by address, followed through SET_CONFIGURATION and SET_INTERFACE.

    ``possible`` maps an address to the transfer types that it has in any configuration and setting. ``active`` maps it
    to its type now. Configurations that cannot be read are left out: what they would allow is then not allowed.
    """

    def __init__(self, info: DeviceInfo) -> None:
        self.possible: dict[int, set[int]] = {}
        self.active: dict[int, int] = {}
        self._configurations: dict[int, Configuration] = {}
        self._settings: dict[int, Interface] = {}
        for raw in info.configurations:
            try:
                configuration = Configuration.unpack(raw)
            except LocalError:
                continue
            self._configurations.setdefault(configuration.value, configuration)
            for interface in configuration.interfaces:
                for endpoint in interface.endpoints:
                    self.possible.setdefault(endpoint.address, set()).add(endpoint.transfer)
        self.select_configuration(info.active_configuration)

    def allows(self, address: int, transfer: int) -> bool:
        """Whether the device has, in any setting, an endpoint of this address and type."""
        if transfer == TransferType.CONTROL:
            return address & 0x7F == 0
        return transfer in self.possible.get(address, ())

    def select_configuration(self, value: int) -> None:
        """SET_CONFIGURATION has succeeded: every interface is at its alternate setting 0."""
        configuration = self._configurations.get(value)
        interfaces = configuration.interfaces if configuration is not None else []
        self._settings = {i.number: i for i in reversed(interfaces) if i.alternate == 0}
        self._configuration = configuration
        self._refresh()

    def select_interface(self, number: int, alternate: int) -> None:
        """SET_INTERFACE has succeeded. Nothing happens for a setting that is not described."""
        for interface in self._configuration.interfaces if self._configuration is not None else ():
            if (interface.number, interface.alternate) == (number, alternate):
                self._settings[number] = interface
        self._refresh()

    def follow(self, setup: Setup) -> None:
        """A control transfer has succeeded: follow it if it chose something."""
        barrier = setup.barrier()
        if barrier is Barrier.SELECT_CONFIGURATION:
            self.select_configuration(setup.value & 0xFF)
        elif barrier is Barrier.SELECT_INTERFACE:
            self.select_interface(setup.index, setup.value)

    def of_interface(self, number: int) -> list[int]:
        """Addresses of an interface's endpoints in its present setting."""
        setting = self._settings.get(number)
        return [endpoint.address for endpoint in setting.endpoints] if setting is not None else []

    def _refresh(self) -> None:
        # In place: whoever holds ``active`` sees the change.
        self.active.clear()
        for setting in self._settings.values():
            self.active.update((endpoint.address, endpoint.transfer) for endpoint in setting.endpoints)
