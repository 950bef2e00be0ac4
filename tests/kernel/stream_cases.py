"""The contract of streams on AF_VSOCK: run by pytest inside a machine, by ``test_vsock.py``.

Both ends are in this machine, at CID 1 (vsock(7), VMADDR_CID_LOCAL): the sockets, their buffers and their credit are
those of virtio-vsock, only the queue between them is another (net/vmw_vsock/vsock_loopback.c).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.integration.stream_contract import StreamContract
from wslusb.transport import sockets
from wslusb.transport.address import VsockAddress
from wslusb.transport.stream import Stream

_ports = itertools.count(6000)


class TestVsock(StreamContract):
    @pytest.fixture(autouse=True)
    def listening(self) -> Iterator[None]:
        self.port = next(_ports)
        self.listener = sockets.listen(VsockAddress(None, self.port))
        yield
        self.listener.close()

    def connect(self) -> tuple[Stream, Stream]:
        return sockets.connect(VsockAddress(1, self.port)), self.listener.accept()
