"""The control connections: one session a guest, and what the host asks of guests."""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
import time
from collections.abc import Callable

from ..errors import LocalError, LocalReason, PeerError, PeerReason
from ..transport.link import Link
from ..usb.info import DeviceInfo
from ..wire import limits
from ..wire.events import Event, EventKind
from ..wire.frame import MessageType
from ..wire.listing import EnumerationAnswer, Listed
from ..wire.messages import Capability

__all__ = ["GuestSession", "Guests"]

log = logging.getLogger(__name__)
_TELL_SECONDS = 2.0
_REPORTS = frozenset({EventKind.ATTACHED, EventKind.DETACHED, EventKind.FAILED})


class GuestSession:
    """One guest: its control link, its token, and what it was asked."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.token = secrets.token_bytes(16)
        self.name = ""
        self.nodes: dict[str, tuple[str, ...]] = {}
        self.data_links: set[Link] = set()
        self.over = False
        self.greeted = False
        """Whether the guest has its hello: before that it must not be told anything."""
        self._reports = (0.0, 0)
        self._tickets = itertools.count(1)
        self._asked: dict[int, tuple[threading.Event, list[Event]]] = {}

    @property
    def has_kernel(self) -> bool:
        """Whether this guest can put a device into its kernel when asked to."""
        return bool(self.link.connection.peer.capabilities & Capability.KERNEL)

    def called(self, name: str) -> bool:
        """Whether a user may mean this guest by ``name``: its own, ``CID 42``, or ``42``."""
        return name in (self.name, str(self.link.peer), str(self.link.peer.number))

    def run(self, shared: Callable[[], list[Listed]]) -> None:
        """Answer the guest until its link ends. PeerError when it broke the protocol.

        An enumeration has no way to say no: a host that cannot list its devices ends the session with the reason.
        """
        for frame in self.link.frames():
            if frame.type != MessageType.ENUMERATION:
                self._report(Event.unpack(frame.payload))
                continue
            try:
                listed = shared()
            except LocalError as error:
                hint = f"; on the host: {error.hint}" if error.hint else ""
                log.error("the devices cannot be listed: %s", error)
                self.link.fail(PeerError(PeerReason.INTERNAL, f"the devices cannot be listed: {error}{hint}"))
                return
            self.link.answer(MessageType.ENUMERATION, frame.sequence, EnumerationAnswer(listed).pack())

    def _report(self, event: Event) -> None:
        if event.kind not in _REPORTS:
            raise PeerError(PeerReason.MALFORMED, f"a guest does not send {event.kind.name}")
        self._count_report()
        if event.kind is EventKind.ATTACHED and len(self.nodes) < limits.DEVICES:
            self.nodes[event.busid] = event.nodes
        elif event.kind is EventKind.DETACHED:
            self.nodes.pop(event.busid, None)
        waiting = self._asked.pop(event.ticket, None)
        if waiting is not None:
            waiting[1].append(event)
            waiting[0].set()

    def _count_report(self) -> None:
        now, (since, count) = time.monotonic(), self._reports
        self._reports = (now, 1) if now - since > 1.0 else (since, count + 1)
        if self._reports[1] > limits.REPORTS_PER_SECOND:
            raise PeerError(PeerReason.LIMIT, f"more than {limits.REPORTS_PER_SECOND} reports within a second")

    def tell(self, kind: EventKind, info: DeviceInfo, ticket: int = 0, message: str = "") -> None:
        """Send an event; a guest that is just going away is no error."""
        if not self.greeted:
            return
        event = Event(kind, info.busid, ticket, info.generation, message)
        if not self.link.lock.wait_free(_TELL_SECONDS):
            # Its own thread is stuck in a send: this guest does not read, and the others want to be told, too.
            self.link.end()
            return
        try:
            self.link.answer(MessageType.EVENT, 0, event.pack())
        except OSError:
            self.link.end()

    def ask(self, kind: EventKind, info: DeviceInfo, seconds: float, message: str = "") -> Event:
        """Ask for an attach or a detach and wait for the report. LocalError if it failed or did not come."""
        reported, events = threading.Event(), list[Event]()
        ticket = next(self._tickets)
        self._asked[ticket] = (reported, events)
        self.tell(kind, info, ticket, message)
        reported.wait(seconds)
        self._asked.pop(ticket, None)
        if not events:
            raise LocalError(LocalReason.TIMEOUT, f"{self.name} has not answered within {seconds:.0f} s")
        if events[0].kind is EventKind.FAILED:
            raise LocalError(LocalReason.REFUSED, events[0].message or f"{self.name} could not do it")
        return events[0]

    def ended(self) -> None:
        """The link has ended: the guest's data connections end with it, and nobody waits any longer."""
        self.over = True
        for link in list(self.data_links):
            link.end()
        for waiting in list(self._asked.values()):
            waiting[0].set()


class Guests:
    """The sessions by token."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, GuestSession] = {}
        self._lock = threading.Lock()

    def add(self, session: GuestSession) -> None:
        """A guest has come. PeerError if it has too many sessions already."""
        with self._lock:
            peer = session.link.peer
            same = sum(
                (s.link.peer.kind, s.link.peer.number) == (peer.kind, peer.number) for s in self._sessions.values()
            )
            if same >= limits.SESSIONS_PER_PEER:
                raise PeerError(PeerReason.LIMIT, f"{peer} has {same} sessions")
            self._sessions[session.token] = session

    def remove(self, session: GuestSession) -> None:
        """A guest has gone."""
        with self._lock:
            self._sessions.pop(session.token, None)
        session.ended()

    def by_token(self, token: bytes) -> GuestSession:
        """The session that a data connection says it belongs to; PeerError if there is none."""
        with self._lock:
            session = self._sessions.get(token)
        if session is None:
            raise PeerError(PeerReason.BAD_TOKEN, "no session has that token")
        return session

    def all(self) -> list[GuestSession]:
        """Every guest that is connected."""
        with self._lock:
            return list(self._sessions.values())

    def with_kernel(self, name: str = "") -> GuestSession:
        """The guest to attach to: the only one, or the one called ``name``."""
        able = [session for session in self.all() if session.has_kernel and session.greeted]
        chosen = [session for session in able if not name or session.called(name)]
        if not chosen:
            names = ", ".join(str(session.link.peer) for session in able)
            hint = f"connected are: {names}" if able else "run 'wslusb agent' in the guest"
            raise LocalError(LocalReason.NOT_RUNNING, f"no agent {name or 'of a guest'} is connected", hint=hint)
        if len(chosen) > 1:
            names = ", ".join(str(session.link.peer) for session in chosen)
            raise LocalError(LocalReason.AMBIGUOUS, f"{len(chosen)} guests are connected: {names}", hint="use --guest")
        return chosen[0]
