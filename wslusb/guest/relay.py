"""Between vhci_hcd and a Device: USB/IP commands become URBs, completions become answers.

The kernel does not check what it is told (docs/architecture.md, "Traps"), so everything that it reads here is built
from its own request and bounded by it (:func:`wslusb.wire.usbip.pack_ret_submit`). An unlink is always answered:

* the URB was cancelled and moved no bytes: RET_UNLINK -ECONNRESET, and no RET_SUBMIT;
* it had completed, or moved bytes before the cancel: RET_SUBMIT with the bytes, then RET_UNLINK 0, so that nothing that
  the device has sent is lost (vhci_rx.c gives the URB back on whichever comes first);
* it is unknown, because RET_SUBMIT has crossed the unlink: RET_UNLINK 0.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..device.api import Device
from ..errors import DeviceError, LocalError, LocalReason
from ..transport.stream import Stream
from ..turnstile import Turnstile
from ..usb.endpoints import EndpointMap
from ..usb.ids import DescriptorType, TransferType
from ..usb.setup import Request
from ..usb.urb import Buffer, Completion, Status, Urb
from ..wire.usbip import ECONNRESET, Submit, SubmitBuffer, Unlink, pack_ret_submit, pack_ret_unlink

__all__ = ["Relay"]

log = logging.getLogger(__name__)
_EP0_PROBES = (8, 64)
"""wLength of the GET_DESCRIPTOR(DEVICE) with which the kernel opens an enumeration (hub.c, get_bMaxPacketSize0)."""


class Relay:
    """Serves one port of vhci_hcd from a Device, on one thread, until either side ends.

    ``stream`` is our end of the socket pair whose other end the kernel has. ``resetting`` tells whether the kernel is
    resetting the port at this moment; it is asked only when a request looks like it.
    """

    def __init__(self, stream: Stream, device: Device, resetting: Callable[[], bool]) -> None:
        self._stream = stream
        self._device = device
        self._resetting = resetting
        self._endpoints = EndpointMap(device.info)
        self._commands = SubmitBuffer()
        self._commands.transfers = self._endpoints.active
        self._submits: dict[Urb, Submit] = {}
        self._by_sequence: dict[int, Submit] = {}
        self._unlinks: dict[int, int] = {}
        self._lock = Turnstile()
        self._enumerated = False

    def run(self) -> None:
        """Serve until the kernel closes the port or :meth:`stop`. Never raises for what either side did."""
        commands, receive = self._commands, self._stream.recv_into
        try:
            while count := receive(commands.writable()):
                commands.received(count)
                while (command := commands.next()) is not None:
                    if isinstance(command, Submit):
                        self._submit(command)
                    else:
                        self._unlink(command)
        except OSError:
            log.debug("the port was closed")
        except LocalError as error:
            log.error("%s: the port is given up", error)
        self.stop()

    def stop(self) -> None:
        """Close the kernel's port: vhci_hcd gives back all URBs and frees it."""
        self._stream.shutdown()

    # -- commands

    def _submit(self, submit: Submit) -> None:
        urb = submit.urb
        if submit.sequence in self._by_sequence:
            raise LocalError(LocalReason.BAD_STATE, f"vhci_hcd wrote command {submit.sequence} twice")
        self._submits[urb] = submit
        self._by_sequence[submit.sequence] = submit
        if urb.setup is not None and not self._look_at(urb):
            self._done(Completion(urb, Status.GONE))
        elif urb.transfer == TransferType.ISOCHRONOUS and not urb.iso_lengths:
            # Some Bluetooth drivers send these (usbip_common.c, usbip_recv_iso): there is nothing to ask a device for.
            self._done(Completion(urb))
        else:
            self._device.submit(urb, self._done)

    def _unlink(self, command: Unlink) -> None:
        with self._lock:
            submit = self._by_sequence.get(command.target)
            if submit is None:
                self._send([pack_ret_unlink(command.sequence, 0)])
                return
            if command.target in self._unlinks:
                raise LocalError(LocalReason.BAD_STATE, f"vhci_hcd wrote a second unlink of {command.target}")
            self._unlinks[command.target] = command.sequence
        self._device.cancel(submit.urb)

    # -- resets

    def _look_at(self, urb: Urb) -> bool:
        """Notice a port reset behind a control request, and pass it on; False if the device is gone after it.

        The reset itself never leaves vhci_hcd. What follows it does: the kernel reads the device descriptor anew,
        with the lengths that it uses only there, while the port is not configured.
        """
        setup = urb.setup
        if setup is None:
            return True
        if setup.request == Request.SET_CONFIGURATION and setup.request_type == 0:
            self._enumerated = True
        probe = self._enumerated and setup.length in _EP0_PROBES and setup.is_get_descriptor(DescriptorType.DEVICE)
        if not probe or not self._resetting():
            return True
        self._enumerated = False
        try:
            self._device.reset()
        except DeviceError as error:
            log.warning("the guest's port reset failed on the device: %s", error)
            return False
        return True

    # -- completions

    def _done(self, completion: Completion) -> None:
        """Answer vhci_hcd. Called once a URB, on any thread."""
        urb = completion.urb
        submit = self._submits.pop(urb)
        if urb.setup is not None and not completion.status:
            self._endpoints.follow(urb.setup)
        buffers = pack_ret_submit(submit, completion)
        with self._lock:
            del self._by_sequence[submit.sequence]
            if self._unlinks and (unlink := self._unlinks.pop(submit.sequence, None)) is not None:
                if completion.status == Status.CANCELLED and not completion.actual_length:
                    buffers = [pack_ret_unlink(unlink, ECONNRESET)]
                else:
                    buffers.append(pack_ret_unlink(unlink, 0))
            self._send(buffers)

    def _send(self, buffers: Sequence[Buffer]) -> None:
        try:
            self._stream.send(buffers)
        except OSError:
            # The port is closed: run() comes back.
            self.stop()
