"""The host service: accepts guests, shares devices, and keeps running whatever a peer does."""

from __future__ import annotations

import logging
import platform
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from .. import __version__
from ..capture.hub import Hub
from ..errors import LocalError, LocalReason, PeerError, PeerReason, WslusbError
from ..session.connection import Connection
from ..session.states import Role
from ..transport.link import Link
from ..transport.sockets import Listener
from ..transport.stream import Peer, Stream
from ..usb import naming
from ..usb.info import DeviceInfo
from ..wire import limits
from ..wire.events import KEEP, EventKind
from ..wire.frame import MessageType
from ..wire.listing import DeviceState, Listed
from ..wire.messages import Hello, Purpose
from .bindings import Loan
from .catalog import Catalog, Claim
from .export import Export
from .guests import Guests, GuestSession

__all__ = ["ATTACH_SECONDS", "Service"]

log = logging.getLogger(__name__)
ATTACH_SECONDS = 30.0
_DETACH_SECONDS = 10.0
_CONTROL_SEND_SECONDS = 1.0


class Service:
    """Serves the devices of ``catalog`` at every listener, one thread a connection, until :meth:`close`."""

    def __init__(self, catalog: Catalog, listeners: Sequence[Listener]) -> None:
        self.catalog = catalog
        self.guests = Guests()
        self.captures = Hub(is_host=True)
        self.listeners = listeners
        self._hello = Hello(name=f"wslusb {__version__} ({platform.system()} {platform.release()})")
        self._peers: Counter[tuple[str, int]] = Counter()
        self._links: set[Link] = set()
        self._lock = threading.Lock()
        self._scanning = threading.Lock()
        self._known = {info.busid: info for info in catalog.devices()}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._accept, args=(listener,), name=f"wslusb-{listener.address}", daemon=True)
            for listener in listeners
        ]

    def start(self) -> None:
        """Begin to listen and to watch for devices."""
        self.catalog.watch(self._rescan)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop listening, detach every guest, give every device back."""
        self._stopping.set()
        for listener in self.listeners:
            listener.close()
        claims = self.catalog.claims()
        with self._lock:
            links = list(self._links)
        for link in links:
            link.end()
        for claim in claims:
            claim.released.wait(_DETACH_SECONDS)
        self.catalog.close()

    # -- connections

    def _accept(self, listener: Listener) -> None:
        while True:
            try:
                stream = listener.accept()
            except OSError as error:
                if self._stopping.is_set():
                    return
                # Out of descriptors, most likely: wait for some to come back.
                log.error("cannot accept on %s: %s", listener.address, error)
                self._stopping.wait(0.2)
                continue
            if not self._admit(stream.peer):
                log.warning("%s has too many connections: one more is refused", stream.peer)
                stream.close()
                continue
            thread = threading.Thread(target=self._serve, args=(stream,), name=f"wslusb-{stream.peer}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no more threads to be had: this peer's bad luck, not the end of listening
                log.error("cannot serve %s: %s", stream.peer, error)
                self._dismiss(stream)

    def _admit(self, peer: Peer) -> bool:
        with self._lock:
            key = (peer.kind, peer.number)
            if self._peers.total() >= limits.CONNECTIONS or self._peers[key] >= limits.CONNECTIONS_PER_PEER:
                return False
            self._peers[key] += 1
            return True

    def _serve(self, stream: Stream) -> None:
        """Serve one connection to its end. Nothing that a peer does gets out of here."""
        link = Link(stream, Connection(Role.HOST, replace(self._hello)))
        with self._lock:
            self._links.add(link)
        try:
            self._converse(link)
        except PeerError as error:
            log.warning("%s broke the protocol: %s", stream.peer, error)
            link.fail(error)
        except (WslusbError, OSError) as error:
            log.info("%s: %s", stream.peer, error)
        except Exception:  # a bug here must not take the other guests' devices away
            log.exception("the session of %s failed", stream.peer)
            link.fail(PeerError(PeerReason.INTERNAL, "the host failed, see its log"))
        finally:
            link.end()
            with self._lock:
                self._links.discard(link)
            self._dismiss(stream)

    def _dismiss(self, stream: Stream) -> None:
        with self._lock:
            self._peers[stream.peer.kind, stream.peer.number] -= 1
        stream.close()

    def _converse(self, link: Link) -> None:
        hello = link.shake_hands(first=False)
        if hello.purpose is Purpose.DATA:
            session = self.guests.by_token(hello.token)
            if (session.link.peer.kind, session.link.peer.number) != (link.peer.kind, link.peer.number):
                raise PeerError(PeerReason.BAD_TOKEN, "the token is another guest's")
            session.data_links.add(link)
            try:
                if session.over:  # between the two lines above: nobody has ended this link
                    raise PeerError(PeerReason.BAD_TOKEN, "the session has just ended")
                self._answer_hello(link, session, hello)
                Export(link, self.catalog, self.captures).run()
            finally:
                session.data_links.discard(link)
            return
        # What goes to a guest here is a few bytes a minute: one that does not read them is not read to either.
        link.stream.set_send_timeout(_CONTROL_SEND_SECONDS)
        session = GuestSession(link)
        session.name = f"{hello.name or 'a guest'} at {link.peer}"
        self.guests.add(session)
        log.info("%s is connected", session.name)
        try:
            self._answer_hello(link, session, hello)
            session.run(self._shared)
        finally:
            self.guests.remove(session)
            log.info("%s has gone", session.name)

    def _answer_hello(self, link: Link, session: GuestSession, hello: Hello) -> None:
        answer = replace(self._hello, purpose=hello.purpose, token=session.token)
        with link.lock:
            # Whoever tells it something from now on waits for the lock, and so comes after the hello.
            session.greeted = True
            link.send_locked((link.connection.answer(MessageType.HELLO, link.hello_sequence, answer.pack()),))

    def _shared(self) -> list[Listed]:
        try:
            return [listed for listed in self.catalog.listed() if listed.state is not DeviceState.NOT_SHARED]
        except LocalError as error:
            claims = self.catalog.claims()
            if not claims:
                raise
            # To say so would end the session, and take away what is attached: for a file that is damaged on the host.
            log.error("the devices cannot be listed: %s", error)
            return [Listed(claim.info, DeviceState.ATTACHED, claim.owner) for claim in claims]

    # -- hot-plug

    def _rescan(self) -> None:
        """Devices may have come or gone: end what has lost its device, tell the guests."""
        with self._scanning:
            before, now = self._known, {info.busid: info for info in self.catalog.devices()}
            self._known = now
        for busid, info in before.items():
            if busid not in now or now[busid].generation != info.generation:
                log.info("device %s (%s) has left", busid, info.hardware_id)
                for claim in self.catalog.claims():
                    if claim.info.busid == busid and claim.info.generation == info.generation:
                        claim.revoke()
                self._announce(EventKind.LEFT, info)
        for busid, info in now.items():
            if busid not in before or before[busid].generation != info.generation:
                log.info("device %s (%s) has arrived", busid, info.hardware_id)
                self._announce(EventKind.ARRIVED, info)

    def _announce(self, kind: EventKind, info: DeviceInfo) -> None:
        try:
            bound = self.catalog.bindings.is_bound(info)
        except LocalError as error:
            # The file is damaged. That must not keep a device that has left from being taken back.
            log.error("%s", error)
            return
        if bound:
            for session in self.guests.all():
                session.tell(kind, info)

    # -- what the command line asks for

    def bind(self, name: str) -> tuple[DeviceInfo, bool]:
        """Share a device; whether it was not shared before."""
        info = self.catalog.find(name)
        fresh = self.catalog.bindings.bind(info)
        if fresh:
            log.info("device %s (%s) is shared", info.busid, info.hardware_id)
            self._announce(EventKind.CHANGED, info)
        return info, fresh

    def unbind(self, name: str) -> tuple[DeviceInfo, bool]:
        """Stop sharing a device, plugged in or not, and take it back from whoever has it; whether it was shared."""
        present = self.catalog.devices()
        info = naming.find([*present, *self.catalog.bindings.absent(present)], name)
        return info, self._unbind(info)

    def unbind_all(self) -> list[DeviceInfo]:
        """Stop sharing every device, also those that are unplugged; which were shared."""
        present = self.catalog.devices()
        return [info for info in (*present, *self.catalog.bindings.absent(present)) if self._unbind(info)]

    def _unbind(self, info: DeviceInfo) -> bool:
        was = self.catalog.bindings.unbind(info.identity)
        if was:
            log.info("device %s (%s) is not shared any more", info.busid or info.serial, info.hardware_id)
            self._take_all_back([c for c in self.catalog.claims() if c.info.identity.matches(info.identity)])
        return was

    def lend(self, name: str) -> Loan:
        """Share a device until :meth:`end_loan`. LocalError REFUSED if it is lent, or a guest has it."""
        info = self.catalog.find(name)
        for claim in self.catalog.claims():
            if claim.info.busid == info.busid:
                hint = f"run 'wslusb detach {info.busid}' first"
                raise LocalError(LocalReason.REFUSED, f"device {info.busid} is attached to {claim.owner}", hint=hint)
        loan = self.catalog.bindings.lend(info)
        log.info("device %s (%s) is lent", info.busid, info.hardware_id)
        self._announce(EventKind.CHANGED, info)
        return loan

    def end_loan(self, loan: Loan) -> None:
        """Take a lent device back from whoever has it. LocalError TIMEOUT if it was not let go of."""
        if self.catalog.bindings.end(loan):
            log.info("device %s (%s) is not lent any more", loan.info.busid, loan.info.hardware_id)
            self._take_all_back([c for c in self.catalog.claims() if c.info.identity.matches(loan.info.identity)])

    def attach(
        self, name: str, guest: str = "", seconds: float = ATTACH_SECONDS, *, keep: bool = False
    ) -> tuple[DeviceInfo, tuple[str, ...]]:
        """Have a guest's agent attach a device; where it is in the guest. LocalError if it cannot or will not.

        ``keep``: it is to attach, from then on, whatever shared device comes back at that port, until it is detached.
        """
        info = self.catalog.find(name)
        if not self.catalog.bindings.is_bound(info):
            hint = f"run 'wslusb bind {info.busid}' first"
            raise LocalError(LocalReason.REFUSED, f"device {info.busid} is not shared", hint=hint)
        event = self.guests.with_kernel(guest).ask(EventKind.ATTACH_WANTED, info, seconds, KEEP if keep else "")
        return info, event.nodes

    def detach(self, name: str) -> DeviceInfo:
        """Take a device back from the guest that has it."""
        info = self.catalog.find(name)
        self._take_back(self.catalog.claim_of(info.busid))
        return info

    def claims_of(self, guest: str) -> list[Claim]:
        """What a guest has, by its CID or name; what any guest has for an empty name."""
        owners = {guest, f"CID {guest}"} | {str(s.link.peer) for s in self.guests.all() if s.called(guest)}
        return [claim for claim in self.catalog.claims() if not guest or claim.owner in owners]

    def detach_all(self, guest: str = "") -> list[DeviceInfo]:
        """Take every device back, or all of one guest; which. LocalError, at the end, if one was not let go of."""
        claims = self.claims_of(guest)
        self._take_all_back(claims)
        return [claim.info for claim in claims]

    def _take_all_back(self, claims: Sequence[Claim]) -> None:
        failure = None
        for claim in claims:
            try:
                self._take_back(claim)
            except LocalError as error:
                failure = error
        if failure is not None:
            raise failure

    def _take_back(self, claim: Claim) -> None:
        """Ask every agent to let go of it, since one of them has it; if that does not help, end its connection."""
        asked = [s for s in self.guests.all() if s.has_kernel and str(s.link.peer) == claim.owner]
        for session in asked:
            session.tell(EventKind.DETACH_WANTED, claim.info)
        if not asked or not claim.released.wait(_DETACH_SECONDS / 2):
            claim.revoke()
            if not claim.released.wait(_DETACH_SECONDS / 2):
                text = f"{claim.owner} has not let go of {claim.info.busid} within {_DETACH_SECONDS:.0f} s"
                raise LocalError(LocalReason.TIMEOUT, text, hint="see the log of 'wslusb serve'")
