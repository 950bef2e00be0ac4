"""The guest's connections to a host: one for control, one for each attached device."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable

from .. import __version__
from ..errors import LocalError, LocalReason, PeerError, WslusbError
from ..session.connection import Connection
from ..session.states import Role
from ..transport import sockets
from ..transport.address import Address
from ..transport.link import Link
from ..usb.info import DeviceInfo
from ..wire.events import Event
from ..wire.frame import MessageType
from ..wire.listing import EnumerationAnswer, Listed
from ..wire.messages import AttachRequest, Hello, Purpose
from .remote import RemoteDevice

__all__ = ["HostClient"]

_ANSWER_SECONDS = 10.0


class HostClient:
    """A control session with a host, and the devices that are opened through it.

    ``event`` is called on the reading thread for every event of the host, ``closed`` once when the session has ended,
    with the reason (None after :meth:`close`). Both must not block for long.
    """

    def __init__(
        self,
        address: Address,
        *,
        capabilities: int = 0,
        event: Callable[[Event], None] = lambda _event: None,
        closed: Callable[[WslusbError | None], None] = lambda _reason: None,
    ) -> None:
        self.address = address
        self._event = event
        self._closed = closed
        self._capabilities = capabilities
        self._lists: dict[int, tuple[threading.Event, list[list[Listed]]]] = {}
        self._reason: WslusbError | None = None
        self._link = self._connect(Purpose.CONTROL, b"")
        self._token = self._link.connection.peer.token
        self._reader = threading.Thread(target=self._run, name="wslusb-host", daemon=True)
        self._reader.start()

    @property
    def host_name(self) -> str:
        """What the host calls itself."""
        return self._link.connection.peer.name or str(self.address)

    def _connect(self, purpose: Purpose, token: bytes) -> Link:
        """A link whose handshake is through. LocalError when there is no host, or one that cannot be talked to."""
        name = f"wslusb {__version__} ({platform.node()}, {platform.system()} {platform.release()})"
        hello = Hello(purpose, self._capabilities, token=token, name=name)
        link = Link(sockets.connect(self.address), Connection(Role.GUEST, hello))
        try:
            link.shake_hands(first=True)
        except (PeerError, OSError) as error:
            if isinstance(error, PeerError):
                link.fail(error)
            link.stream.close()
            raise LocalError(
                LocalReason.DISCONNECTED, f"{self.address} does not answer as a wslusb host: {error}"
            ) from error
        except LocalError:
            link.stream.close()
            raise
        return link

    # -- what the host has

    def devices(self) -> list[Listed]:
        """The devices that the host shares. LocalError if it does not answer."""
        answered, lists = threading.Event(), list[list[Listed]]()
        try:
            with self._link.lock:
                sequence, frame = self._link.connection.request(MessageType.ENUMERATION)
                self._lists[sequence] = (answered, lists)
                self._link.send_locked((frame,))
        except OSError as error:
            raise LocalError(LocalReason.DISCONNECTED, "the connection to the host broke") from error
        answered.wait(_ANSWER_SECONDS)
        if not lists:
            why = f": {self._reason}" if self._reason is not None else ""
            raise LocalError(LocalReason.DISCONNECTED, f"the host did not list its devices{why}")
        return lists[0]

    def open(
        self,
        info: DeviceInfo,
        closed: Callable[[WslusbError | None], None] = lambda _reason: None,
    ) -> RemoteDevice:
        """Attach a device to this program. DeviceError if the host says no."""
        link = self._connect(Purpose.DATA, self._token)
        try:
            return RemoteDevice.attach(link, AttachRequest(info.busid, info.generation), closed)
        except (WslusbError, OSError) as error:
            if isinstance(error, PeerError):
                link.fail(error)
            link.end()
            link.stream.close()
            if isinstance(error, OSError):
                raise LocalError(LocalReason.DISCONNECTED, "the connection to the host broke") from error
            raise

    def report(self, event: Event) -> None:
        """Tell the host what became of a device. A host that is gone needs no report."""
        try:
            self._link.answer(MessageType.EVENT, 0, event.pack())
        except OSError:
            self._link.end()

    def close(self) -> None:
        """End the session; devices opened through it have links of their own and are closed by their owners."""
        self._link.end()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    # -- the reading thread

    def _run(self) -> None:
        reason: WslusbError | None = None
        try:
            for frame in self._link.frames():
                if frame.type == MessageType.EVENT:
                    self._event(Event.unpack(frame.payload))
                else:
                    devices = EnumerationAnswer.unpack(frame.payload).devices
                    answered, lists = self._lists.pop(frame.sequence)
                    lists.append(devices)
                    answered.set()
        except PeerError as error:
            reason = error
            self._link.fail(error)
        except LocalError as error:
            reason = error
        except OSError as error:
            reason = LocalError(LocalReason.DISCONNECTED, f"the connection to the host broke: {error.strerror}")
        if reason is None and not self._link.ended:
            reason = LocalError(LocalReason.DISCONNECTED, "the host ended the connection")
        self._link.end()
        self._reason = reason
        for waiting in list(self._lists.values()):
            waiting[0].set()
        self._link.stream.close()
        self._closed(reason)
