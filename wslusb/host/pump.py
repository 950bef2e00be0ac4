"""The only hot loop of the host: URB requests from a link into a device, completions back.

One thread (:meth:`Pump.run`) reads requests and submits them; completions come on the device's own thread and leave
in one gathered write. The link's lock covers both the change of the in-flight table and the send that tells of it, so
a URB's response always leaves before the answer to its cancel (the unlink rule, :mod:`wslusb.session.inflight`).

Requests that change the device's state are made through the device API, on the reading thread: nothing that was sent
after one of them reaches the device before it is done, as in Linux' own exporter (drivers/usb/usbip/stub_rx.c).
"""

from __future__ import annotations

import logging

from ..device.api import Device
from ..errors import DeviceError
from ..session.inflight import Answered, HostTable
from ..transport.link import Link
from ..usb.setup import Barrier, Setup
from ..usb.urb import Completion, Status, Urb
from ..wire.cancels import Cancel, CancelAnswer
from ..wire.frame import Frame, MessageType
from ..wire.messages import StatusAnswer
from ..wire.urbs import decode_abort, decode_request, encode_response, is_abort

__all__ = ["Pump"]

log = logging.getLogger(__name__)
_URB_REQUEST = int(MessageType.URB_REQUEST)


class Pump:
    """Carries the URBs of one attached device until the link ends or the guest detaches."""

    def __init__(self, link: Link, device: Device, table: HostTable, handle: int) -> None:
        self._link = link
        self._device = device
        self._table = table
        self._handle = handle

    def run(self) -> bool:
        """Serve requests. True when the guest has asked for a detach, False when it just went away.

        PeerError when it broke the protocol. The device is left open, perhaps with URBs in flight.
        """
        table, submit, done = self._table, self._device.submit, self._done
        agreed = self._link.connection.agreed
        for frame in self._link.frames():
            kind, sequence, _handle, payload = frame
            if kind != _URB_REQUEST or is_abort(payload):
                if kind == MessageType.DETACH:
                    self._detach_sequence = sequence
                    return True
                self._rare(frame)
                continue
            urb = decode_request(payload, sequence, agreed)
            table.begin(urb)
            setup = urb.setup
            if setup is not None and (barrier := setup.barrier()) is not None:
                self._change_state(urb, setup, barrier)
            else:
                submit(urb, done)
        return False

    def detached(self) -> None:
        """Answer the guest's detach: the device has been given back."""
        self._link.answer(MessageType.DETACH, self._detach_sequence, StatusAnswer(Status.OK).pack())

    # -- requests

    def _rare(self, frame: Frame) -> None:
        if frame.type == MessageType.URB_REQUEST:
            self._abort(decode_abort(frame.payload), frame.sequence)
        elif frame.type == MessageType.CANCEL:
            self._cancel(Cancel.unpack(frame.payload).target, frame.sequence)
        else:
            self._reset(frame.sequence)

    def _change_state(self, urb: Urb, setup: Setup, barrier: Barrier) -> None:
        """Make a request that the host's system must know of (:meth:`wslusb.usb.setup.Setup.barrier`)."""
        try:
            if barrier is Barrier.SELECT_CONFIGURATION:
                self._device.select_configuration(setup.value & 0xFF)
            elif barrier is Barrier.SELECT_INTERFACE:
                self._device.select_interface(setup.index, setup.value)
            else:
                self._device.clear_halt(setup.index & 0xFF)
        except DeviceError as error:
            self._done(Completion(urb, error.status))
        else:
            self._done(Completion(urb))

    def _reset(self, sequence: int) -> None:
        answer = StatusAnswer(Status.OK)
        try:
            self._device.reset()
        except DeviceError as error:
            answer = StatusAnswer(error.status, str(error))
        self._link.answer(MessageType.RESET, sequence, answer.pack())
        if answer.status == Status.GONE:
            self._link.end()

    def _cancel(self, target: int, sequence: int) -> None:
        link = self._link
        with link.lock:
            urb = self._table.cancel(target, sequence)
            if urb is None:
                self._answer_cancel(sequence, target, won=False)
                return
        self._device.cancel(urb)

    def _abort(self, endpoint: int, sequence: int) -> None:
        link = self._link
        with link.lock:
            urbs = self._table.abort(endpoint, sequence)
            if not urbs:
                self._answer_abort(sequence)
        for urb in urbs:
            self._device.cancel(urb)

    # -- completions

    def _done(self, completion: Completion) -> None:
        """Send a URB's response, and what must follow it. Called once a URB, on any thread."""
        urb, link = completion.urb, self._link
        status = completion.status
        buffers = encode_response(completion, urb.sequence, self._handle)
        try:
            with link.lock:
                answered = self._table.end(urb, status)
                link.send_locked(buffers)
                if answered is not None:
                    self._follow(answered)
        except OSError:
            # The guest is gone or does not read: run() comes back and the device is closed.
            link.end()
        if status == Status.GONE:
            link.end()

    def _follow(self, answered: Answered) -> None:
        for sequence, target, won in answered.cancels:
            self._answer_cancel(sequence, target, won=won)
        for sequence in answered.aborts:
            self._answer_abort(sequence)

    def _answer_cancel(self, sequence: int, target: int, *, won: bool) -> None:
        payload = CancelAnswer(target, won).pack()
        self._link.send_locked((self._link.connection.answer(MessageType.CANCEL, sequence, payload),))

    def _answer_abort(self, sequence: int) -> None:
        nothing = Completion(Urb(sequence, 0, 0, 0))
        self._link.send_locked(encode_response(nothing, sequence, self._handle))
