"""labgrid's view of a device: ``WslusbDevice`` where it is plugged in, ``NetworkWslusbDevice`` at the other end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import attr
from labgrid.exceptions import InvalidConfigError
from labgrid.factory import target_factory
from labgrid.resource.common import ManagedResource, NetworkResource, ResourceManager
from labgrid.resource.remote import RemotePlaceManager

from ..control.messages import Json
from ..errors import LocalError
from .loan import Loan, listed
from .match import check, fits, words

__all__ = ["NetworkWslusbDevice", "WslusbDevice"]

_POLL_SECONDS = 0.5


@attr.s(eq=False)
class ServiceManager(ResourceManager):
    """Asks the services that the resources name, twice a second at most, however often labgrid polls."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self._due = 0.0

    def on_resource_added(self, resource: WslusbDevice) -> None:  # noqa: ARG002 -- labgrid's signature
        """Look at the next poll."""
        self._due = 0.0

    def poll(self) -> None:
        """Bring all resources up to date."""
        if time.monotonic() < self._due:
            return
        for control in {resource.control for resource in self.resources}:
            devices: list[Json] = []
            trouble = ""
            try:
                devices = listed(Path(control) if control else None)
            except LocalError as error:
                trouble = str(error)
            for resource in self.resources:
                if resource.control == control:
                    resource.update(devices, trouble)
        self._due = time.monotonic() + _POLL_SECONDS


@target_factory.reg_resource
@attr.s(eq=False)
class WslusbDevice(ManagedResource):
    """A USB device of the host whose ``wslusb serve`` runs on this machine.

    Args:
        match (dict): busid, vid, pid, serial, port; one or more of them, which must fit exactly one device
        control (str): control socket of the service; default: the one that runs here
    """

    manager_cls = ServiceManager

    match: dict[str, Any] = attr.ib(validator=attr.validators.instance_of(dict))
    control: str | None = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(str)))

    def __attrs_post_init__(self) -> None:
        try:
            check(self.match)
        except ValueError as error:
            raise InvalidConfigError(f"WslusbDevice: {error}") from error
        self.timeout = 10.0
        self.busid: str | None = None
        self.vendor_id: int | None = None
        self.model_id: int | None = None
        self.serial: str | None = None
        self.description = ""
        self.reason = "the service has not been asked yet"
        self._present = False
        self._wanted = False
        self._loan: Loan | None = None
        super().__attrs_post_init__()

    def lend(self) -> None:
        """Let guests have it, now or as soon as it is there, until :meth:`give_back`. LocalError if it is in use."""
        self._wanted = True
        try:
            if self._present:
                self._borrow()
        except LocalError:
            self._wanted = False
            raise

    def give_back(self) -> None:
        """Take it back from whoever has it. LocalError if that takes too long."""
        self._wanted = False
        loan, self._loan = self._loan, None
        if loan is not None:
            loan.end()

    def update(self, devices: list[Json], trouble: str) -> None:
        """Called by the manager: what the service has, or why it does not answer."""
        reason = trouble or self._see([device for device in devices if fits(self.match, device)])
        if reason != self.reason:
            self.logger.info("%s: %s", words(self.match), reason or f"is there, as {self.busid}")
        self.reason = reason
        self.avail = not reason

    def _see(self, found: list[Json]) -> str:
        """Take over what is known of the device; why it cannot be had, or nothing."""
        self._present = len(found) == 1
        if not self._present:
            names = ", ".join(device["busid"] for device in found)
            return f"fits {len(found)} devices: {names}" if found else "is not plugged in"
        device = found[0]
        self.busid, self.serial, self.description = device["busid"], device["serial"], device["description"]
        self.vendor_id, self.model_id = (int(number, 16) for number in device["hardware_id"].split(":"))
        if self._wanted:
            try:
                self._borrow()
            except LocalError as error:
                return str(error)
            return "was unbound while it was lent" if device["state"] == "not_shared" else ""
        return f"is attached to {device['owner']}" if device["state"] == "attached" else ""

    def _borrow(self) -> None:
        if self._loan is None or self._loan.over:
            assert self.busid is not None  # noqa: S101
            self._loan = None
            self._loan = Loan(Path(self.control) if self.control else None, self.busid)


@target_factory.reg_resource
@attr.s(eq=False)
class NetworkWslusbDevice(NetworkResource, ManagedResource):
    """A ``WslusbDevice`` of an exporter. Guests of the exporter's host may attach it while its place is acquired.

    Args:
        host (str): the exporter's machine
        busid (str), vendor_id (int), model_id (int), serial (str): what is plugged in there now
    """

    manager_cls = RemotePlaceManager

    busid: str | None = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(str)))
    vendor_id: int | None = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(int)))
    model_id: int | None = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(int)))
    serial: str | None = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(str)))

    def __attrs_post_init__(self) -> None:
        self.timeout = 10.0
        super().__attrs_post_init__()
