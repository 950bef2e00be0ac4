"""A host that listens to an interrupt IN endpoint of a virtual device, in virtual time."""

from __future__ import annotations

from emulator.device import VirtualDevice
from wslusb.device.clock import VirtualClock
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag


class Listener:
    """Polls without end, as a class driver does, for ``length`` bytes: the longest report. ``reports`` is what came."""

    def __init__(self, device: VirtualDevice, endpoint: int = 0x81, length: int = 8) -> None:
        self.reports: list[bytes] = []
        self._device, self._endpoint, self._length = device, endpoint, length
        self._poll()

    def _poll(self) -> None:
        urb = Urb(0, self._endpoint, TransferType.INTERRUPT, self._length, UrbFlag.SHORT_OK)
        self._device.submit(urb, self._done)

    def _done(self, completion: Completion) -> None:
        if completion.status == Status.OK:
            self.reports.append(bytes(completion.data))
            self._poll()

    def over(self, clock: VirtualClock, seconds: float) -> list[bytes]:
        """What has come since the last call, after so much more time."""
        clock.advance(seconds)
        came, self.reports = self.reports, []
        return came
