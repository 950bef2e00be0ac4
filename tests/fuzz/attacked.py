"""What the attacks on the host's side are made at: a live service, watched, and used by a good guest throughout."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fuzz.oracle import HANG_SECONDS, Finding, Slow, Watch
from tests.support.usb import bulk_in
from tests.support.world import Guest, World
from wslusb.device import sync
from wslusb.host import export
from wslusb.session.credits import Credits

__all__ = ["Attacked"]

_MINE, _THEIRS = "9-2", "9-1"
_LITTER_CASES = 32
"""After so many cases it is looked whether objects are left over."""


class _Counted(Credits):
    """Credits that tell when they are less than nothing or more than was granted, and what they refused."""

    __slots__ = ()
    wrong: list[str] = []  # noqa: RUF012 -- all of them tell it here
    refused = 0

    def take(self, length: int) -> bool:
        """As the original."""
        taken = super().take(length)
        type(self).refused += not taken
        if self.urbs_used > max(self.urbs, 1):
            self.wrong.append(f"{self.urbs_used} URBs are in flight, {self.urbs} are granted")
        return taken

    def give_back(self, length: int) -> None:
        """As the original."""
        super().give_back(length)
        if self.urbs_used < 0 or self.bytes_used < 0:
            self.wrong.append(f"credit below nothing: {self.urbs_used} URBs, {self.bytes_used} bytes")


class Attacked:
    """Up between ``with`` and its end. Cases are made at 9-1; 9-2 is a good guest's, who goes on using it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="wslusb-")
        self._world = World(Path(self._folder.name), "loopback,loopback:serial=GOOD0001")
        self._watch = Watch()
        self._cases = 0

    def __enter__(self) -> Self:
        export.Credits = _Counted  # type: ignore[attr-defined]
        _Counted.wrong.clear()
        self._watch.__enter__()
        self._world.__enter__()
        self._world.service.bind(_THEIRS)
        self._world.service.bind(_MINE)
        self._world.works(_THEIRS)
        self._good = Guest(self._world, _MINE)
        self.meanwhile()
        self._watch.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._good.close()
        self._world.service.close()
        self._watch.__exit__(None, None, None)
        self._folder.cleanup()
        export.Credits = Credits  # type: ignore[attr-defined]

    def meanwhile(self) -> None:
        """The good guest is served, within the time that any case may take."""
        began = time.monotonic()
        try:
            answer = sync.transfer(self._good.device, bulk_in(512), HANG_SECONDS)
            listed = self._good.client.devices()
        except Exception as error:
            raise Slow(f"another guest is not served meanwhile: {error!r}") from error
        if answer.status or bytes(answer.data) != bytes(512) or len(listed) != 2:
            raise Finding(f"another guest is served badly meanwhile: {answer.status:#x}, {len(listed)} devices")
        if time.monotonic() - began > HANG_SECONDS:
            raise Slow("another guest waited for too long")

    def after(self) -> set[str]:
        """A case is over: its device is free and works, and nothing is left of it. Kinds of what was logged."""
        try:
            self._world.free(_THEIRS)
            self._world.works(_THEIRS)
        except Exception as error:
            raise Slow(f"a good guest is not served: {error!r}") from error
        self.meanwhile()
        self._watch.no_leaks()
        self._nothing_left()
        seen = self._watch.seen()  # and the errors that were logged, with all that they hold on to
        self._cases += 1
        if self._cases % _LITTER_CASES == 0:
            self._watch.no_litter()
        if _Counted.wrong:
            raise Finding(_Counted.wrong[0])
        return seen

    def _nothing_left(self) -> None:
        """Of devices and sessions, the good guest's alone are there."""
        service, deadline = self._world.service, time.monotonic() + HANG_SECONDS
        while True:
            claims, sessions = [claim.info.busid for claim in service.catalog.claims()], len(service.guests.all())
            if (claims, sessions) == ([_MINE], 1):
                return
            if time.monotonic() > deadline:
                raise Slow(f"left behind: {claims} are claimed, {sessions} sessions")
            time.sleep(0.001)

    @property
    def refused(self) -> int:
        """How often credit has been refused."""
        return _Counted.refused
