"""The guest agent: keeps a session with the host, puts devices into the kernel and takes them out again."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable

from ..capture.hub import Hub
from ..errors import LocalError, LocalReason, WslusbError
from ..transport.address import Address
from ..usb import naming
from ..usb.info import DeviceInfo
from ..wire.events import KEEP, Event, EventKind
from ..wire.listing import Listed
from ..wire.messages import Capability
from .client import HostClient
from .keeper import Keeper
from .port import ENUMERATION_SECONDS, AttachedPort
from .vhci import Vhci

__all__ = ["Agent"]

log = logging.getLogger(__name__)
_BACKOFF_FIRST = 0.25
_BACKOFF_LAST = 5.0
"""A try costs nothing between a guest and its own host, and whoever restarts the service wants the devices back."""
_OBEYING = 16
"""Requests of the host that are worked on at once."""


class Agent:
    """One host, one kernel. :meth:`run` blocks until :meth:`stop`; the rest may be called from any thread.

    ``connected`` is called with the name of the host whenever there is a session with it.
    """

    def __init__(self, address: Address, vhci: Vhci, connected: Callable[[str], None] = lambda _host: None) -> None:
        self.address = address
        self.vhci = vhci
        self.captures = Hub(is_host=False)
        self._connected = connected
        self._client: HostClient | None = None
        self._ports: dict[str, AttachedPort] = {}
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._lost = threading.Event()
        self._connecting = threading.Lock()
        self._next_devid = 1
        self.keeper = Keeper(self.devices, self.attach)
        self._obeying = threading.BoundedSemaphore(_OBEYING)

    # -- the session

    def run(self) -> None:
        """Connect, and connect again with back-off whenever the host goes away, until :meth:`stop`."""
        delay = _BACKOFF_FIRST
        while not self._stopping.is_set():
            self._lost.clear()
            if self._stopping.is_set():  # between the two lines above
                break
            try:
                with self._connecting:
                    self._client = HostClient(
                        self.address, capabilities=Capability.KERNEL, event=self._on_event, closed=self._on_lost
                    )
            except LocalError as error:
                if error.reason in (LocalReason.BAD_ADDRESS, LocalReason.UNSUPPORTED):
                    raise  # no try will ever succeed
                log.log(logging.INFO if delay == _BACKOFF_FIRST else logging.DEBUG, "%s: will try again", error)
                delay = self._back_off(delay)
                continue
            log.info("connected to %s", self._client.host_name)
            self._connected(self._client.host_name)
            self.keeper.wake()
            began = time.monotonic()
            self._lost.wait()
            if self._stopping.is_set():
                break
            self._client = None
            if time.monotonic() - began > _BACKOFF_LAST:
                delay = _BACKOFF_FIRST
            delay = self._back_off(delay)
        self._close()

    def _back_off(self, delay: float) -> float:
        """Wait before the next try; how long to wait before the one after it."""
        # Jitter, so that the guests of a host that has restarted do not come all at once.
        self._stopping.wait(delay * random.uniform(0.75, 1.25))
        return min(2 * delay, _BACKOFF_LAST)

    def stop(self) -> None:
        """Detach everything and make :meth:`run` come back."""
        self._stopping.set()
        self._lost.set()

    def _close(self) -> None:
        self.keeper.close()
        for port in list(self._ports.values()):
            with contextlib.suppress(LocalError):
                port.close()
        if self._client is not None:
            self._client.close()

    def _on_lost(self, reason: WslusbError | None) -> None:
        if reason is not None:
            log.warning("the host is lost: %s", reason)
        for port in list(self._ports.values()):
            port.lost()
        self._lost.set()

    @property
    def client(self) -> HostClient:
        """The session. LocalError if there is none at the moment."""
        client = self._client
        if client is None:
            hint = "is 'wslusb serve' running on the host?"
            raise LocalError(LocalReason.DISCONNECTED, f"the agent has no connection to {self.address}", hint=hint)
        return client

    # -- what the host asks

    def _on_event(self, event: Event) -> None:
        log.debug("the host says %s %s", event.kind.name, event.busid)
        if event.kind is EventKind.ATTACH_WANTED:
            self._obey(event, lambda: self.attach(event.busid, event.ticket, keep=event.message == KEEP))
        elif event.kind is EventKind.DETACH_WANTED:
            self._obey(event, lambda: self.detach(event.busid, event.ticket))
        else:
            self.keeper.wake()

    def _obey(self, event: Event, action: Callable[[], object]) -> None:
        def work() -> None:
            with self._connecting:
                pass  # the host may ask before the client that it asks has its name here
            client = self._client  # tickets are the session's own: the next one must not hear of this
            try:
                action()
            except (WslusbError, OSError) as error:
                log.warning("%s of %s failed: %s", event.kind.name, event.busid, error)
                if client is not None:
                    # The user who asked sits at the host: what to do here goes with it.
                    hint = getattr(error, "hint", "")
                    hint = f"; in the guest: {hint}" if hint and hint not in str(error) else ""
                    client.report(Event(EventKind.FAILED, event.busid, event.ticket, message=f"{error}{hint}"))
            finally:
                self._obeying.release()

        if not self._obeying.acquire(blocking=False):
            if (client := self._client) is not None:
                busy = "too much is asked at once"
                client.report(Event(EventKind.FAILED, event.busid, event.ticket, message=busy))
            return
        # Not on the reading thread: attaching takes half a second and needs its answers.
        thread = threading.Thread(target=work, name=f"wslusb-{event.kind.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads to be had
            log.error("%s of %s: %s", event.kind.name, event.busid, error)
            self._obeying.release()

    # -- devices

    def devices(self) -> list[Listed]:
        """What the host shares."""
        return self.client.devices()

    def ports(self) -> list[AttachedPort]:
        """What is attached here."""
        return list(self._ports.values())

    def attach(
        self, name: str, ticket: int = 0, seconds: float = ENUMERATION_SECONDS, *, keep: bool = False
    ) -> tuple[DeviceInfo, tuple[str, ...]]:
        """Attach a device and wait until it is usable; where it is. LocalError or DeviceError if that fails.

        ``keep``: attach it again, from then on, whenever a device of that name comes back, until it is detached.
        """
        client = self.client
        info = naming.find([listed.info for listed in client.devices()], name)
        port = self._ports.get(info.busid)
        if port is not None and port.leaving:
            port.close()
        with self._lock:
            port = self._ports.get(info.busid)
            if info.busid in self._busy:
                raise LocalError(LocalReason.BAD_STATE, f"device {info.busid} is being attached already")
            if port is None:
                self._busy.add(info.busid)
        if port is None:
            try:
                port = self._put_into_kernel(client, info, seconds)
            finally:
                self._busy.discard(info.busid)
        client.report(Event(EventKind.ATTACHED, info.busid, ticket, info.generation, "", port.nodes))
        if keep:
            self.keeper.keep(name)
        return info, port.nodes

    def _put_into_kernel(self, client: HostClient, info: DeviceInfo, seconds: float) -> AttachedPort:
        self.vhci.load()
        arrived: list[AttachedPort] = []

        def closed(reason: WslusbError | None) -> None:
            if reason is not None:
                log.warning("device %s is lost: %s", info.busid, reason)
            for port in arrived:
                port.lost()

        device = client.open(info, closed)
        with self._lock:
            devid, self._next_devid = self._next_devid, self._next_devid % 0xFFFF + 1
        try:
            port = AttachedPort(device, self.vhci, devid, self._on_gone, self.captures)
        except BaseException:
            device.close()
            raise
        arrived.append(port)
        self._ports[info.busid] = port
        if device.ended:
            port.lost()
        try:
            port.wait_usable(seconds)
        except BaseException:
            with contextlib.suppress(LocalError):
                port.close()
            self._forget(port)  # it may have gone before it was listed
            raise
        log.info("device %s (%s) is in port %d: %s", info.busid, info.hardware_id, port.number, " ".join(port.nodes))
        return port

    def detach(self, name: str, ticket: int = 0) -> DeviceInfo:
        """Take an attached device out of the kernel and give it back to the host."""
        ports = {port.info.busid: port for port in self.ports()}
        info = naming.find([port.info for port in ports.values()], name)
        self.keeper.drop(info)
        ports[info.busid].close()
        if self._client is not None:
            self._client.report(Event(EventKind.DETACHED, info.busid, ticket, info.generation))
        return info

    def detach_all(self) -> list[DeviceInfo]:
        """Take every device out; which. LocalError, at the end, if one of them did not go in time."""
        self.keeper.clear()
        detached, failure = [], None
        for port in self.ports():
            try:
                port.close()
                detached.append(port.info)
            except LocalError as error:
                failure = error
        if failure is not None:
            raise failure
        return detached

    def _forget(self, port: AttachedPort) -> None:
        for busid, other in list(self._ports.items()):
            if other is port:
                self._ports.pop(busid, None)

    def _on_gone(self, port: AttachedPort) -> None:
        self._forget(port)
        self.keeper.wake()
        client = self._client
        if client is not None:
            client.report(Event(EventKind.DETACHED, port.info.busid, 0, port.info.generation))
