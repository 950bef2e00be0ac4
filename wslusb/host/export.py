"""One data connection: a guest asks for a device, gets it, and uses it until either goes."""

from __future__ import annotations

import itertools
import logging

from ..capture.hub import Hub
from ..device.guard import Guarded
from ..device.tapped import Tapped
from ..errors import DeviceError, LocalError, PeerError, WslusbError
from ..session.admission import check_device
from ..session.credits import Credits
from ..session.inflight import HostTable
from ..transport.link import Link
from ..usb.urb import Status
from ..wire.messages import AttachAnswer, AttachRequest
from .catalog import Catalog, Claim
from .pump import Pump

__all__ = ["Export"]

log = logging.getLogger(__name__)
_handles = itertools.count(1)


class Export:
    """Serves one data link. Whatever ends it, the device is closed and free again afterwards.

    ``captures`` may listen to it meanwhile.
    """

    def __init__(self, link: Link, catalog: Catalog, captures: Hub) -> None:
        self._link = link
        self._catalog = catalog
        self._captures = captures

    def run(self) -> None:
        """Serve until the link ends. PeerError when the guest broke the protocol."""
        for frame in self._link.frames():
            request = AttachRequest.unpack(frame.payload)
            try:
                claim = self._catalog.claim(request.busid, request.generation, str(self._link.peer), self._link.end)
            except (DeviceError, LocalError) as error:
                self._refuse(frame.sequence, request.busid, error)
                continue
            try:
                if self._serve(claim, frame.sequence):
                    return
            finally:
                self._catalog.release(claim)

    def _serve(self, claim: Claim, sequence: int) -> bool:
        """Attach the claimed device and pump; False if it could not be opened."""
        busid, device = claim.info.busid, None
        try:
            device = self._catalog.open(claim)
            check_device(device.info)
        except (DeviceError, LocalError, PeerError) as error:
            if device is not None:
                device.close()
            self._catalog.release(claim)  # before the guest hears of it, which may ask again at once
            self._refuse(sequence, busid, error)
            return False
        link, agreed, handle = self._link, self._link.connection.agreed, next(_handles) & 0xFFFFFFFF or 1
        table = HostTable(Credits(agreed.urbs, agreed.bytes_in_flight))
        tapped = Tapped(device)
        pump = Pump(link, Guarded(tapped), table, handle)
        point = self._captures.attach(device.info, tapped, link, link.peer.number if link.peer.kind == "vsock" else 0)
        try:
            answer = AttachAnswer(Status.OK, "", handle, agreed.urbs, agreed.bytes_in_flight, device.info)
            link.answer(AttachAnswer.TYPE, sequence, answer.pack())
            link.connection.attached(handle)
            log.info("device %s (%s) attached to %s", busid, device.info.hardware_id, link.peer)
            asked = pump.run()
        finally:
            device.close()
            self._captures.detach(point)
            log.info("device %s detached from %s", busid, link.peer)
        self._catalog.release(claim)
        if asked:
            pump.detached()
        return True

    def _refuse(self, sequence: int, busid: str, error: WslusbError) -> None:
        log.info("device %s refused to %s: %s", busid, self._link.peer, error)
        status = error.status if isinstance(error, DeviceError) else Status.FAILED
        hint = f"; on the host: {error.hint}" if error.hint and error.hint not in str(error) else ""
        self._link.answer(AttachAnswer.TYPE, sequence, AttachAnswer(status, f"{error}{hint}").pack())
