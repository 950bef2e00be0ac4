"""One attached device: a remote device, a relay, and the port of vhci_hcd between them."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable

from ..capture.hub import Hub
from ..device.tapped import Tapped
from ..errors import LocalError, LocalReason
from ..transport.sockets import unix_peer
from ..transport.stream import SocketStream
from ..usb.info import DeviceInfo
from . import nodes
from .relay import Relay
from .remote import RemoteDevice
from .vhci import Vhci

__all__ = ["ENUMERATION_SECONDS", "AttachedPort"]

log = logging.getLogger(__name__)
_SOCKET_BUFFER = 1 << 20
ENUMERATION_SECONDS = 15.0
_CLOSE_SECONDS = 10.0
_POLL = 0.01


class AttachedPort:
    """Puts a device into the kernel and keeps it there until the device, the host or the user ends it.

    ``gone`` is called once, from any thread, when the device is out of the kernel again. ``captures`` may listen to it
    meanwhile.
    """

    def __init__(
        self, device: RemoteDevice, vhci: Vhci, devid: int, gone: Callable[[AttachedPort], None], captures: Hub
    ) -> None:
        self.info: DeviceInfo = device.info
        self.nodes: tuple[str, ...] = ()
        self.number = -1
        self.leaving = False
        self._device = device
        self._vhci = vhci
        self._gone = gone
        ours, kernels = socket.socketpair()
        for end in (ours, kernels):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER)
        self._stream = SocketStream(ours, unix_peer(ours))
        tapped = Tapped(device)
        self._relay = Relay(self._stream, tapped, self._resetting)
        self._captures = captures
        self._point = captures.attach(device.info, tapped, device.link)
        self._thread = threading.Thread(target=self._run, name=f"wslusb-relay-{self.info.busid}", daemon=True)
        try:
            self.number = vhci.attach(kernels, devid, self.info.speed)
        except BaseException:
            captures.detach(self._point)
            self._stream.close()
            raise
        finally:
            kernels.close()
        self._thread.start()

    @property
    def busid(self) -> str:
        """The guest's own name of the device (``1-1``); empty before the kernel has given it an address."""
        port = self._vhci.port(self.number)
        return port.busid if port is not None else ""

    def wait_usable(self, seconds: float = ENUMERATION_SECONDS) -> tuple[str, ...]:
        """Wait until the kernel has enumerated the device, and say where it is. LocalError if it does not.

        Not for a device that has gone meanwhile: it may be back at any moment, and is to be attached again then.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self.leaving:
            if not (busid := self.busid):
                time.sleep(_POLL)
                continue
            found = nodes.wait_usable(self._vhci.sysfs, busid, left, lambda: not self.leaving)
            if found is None or self.leaving:
                break
            self.nodes = tuple(found)
            return self.nodes
        if self.leaving:
            what = f"device {self.info.busid} went away while the guest's kernel enumerated it"
            raise LocalError(LocalReason.DISCONNECTED, what, hint="attach it when it is back")
        hint = "see 'dmesg' in the guest for what its kernel did not like"
        raise LocalError(LocalReason.TIMEOUT, f"the guest's kernel did not enumerate {self.info.busid}", hint=hint)

    def lost(self) -> None:
        """The remote device is gone: close the kernel's port."""
        self.leaving = True
        self._relay.stop()

    def close(self) -> None:
        """Take the device out of the kernel and give it back to the host. LocalError if the host does not take it."""
        self.lost()
        self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive():
            raise LocalError(LocalReason.TIMEOUT, f"the host has not taken {self.info.busid} back yet")

    def _resetting(self) -> bool:
        return self._vhci.resetting(self.number)

    def _run(self) -> None:
        try:
            self._relay.run()
        finally:
            self.leaving = True
            self._device.close()
            self._captures.detach(self._point)
            self._stream.close()
            log.info("device %s is out of port %d", self.info.busid, self.number)
            self._gone(self)
