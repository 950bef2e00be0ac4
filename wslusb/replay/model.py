"""Model replay: a driver that does other things than the capture's finds a device all the same, as far as it is known.

Standard requests are answered from the descriptors, mass storage command by command (``bulk_only.py``), and the rest is
keyed, where a control request that only asks for another length, or brings other data, is taken for the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..usb.ids import ClassCode, TransferType, is_in
from ..usb.setup import Request, RequestType, Setup
from ..usb.urb import Status, Urb
from .bulk_only import BulkOnly
from .chapter9 import Chapter9
from .divergence import Diverged
from .facts import Facts
from .keyed import ControlKey, Keyed
from .script import Reply
from .story import Story
from .wildcards import Wildcards

__all__ = ["Model"]

_BULK_ONLY = 0x50
_BULK_ONLY_RESET = 0xFF
_TOLD = ((0x80, Request.GET_DESCRIPTOR), (0x81, Request.GET_DESCRIPTOR), (0x80, Request.GET_STATUS))


class Model(Keyed):
    """See :class:`wslusb.replay.script.Script`."""

    patient = True

    def __init__(self, story: Story, facts: Facts, wildcards: Wildcards, miss: Callable[[list[str]], None]) -> None:
        super().__init__(story, facts, wildcards)
        self._standard = Chapter9(facts, miss)
        self._disks: dict[int, BulkOnly] = {}
        self._disk_interfaces: dict[int, BulkOnly] = {}
        for number, pair in _disks(facts):
            disk = BulkOnly(story.exchanges, pair)
            if disk.disk.known:
                self._disks |= dict.fromkeys(pair, disk)
                self._disk_interfaces[number] = disk

    def ask(self, urb: Urb) -> Reply:
        """What the descriptors say, then what a disk would, then the capture's queues."""
        if urb.setup is not None:
            return self._request(urb, urb.setup)
        if urb.endpoint in self._standard.halted:
            self.stalled(urb.endpoint)
            return Reply(Status.STALL, moved=0)
        disk = self._disks.get(urb.endpoint)
        return disk.ask(urb) if disk else super().ask(urb)

    def _request(self, urb: Urb, setup: Setup) -> Reply:
        key = (setup.pack(), bytes(urb.data))
        self.hints.asked(urb)
        if self._standard.knows(setup) and not self._told(setup, key):
            data = self._standard.answer(setup)
            return Reply(Status.STALL, moved=0) if data is None else Reply(data=data)
        disk = self._disk_interfaces.get(setup.index)
        if disk and (setup.kind, setup.request) == (RequestType.CLASS, _BULK_ONLY_RESET):
            disk.reset()
            return Reply()
        try:
            return self.control(urb, key)
        except Diverged:
            similar = self._similar(key)
            if similar is None:
                raise
            reply = self.control(urb, similar)
            reply.data, reply.moved = reply.data[: urb.length], None
            return reply

    def _told(self, setup: Setup, key: ControlKey) -> bool:
        """Whether the device answered just this: then it does so again, also where it answers one way, then another."""
        answers = self.answers(key) if (setup.request_type, setup.request) in _TOLD else []
        return bool(answers) and None not in answers

    def _similar(self, key: ControlKey) -> ControlKey | None:
        """The request that differs least: in its data alone if there is one such, else in wLength."""
        found = sorted(self.same_request(key[0]), key=lambda each: each[0] != key[0])
        return found[0] if found else None

    def restart(self) -> None:
        """Halts are gone and disks wait for a command; what the capture has told is not told again."""
        self._standard.reset()
        for disk in self._disks.values():
            disk.reset()


def _disks(facts: Facts) -> Iterator[tuple[int, tuple[int, int]]]:
    """The Bulk-Only interfaces: number, OUT and IN endpoint."""
    for configuration in facts.parsed():
        for interface in configuration.interfaces:
            if (interface.interface_class, interface.protocol) != (ClassCode.MASS_STORAGE, _BULK_ONLY):
                continue
            bulk = [each.address for each in interface.endpoints if each.transfer == TransferType.BULK]
            pair = [[each for each in bulk if is_in(each) is direction] for direction in (False, True)]
            if all(pair):
                yield interface.number, (pair[0][0], pair[1][0])
