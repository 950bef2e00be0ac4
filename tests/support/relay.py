"""A relay on a thread, between a made-up kernel end and a device."""

from __future__ import annotations

import socket
import threading

from emulator import device_provider
from tests.support.kernel import Answer, Kernel
from tests.support.waiting import PATIENCE
from wslusb.device.api import Device
from wslusb.guest.relay import Relay
from wslusb.transport.stream import Peer, SocketStream

INFO = device_provider("loopback").devices()[0]


class Rig:
    """A relay on a thread, a kernel end, and a device."""

    def __init__(self, device: Device) -> None:
        ours, kernels = socket.socketpair()
        self.kernel = Kernel(kernels)
        self.resetting = False
        self.asked = 0
        self.relay = Relay(SocketStream(ours, Peer("unix", 0)), device, self._is_resetting)
        self._ours = ours
        self.thread = threading.Thread(target=self.relay.run)
        self.thread.start()

    def _is_resetting(self) -> bool:
        self.asked += 1
        return self.resetting

    def close(self) -> None:
        self.kernel.sock.close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        self._ours.close()


def told(answer: Answer) -> tuple[int, int, int]:
    return answer.command, answer.number, answer.status
