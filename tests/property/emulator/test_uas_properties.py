"""emulator.devices.mass_storage.uas: any commands, in flight at the same time, in any order of the host's transfers."""

from __future__ import annotations

import struct
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from emulator.device import VirtualDevice
from emulator.devices.mass_storage.medium import memory_medium
from emulator.devices.uas import COMMAND, DATA_IN, DATA_OUT, STATUS, UAS, UasFirmware, uas_gadget
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

BLOCKS = 16
SENSE, READ_READY, WRITE_READY = 3, 6, 7

commands = st.tuples(st.booleans(), st.integers(0, BLOCKS - 1), st.integers(1, 3), st.integers(0, 255)).filter(
    lambda command: command[1] + command[2] <= BLOCKS
)


class Host:
    """Does what drivers/usb/storage/uas.c does: one status transfer a command, data when the device is ready for them.

    ``early``: submits the transfers of the data at once, in the order of the commands, as other systems do.
    """

    def __init__(self, *, early: bool) -> None:
        self.medium = memory_medium(BLOCKS * 512)
        self.device = VirtualDevice(uas_gadget(), UasFirmware(self.medium))
        self.device.select_interface(0, UAS)
        self.early = early
        self.ended: list[tuple[int, int]] = []
        self.read: dict[int, bytes] = {}
        self._commands: dict[int, tuple[bool, int, int, int]] = {}
        self._todo: deque[tuple[int, int]] = deque()

    def start(self, tag: int, command: tuple[bool, int, int, int]) -> None:
        write, block, count, _ = self._commands[tag] = command
        self._listen()
        if self.early:
            self._move(tag)
        cdb = struct.pack(">BxIxHx6x", 0x2A if write else 0x28, block, count)
        iu = struct.pack(">BxHBxBx8x", 1, tag, 0, 0) + cdb
        self.device.submit(Urb(0, COMMAND, 2, len(iu), 0, iu), lambda _: None)

    def _listen(self) -> None:
        self.device.submit(Urb(0, STATUS, 2, 112, UrbFlag.SHORT_OK), self._status)

    def _status(self, completion: Completion) -> None:
        kind, tag = struct.unpack_from(">BxH", completion.data)
        if kind == SENSE:
            self.ended.append((tag, completion.data[6]))
            return
        self._listen()
        self._todo.append((kind, tag))

    def settle(self) -> None:
        while self._todo:
            kind, tag = self._todo.popleft()
            assert kind == (WRITE_READY if self._commands[tag][0] else READ_READY)
            if not self.early:
                self._move(tag)

    def _move(self, tag: int) -> None:
        write, _, count, fill = self._commands[tag]

        def done(completion: Completion) -> None:
            assert completion.status == Status.OK
            if not write:
                self.read[tag] = bytes(completion.data)

        if write:
            data = bytes((fill,)) * 512 * count
            self.device.submit(Urb(0, DATA_OUT, 2, len(data), 0, data), done)
        else:
            self.device.submit(Urb(0, DATA_IN, 2, 512 * count, UrbFlag.SHORT_OK), done)


@given(st.lists(st.lists(commands, min_size=1, max_size=8), max_size=6), st.booleans())
def test_commands_in_flight_do_what_they_would_do_one_by_one(
    batches: list[list[tuple[bool, int, int, int]]], early: bool
) -> None:
    host, shadow, tag = Host(early=early), bytearray(BLOCKS * 512), 0
    expected: dict[int, bytes] = {}
    for batch in batches:
        for command in batch:
            tag += 1
            write, block, count, fill = command
            if write:
                shadow[512 * block : 512 * (block + count)] = bytes((fill,)) * 512 * count
            else:
                expected[tag] = bytes(shadow[512 * block : 512 * (block + count)])
            host.start(tag, command)
        host.settle()
    assert host.ended == [(each, 0) for each in range(1, tag + 1)]
    assert host.read == expected
    assert bytes(host.medium.data) == shadow


units = st.binary(max_size=40) | st.builds(
    bytes.__add__,
    st.sampled_from([b"\1", b"\5"]),
    st.binary(min_size=15, max_size=15) | st.binary(min_size=31, max_size=31),
)


@given(st.lists(units, max_size=20))
def test_whatever_is_sent_to_the_command_pipe_it_is_answered_or_waits(units: list[bytes]) -> None:
    device = VirtualDevice(uas_gadget(), UasFirmware(memory_medium(BLOCKS * 512)))
    device.select_interface(0, UAS)
    seen: list[int] = []
    for unit in units:
        device.submit(Urb(0, COMMAND, 2, len(unit), 0, unit), lambda completion: seen.append(completion.status))
    assert seen == [Status.OK] * len(units)
