"""``python -m tests.fuzz.planted``: mistakes that are made on purpose in a copy of the program, and who finds them.

A fuzzer that finds nothing may be blind. Each mistake here breaks one thing that must hold, in the code that keeps it;
the fuzzers that should see it are run on the copy for a minute in all, one after the other.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass

from hil.planted.looking import Row, command_line, copy, table
from hil.planted.mistake import ROOT, Mistake
from tests.fuzz import guided

__all__ = ["BUGS", "ROOT", "Bug"]

_PARTS = ("wslusb", "emulator", "tests", "docs/examples", "conftest.py")
_TOLD = re.compile(r"^(?:\w+: finding-\w+: (.+)|((?:\w+\.)*\w*(?:Error|Flaky\w*)\b.*))$", re.MULTILINE)
_WIDE = 88


@dataclass(frozen=True, slots=True)
class Bug(Mistake):
    """``targets``: who is asked, in this order."""

    targets: tuple[str, ...]


BUGS = (
    # -- each sequence answered exactly once
    Bug("a URB is answered twice", "wslusb/host/pump.py",
        "                link.send_locked(buffers)\n",
        "                link.send_locked(buffers)\n                if urb.length == 64:\n"
        "                    link.send_locked(buffers)\n", ("service", "conversation")),
    Bug("a short read is never answered", "wslusb/host/pump.py",
        "        urb, link = completion.urb, self._link\n",
        "        urb, link = completion.urb, self._link\n        if urb.is_in and 0 < completion.actual_length < 7:\n"
        "            return\n", ("conversation",)),
    Bug("a number that came before is taken again", "wslusb/session/connection.py",
        "        if sequence != expected:\n", "        if sequence > expected:\n", ("service",)),
    Bug("an abort is answered before its URBs", "wslusb/host/pump.py",
        "            if not urbs:\n                self._answer_abort(sequence)\n",
        "            self._answer_abort(sequence)\n            urbs = urbs and self._table.abort(endpoint, sequence)\n",
        ("service",)),
    Bug("a cancel is answered before its URB", "wslusb/host/pump.py",
        "                link.send_locked(buffers)\n                if answered is not None:\n"
        "                    self._follow(answered)\n",
        "                if answered is not None:\n                    self._follow(answered)\n"
        "                link.send_locked(buffers)\n", ("service", "conversation")),
    Bug("a cancel that came too late is told to have won", "wslusb/session/inflight.py",
        "answered.cancels.append((cancel, sequence, status == Status.CANCELLED))",
        "answered.cancels.append((cancel, sequence, True))", ("conversation", "service")),
    Bug("an unlink of what was answered is not answered", "wslusb/guest/relay.py",
        "                self._send([pack_ret_unlink(command.sequence, 0)])\n", "", ("kernel", "relay")),
    Bug("an unlink that won, and the URB's answer with it", "wslusb/guest/relay.py",
        "                    buffers = [pack_ret_unlink(unlink, ECONNRESET)]\n",
        "                    buffers.append(pack_ret_unlink(unlink, ECONNRESET))\n", ("kernel", "relay")),
    # -- order on an endpoint
    Bug("what waits for credit goes youngest first", "wslusb/guest/backlog.py",
        "urb, done = queue.popleft()", "urb, done = queue.pop()", ("conversation",)),
    Bug("a URB overtakes those that wait for credit", "wslusb/guest/remote.py",
        "elif self._queue or not self._table.room(urb.length):", "elif not self._table.room(urb.length):",
        ("conversation",)),
    # -- no byte lost
    Bug("what a cancelled read has brought is thrown away", "wslusb/guest/relay.py",
        "if completion.status == Status.CANCELLED and not completion.actual_length:",
        "if completion.status == Status.CANCELLED:", ("kernel",)),
    Bug("data that wait for credit are not copied", "wslusb/guest/backlog.py",
        "        urb.data = bytes(urb.data)\n", "", ("agent",)),
    Bug("a message that is cut by a full buffer loses a byte", "wslusb/wire/buffer.py",
        "self._view[:kept] = self._view[self._start : self._end]",
        "self._view[: kept - 1] = self._view[self._start + 1 : self._end]", ("usbip", "codec")),
    Bug("isochronous packets with gaps are sent with the gaps", "wslusb/wire/usbip.py",
        "    if not urb.is_in and urb.length != total:\n", "    if not urb.is_in and urb.length > total:\n",
        ("kernel",)),
    # -- credits
    Bug("the host gives credit back twice", "wslusb/session/inflight.py",
        "        del self._urbs[sequence]\n        self._credits.give_back(urb.length)\n",
        "        del self._urbs[sequence]\n        self._credits.give_back(urb.length)\n"
        "        if status == Status.CANCELLED:\n            self._credits.give_back(urb.length)\n",
        ("service", "conversation")),
    Bug("the guest forgets to give credit back for a cancelled URB", "wslusb/session/inflight.py",
        "        urb = self._urbs.pop(sequence)\n        self._credits.give_back(urb.length)\n",
        "        urb = self._urbs.pop(sequence)\n        if status != Status.CANCELLED:\n"
        "            self._credits.give_back(urb.length)\n", ("conversation",)),
    Bug("the host does not refuse what is beyond the credits", "wslusb/session/inflight.py",
        "        if not self._credits.take(urb.length):\n",
        "        if not self._credits.take(urb.length) and urb.length > self._credits.size:\n", ("service",)),
    Bug("a guest with no credit sends all the same", "wslusb/session/credits.py",
        "if used and (used >= self.urbs or", "if used and (used > self.urbs or", ("conversation", "service")),
    # -- memory and devices
    Bug("a URB that waited and was cancelled is counted for ever", "wslusb/guest/backlog.py",
        "                del self.queue[position]\n                self._size -= urb.length\n",
        "                del self.queue[position]\n", ("conversation",)),
    Bug("what can be captured is not forgotten", "wslusb/host/export.py",
        "            self._captures.detach(point)\n", "", ("service",)),
    Bug("a session stays when its guest has gone", "wslusb/host/guests.py",
        "            self._sessions.pop(session.token, None)\n",
        "            self._sessions.get(session.token)\n", ("service",)),
    Bug("a device is not closed when its guest breaks the protocol", "wslusb/host/export.py",
        "        finally:\n            device.close()\n", "        finally:\n            if link.ended:\n"
        "                device.close()\n", ("service",)),
    Bug("a capture goes on when its reader has gone", "wslusb/control/captures.py",
        "            self._hub.stop(sink)\n", "            pass\n", ("control",)),
    Bug("a capture's queue has no end", "wslusb/capture/sink.py",
        "            if self._size + size > self.limit:\n", "            if self._size + size > self.limit << 8:\n",
        ("control",)),
    # -- names of another time, and lies
    Bug("a device of another generation is attached", "wslusb/host/catalog.py",
        "if generation not in (0, info.generation):", "if generation > info.generation + 9:", ("service",)),
    Bug("a handle of another device is taken", "wslusb/session/connection.py",
        "if kind == self._hot and self.state is State.ATTACHED and handle == self.handle:",
        "if kind == self._hot and self.state is State.ATTACHED:", ("service",)),
    Bug("more bytes are told to the kernel than it asked for", "wslusb/wire/usbip.py",
        "if not 0 <= actual <= urb.length or", "if not 0 <= actual or", ("usbip",)),
    Bug("a host's answer may be longer than its request", "wslusb/wire/urbs.py",
        "    if actual > urb.length:\n", "    if actual > urb.length + 65536:\n", ("codec", "agent")),
    Bug("the agent takes the answer to one cancel for that to another", "wslusb/session/inflight.py",
        "        if self._cancels.pop(sequence, None) != target:\n",
        "        if self._cancels.pop(sequence, None) is None:\n", ("agent",)),
)  # fmt: skip


def _found(bug: Bug, seconds: float) -> tuple[str, float, str]:
    """Who has found it (empty for nobody), after how many seconds, and what was told."""
    with copy(_PARTS, bug) as folder:
        environment, began = {**os.environ, "PYTHONPATH": str(folder)}, time.monotonic()
        for number, target in enumerate(bug.targets):
            left = (seconds - (time.monotonic() - began)) / (len(bug.targets) - number)
            command = [sys.executable, "-m", "tests.fuzz", "--as-found", "--seconds", str(left), target]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                told = ["".join(each).removeprefix("AssertionError: ") for each in _TOLD.findall(done.stderr)]
                return target, time.monotonic() - began, next(filter(None, reversed(told)), "")
        return "", time.monotonic() - began, ""


def main() -> int:
    """Make each mistake, look for it, and print the table. It ends with 1 if one was not found."""
    arguments = command_line("tests.fuzz.planted", __doc__, seconds=60.0).parse_args()
    guided.check({target for bug in BUGS for target in bug.targets})

    def row(bug: Bug) -> Row:
        target, seconds, told = _found(bug, arguments.seconds)
        return bool(target), (bug.breaks, target or "NOT FOUND", f"{seconds:.0f} s", told[:_WIDE])

    return table(BUGS, arguments.words, row)


if __name__ == "__main__":
    sys.exit(main())
