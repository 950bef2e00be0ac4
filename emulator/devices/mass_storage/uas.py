"""USB Attached SCSI without streams: commands, status and data over four bulk pipes (UAS-3, clause 6).

The host may have many commands in flight, told apart by tags: the task set. They run one at a time and in order (but
for those that are to go to the head of the queue), so a READY information unit always names the command whose data are
next on their pipe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ...firmware import InHandler, OutHandler
from . import uas_iu
from .scsi import Disk, Task
from .sense import CheckCondition, Sense
from .uas_iu import Code, Function, Iu, Status

__all__ = ["Uas"]

_HEAD_OF_QUEUE = 1
_TASK_SET_LIMIT = 64


@dataclass(slots=True, eq=False)
class _Command:
    """A command of the task set; ``task`` and ``filled`` are of use once it is the one that runs."""

    tag: int
    block: bytes
    unit: int
    task: Task = field(default_factory=Task)
    filled: int = 0


class Uas:
    """The transport of one interface. ``command``, ``status``, ``data_in`` and ``data_out`` are its four pipes."""

    def __init__(self, disk: Disk) -> None:
        self.command = _CommandPipe(self)
        self.status = InHandler()
        self.data_in = _DataIn(self)
        self.data_out = _DataOut(self)
        self._disk = disk
        self._set: dict[int, _Command] = {}
        self._waiting: deque[_Command] = deque()
        self._running: _Command | None = None
        self._functions: dict[int, Callable[[int], Code]] = {
            Function.ABORT_TASK: self._abort_task,
            Function.ABORT_TASK_SET: self._abort_all,
            Function.CLEAR_TASK_SET: self._abort_all,
            Function.LOGICAL_UNIT_RESET: self._reset_unit,
            Function.NEXUS_RESET: self._reset_unit,
            Function.QUERY_TASK: lambda tag: Code.SUCCEEDED if tag in self._set else Code.COMPLETE,
            Function.QUERY_TASK_SET: lambda _: Code.SUCCEEDED if self._set else Code.COMPLETE,
            Function.QUERY_ASYNCHRONOUS_EVENT: lambda _: Code.COMPLETE,
        }

    # -- the command pipe

    def received(self, unit: bytes) -> None:
        """Take an information unit from the host."""
        kind, size = (unit[0] if unit else None), uas_iu.COMMAND.size
        if kind == Iu.COMMAND and len(unit) >= size and len(unit) == size + (unit[6] & 0xFC):
            self._queue(unit)
        elif kind == Iu.TASK_MANAGEMENT and len(unit) == uas_iu.TASK_MANAGEMENT.size:
            self._manage(unit)
        else:
            self._respond(int.from_bytes(unit[2:4]), Code.INVALID_UNIT)

    def _queue(self, unit: bytes) -> None:
        _, tag, attribute, _, lun, block = uas_iu.COMMAND.unpack_from(unit)
        if tag in self._set:
            self._overlap(tag)
        elif len(self._set) >= _TASK_SET_LIMIT:
            self._send_status(tag, Status.TASK_SET_FULL)
        else:
            command = self._set[tag] = _Command(tag, block + unit[uas_iu.COMMAND.size :], int.from_bytes(lun))
            if attribute & 7 == _HEAD_OF_QUEUE:
                self._waiting.appendleft(command)
            else:
                self._waiting.append(command)
            self._advance()

    def _overlap(self, tag: int) -> None:
        """A tag is used twice: the host has lost count, so everything that it has in flight ends (SAM-5, 5.11)."""
        self._abort_all()
        self._respond(tag, Code.OVERLAPPED_TAG)

    def _manage(self, unit: bytes) -> None:
        _, tag, function, named, lun = uas_iu.TASK_MANAGEMENT.unpack(unit)
        if tag in self._set:
            self._overlap(tag)
            return
        perform = self._functions.get(function)
        if perform is None:
            code = Code.NOT_SUPPORTED
        elif any(lun) and function != Function.NEXUS_RESET:
            code = Code.INCORRECT_LUN
        else:
            code = perform(named)
        self._respond(tag, code)
        self._advance()

    def _abort_task(self, tag: int) -> Code:
        command = self._set.pop(tag, None)
        if command is self._running:
            self._stop()
        elif command is not None:
            self._waiting.remove(command)
        return Code.COMPLETE

    def _abort_all(self, _tag: int = 0) -> Code:
        self._set.clear()
        self._waiting.clear()
        self._stop()
        return Code.COMPLETE

    def _reset_unit(self, _tag: int) -> Code:
        self._abort_all()
        self._disk.reset()
        return Code.COMPLETE

    def _stop(self) -> None:
        """Nothing is said of a command that was aborted, and its data are no longer for anybody."""
        self._running = None
        self.data_in.pipe.clear()

    # -- one command

    def _advance(self) -> None:
        while self._running is None and self._waiting:
            self._start(self._waiting.popleft())

    def _start(self, command: _Command) -> None:
        self._running = command
        try:
            task = command.task = self._disk.execute(command.block, command.unit)
            if task.target is not None and len(task.target):
                self.status.pipe.send(uas_iu.READY.pack(Iu.WRITE_READY, command.tag))
                self.data_out.pipe.resume()
            elif len(task.data):
                self.status.pipe.send(uas_iu.READY.pack(Iu.READ_READY, command.tag))
                self.data_in.pipe.send(task.data)
            else:
                self._disk.complete(task)
                self._end(Status.GOOD)
        except CheckCondition as condition:
            self._end(Status.CHECK_CONDITION, condition.sense)

    def sent(self) -> None:
        """The host has taken the data of the command that runs."""
        if self._running is not None and len(self._running.task.data):
            self._end(Status.GOOD)
            self._advance()

    def fill(self, data: memoryview, *, end: bool) -> int | None:
        """Take data for the command that runs, if it wants any. More than it wants is stalled."""
        command = self._running
        if command is None or command.task.target is None:
            return None
        target = command.task.target
        taken = min(len(data), len(target) - command.filled)
        target[command.filled : command.filled + taken] = data[:taken]
        command.filled += taken
        if taken < len(data):
            self.data_out.pipe.halt()
        if command.filled == len(target) or end:
            self._filled(command)
        return taken

    def _filled(self, command: _Command) -> None:
        try:
            if command.task.target is not None and command.filled < len(command.task.target):
                raise CheckCondition(Sense.DATA_PHASE_ERROR)
            self._disk.complete(command.task)
        except CheckCondition as condition:
            self._end(Status.CHECK_CONDITION, condition.sense)
        else:
            self._end(Status.GOOD)
        self._advance()

    def _end(self, status: Status, sense: Sense | None = None) -> None:
        command, self._running = self._running, None
        assert command is not None  # noqa: S101 - only what runs ends
        del self._set[command.tag]
        self._send_status(command.tag, status, b"" if sense is None else sense.pack())

    # -- the status pipe

    def _send_status(self, tag: int, status: Status, sense: bytes = b"") -> None:
        self.status.pipe.send(uas_iu.SENSE.pack(Iu.SENSE, tag, 0, status, len(sense)) + sense)

    def _respond(self, tag: int, code: Code) -> None:
        self.status.pipe.send(uas_iu.RESPONSE.pack(Iu.RESPONSE, tag, code))


class _CommandPipe(OutHandler):
    def __init__(self, transport: Uas) -> None:
        self._transport = transport

    def received(self, data: memoryview, end: bool) -> int | None:  # noqa: ARG002
        self._transport.received(bytes(data))
        return len(data)


class _DataIn(InHandler):
    def __init__(self, transport: Uas) -> None:
        self._transport = transport

    def drained(self) -> None:
        self._transport.sent()


class _DataOut(OutHandler):
    def __init__(self, transport: Uas) -> None:
        self._transport = transport

    def received(self, data: memoryview, end: bool) -> int | None:
        return self._transport.fill(data, end=end)
