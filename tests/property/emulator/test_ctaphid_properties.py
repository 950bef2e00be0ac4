"""Whatever programs send to a security key, in whatever order, it neither breaks nor loses its way."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from emulator.devices.fido_parts.ctaphid import BROADCAST, REPORT_SIZE, Command, Transport, packets

channels = st.sampled_from([0, 1, 2, 3, BROADCAST])
firsts = st.builds(
    lambda channel, command, size, data: (struct.pack(">IBH", channel, 0x80 | command, size) + data).ljust(64, b"\0"),
    channels, st.sampled_from([*Command, 0x10, 0x7F]), st.integers(0, 300) | st.integers(0, 65_535),
    st.binary(max_size=57),
)  # fmt: skip
nexts = st.builds(
    lambda channel, sequence, data: (struct.pack(">IB", channel, sequence) + data).ljust(64, b"\0"),
    channels, st.integers(0, 4), st.binary(max_size=59),
)  # fmt: skip
anything = st.binary(min_size=64, max_size=64) | st.binary(max_size=70)


class Key:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.transport = Transport(self.sent.append, lambda message: message[::-1], lambda: None)

    def ask(self, channel: int, command: int, data: bytes) -> list[bytes]:
        self.sent.clear()
        for packet in packets(channel, command, data):
            self.transport.received(packet)
        return list(self.sent)


@given(st.lists(firsts | nexts | anything, max_size=30))
def test_a_wild_program_harms_nobody(reports: list[bytes]) -> None:
    key = Key()
    for report in reports:
        key.transport.received(report)
    assert all(len(report) == REPORT_SIZE for report in key.sent)
    key.transport.expired()
    (answer,) = key.ask(BROADCAST, Command.INIT, b"nonce123")
    assert answer[7:15] == b"nonce123"
    mine = int.from_bytes(answer[15:19], "big")
    assert key.ask(mine, Command.PING, b"hello") == packets(mine, Command.PING, b"hello")


@given(st.binary(max_size=7609))
def test_messages_there_and_back(data: bytes) -> None:
    key = Key()
    key.ask(BROADCAST, Command.INIT, bytes(8))
    assert key.ask(1, Command.MSG, data) == packets(1, Command.MSG, data[::-1])
