"""A device at the far end of a link, behind the same Device interface as every other.

``submit`` turns a URB into a request and sends it on the caller's thread; responses come on the link's reading thread,
which calls ``done`` with the data where they were received. That thread never waits for the host to read: URBs that
have no credit are kept (this is the only time their data are copied) and sent by another (:mod:`.backlog`), in order.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ..errors import DeviceError, LocalError, LocalReason, PeerError, PeerReason, WslusbError
from ..session.admission import check_device
from ..session.credits import Credits
from ..session.inflight import GuestTable
from ..transport.link import Link
from ..turnstile import Turnstile
from ..usb.ids import TransferType
from ..usb.info import DeviceInfo
from ..usb.setup import Recipient, Request, Setup
from ..usb.urb import Completion, Done, Status, Urb
from ..wire.cancels import Cancel, CancelAnswer
from ..wire.frame import Frame, MessageType
from ..wire.messages import AttachAnswer, AttachRequest, StatusAnswer
from ..wire.urbs import decode_response, encode_request, misfit
from .backlog import Backlog

__all__ = ["RemoteDevice"]

log = logging.getLogger(__name__)

_URB_RESPONSE = int(MessageType.URB_RESPONSE)
_ATTACH_SECONDS = 15.0
"""A host may have to take the device from a driver and to reset it."""
_CONTROL_SECONDS = 10.0
_CANCEL_SECONDS = 15.0
"""A host that has not answered a cancel after one to two times this is given up: somebody waits in the kernel."""
_DETACH_SECONDS = 5.0


class RemoteDevice:
    """A device of the host, attached over ``link``, whose handshake is through and whose purpose is data.

    ``closed`` is called once, when the link has ended, with the reason: None after :meth:`close`. After it every URB
    has been completed (``Status.GONE`` for those that the host never answered).
    """

    def __init__(self, link: Link, answer: AttachAnswer, closed: Callable[[WslusbError | None], None]) -> None:
        assert answer.info is not None  # noqa: S101 -- attach() has checked it
        self._info = answer.info
        self._link = link
        self._handle = answer.handle
        self._closed = closed
        agreed = link.connection.agreed
        self._table = GuestTable(Credits(min(answer.urbs, agreed.urbs), min(answer.size, agreed.bytes_in_flight)))
        self._dones: dict[int, Done] = {}
        self._sequences: dict[Urb, int] = {}
        self._backlog = Backlog(link, self._table, self._send)
        self._queue = self._backlog.queue
        # Guards the table against the race of a cancel with a response. Never held during I/O: the reading thread must
        # not wait for a send, or two sides that both wait for the other to read would wait for ever.
        self._books = Turnstile()
        self._waiting: dict[int, tuple[threading.Event, list[StatusAnswer]]] = {}
        self._over = False
        self._closing = False
        self._reason: WslusbError | None = None
        self._ended = threading.Event()
        self._watch: threading.Thread | None = None
        self._reader = threading.Thread(target=self._run, name=f"wslusb-{self._info.busid}", daemon=True)

    @classmethod
    def attach(cls, link: Link, request: AttachRequest, closed: Callable[[WslusbError | None], None]) -> RemoteDevice:
        """Ask for a device on a fresh data link. DeviceError with the host's words if it says no."""
        link.request(MessageType.ATTACH, request.pack())
        # Its pings say that the host lives; that it never answers is another matter.
        patience = threading.Timer(_ATTACH_SECONDS, link.end)
        patience.start()
        try:
            frame = next(link.frames(), None)
        finally:
            patience.cancel()
        if frame is None:
            raise LocalError(LocalReason.DISCONNECTED, "the host ended the connection")
        answer = AttachAnswer.unpack(frame.payload)
        if answer.status:
            raise DeviceError(answer.status, answer.message or "the host refused")
        _check_answer(answer, request)
        link.connection.attached(answer.handle)
        device = cls(link, answer, closed)
        device._reader.start()
        return device

    @property
    def info(self) -> DeviceInfo:
        """As the host described it."""
        return self._info

    @property
    def link(self) -> Link:
        """What it is attached over."""
        return self._link

    @property
    def ended(self) -> bool:
        """Whether the link has ended: nothing can be submitted any more."""
        return self._over

    # -- URBs

    def submit(self, urb: Urb, done: Done) -> None:
        """See :class:`wslusb.device.api.Device`."""
        refused: int = Status.GONE
        try:
            with self._link.lock:
                if not self._over:
                    if wrong := misfit(urb, self._link.connection.agreed):
                        refused = wrong
                    elif self._queue or not self._table.room(urb.length):
                        if self._backlog.keep(urb, done):
                            return
                        refused = Status.NO_MEMORY
                    else:
                        self._send(urb, done)
                        return
        except OSError:
            # The reading thread completes it: it is in the table.
            self._link.end()
            return
        done(Completion(urb, refused))

    def _send(self, urb: Urb, done: Done) -> None:
        link = self._link
        sequence = link.connection.number()
        self._table.begin(sequence, urb)
        self._dones[sequence] = done
        self._sequences[urb] = sequence
        link.send_locked(encode_request(urb, sequence, self._handle))

    def cancel(self, urb: Urb) -> None:
        """See :class:`wslusb.device.api.Device`."""
        done = None
        try:
            with self._link.lock:
                done = self._backlog.drop(urb)
                if done is None:
                    self._ask_cancel(urb)
        except PeerError as error:
            self._give_up(error)
        except OSError:
            self._link.end()
        if done is not None:
            done(Completion(urb, Status.CANCELLED))

    def _ask_cancel(self, urb: Urb) -> None:
        with self._books:
            target = self._sequences.get(urb, 0)
            if not self._table.cancellable(target):
                return
            sequence, frame = self._link.connection.request(MessageType.CANCEL, Cancel(target).pack())
            self._table.cancelling(target, sequence)
        if self._watch is None:
            self._watch = threading.Thread(target=self._watch_cancels, name="wslusb-cancels", daemon=True)
            self._watch.start()
        self._link.send_locked((frame,))

    def _watch_cancels(self) -> None:
        """Give up a host that does not answer cancels. A thread of its own: such a host may well say other things."""
        before = 0
        while not self._ended.wait(_CANCEL_SECONDS):
            with self._books:
                oldest = self._table.oldest_cancel
            if oldest and oldest == before:
                self._give_up(PeerError(PeerReason.TIMEOUT, f"cancel {oldest} has not been answered"))
                return
            before = oldest

    def _give_up(self, error: PeerError) -> None:
        self._reason = error
        self._link.fail(error)

    # -- state changes: ordinary URBs, which the host recognises

    def select_configuration(self, value: int) -> None:
        """See :class:`wslusb.device.api.Device`."""
        self._control(Setup(Recipient.DEVICE, Request.SET_CONFIGURATION, value, 0, 0))

    def select_interface(self, interface: int, alternate: int) -> None:
        """See :class:`wslusb.device.api.Device`."""
        self._control(Setup(Recipient.INTERFACE, Request.SET_INTERFACE, alternate, interface, 0))

    def clear_halt(self, endpoint: int) -> None:
        """See :class:`wslusb.device.api.Device`."""
        self._control(Setup(Recipient.ENDPOINT, Request.CLEAR_FEATURE, 0, endpoint, 0))

    def _control(self, setup: Setup) -> None:
        finished, statuses = threading.Event(), [0]

        def done(completion: Completion) -> None:
            statuses[0] = completion.status
            finished.set()

        urb = Urb(0, 0, TransferType.CONTROL, 0, setup=setup)
        self.submit(urb, done)
        if not finished.wait(_CONTROL_SECONDS):
            self.cancel(urb)
            raise DeviceError(Status.TIMEOUT, f"no answer to request {setup.request} within {_CONTROL_SECONDS:.0f} s")
        if statuses[0]:
            raise DeviceError(statuses[0], f"the device refused request {setup.request}")

    def reset(self) -> None:
        """See :class:`wslusb.device.api.Device`."""
        answer = self._ask(MessageType.RESET, _CONTROL_SECONDS)
        if answer is None:
            raise DeviceError(Status.GONE, "the connection ended during a reset")
        if answer.status:
            raise DeviceError(answer.status, answer.message or "the reset failed")

    def _ask(self, kind: MessageType, seconds: float) -> StatusAnswer | None:
        """Send a request that is answered with a status, and wait; None if the link ended or nothing came."""
        answered, answers = threading.Event(), list[StatusAnswer]()
        try:
            with self._link.lock:
                if self._over:
                    return None
                sequence, frame = self._link.connection.request(kind)
                self._waiting[sequence] = (answered, answers)
                self._link.send_locked((frame,))
        except PeerError as error:
            self._give_up(error)
            return None
        except OSError:
            self._link.end()
            return None
        answered.wait(seconds)
        return answers[0] if answers else None

    def close(self) -> None:
        """See :class:`wslusb.device.api.Device`. Waits for the host to have given the device back."""
        self._closing = True
        if not self._link.lock.wait_free(_DETACH_SECONDS):
            self._link.end()  # it does not read: it will not read a detach
        self._ask(MessageType.DETACH, _DETACH_SECONDS)
        self._link.end()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    # -- the reading thread

    def _run(self) -> None:
        try:
            self._read()
            reason = "the host ended the connection"
        except PeerError as error:
            self._give_up(error)
        except LocalError as error:
            self._reason = error
        except OSError as error:
            reason = f"the connection to the host broke: {error.strerror}"
        if self._reason is None and not self._closing:
            self._reason = LocalError(LocalReason.DISCONNECTED, reason)
        self._finish(self._reason)

    def _read(self) -> None:
        table, dones, sequences, books = self._table, self._dones, self._sequences, self._books
        queue, wake = self._queue, self._backlog.wake
        for frame in self._link.frames():
            kind, sequence, _handle, payload = frame
            if kind != _URB_RESPONSE:
                if self._rare(frame):
                    return
                continue
            urb = table.find(sequence)
            completion = decode_response(payload, urb)
            with books:
                table.end(sequence, completion.status)
                del sequences[urb]
            if queue:
                wake()
            try:
                dones.pop(sequence)(completion)
            except Exception:  # a driver's bug is not the other URBs'
                log.exception("done() of URB %d raised", urb.sequence)

    def _rare(self, frame: Frame) -> bool:
        """A message that is not a response; True after the last one."""
        if frame.type == MessageType.CANCEL:
            answer = CancelAnswer.unpack(frame.payload)
            with self._books:
                self._table.cancelled(frame.sequence, answer.target, answer.won)
            return False
        # First of all it is read: whoever waits for an answer that cannot be is woken when the link ends.
        status = StatusAnswer.unpack(frame.payload)
        waiting = self._waiting.pop(frame.sequence, None)
        if waiting is not None:
            waiting[1].append(status)
            waiting[0].set()
        return frame.type == MessageType.DETACH

    def _finish(self, reason: WslusbError | None) -> None:
        """The link has ended: complete what is left, wake who waits, tell the owner."""
        self._link.end()
        with self._link.lock:
            self._over = True
            left = [(urb, self._dones.pop(self._sequences.pop(urb))) for urb in self._table.abandon()]
            left.extend(self._backlog.close())
            waiting = [event for event, _ in self._waiting.values()]
        for event in waiting:
            event.set()
        self._ended.set()
        for urb, done in left:
            try:
                done(Completion(urb, Status.GONE))
            except Exception:  # likewise
                log.exception("done() of URB %d raised", urb.sequence)
        self._backlog.join()
        if self._watch is not None:
            self._watch.join()
        self._link.stream.close()
        self._closed(reason)


def _check_answer(answer: AttachAnswer, request: AttachRequest) -> None:
    """PeerError if this is not the device that was asked for, or more than a device may be."""
    info = answer.info
    if info is None:
        raise PeerError(PeerReason.MALFORMED, "an attached device without descriptors")
    if info.busid != request.busid or request.generation not in (0, info.generation):
        raise PeerError(PeerReason.BAD_ANSWER, f"{info.busid!r} was attached where {request.busid!r} was asked for")
    check_device(info)
