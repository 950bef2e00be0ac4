"""A firmware that says again what a device once said to control requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import Firmware
from .evidence import Key

__all__ = ["ReplayFirmware"]


class ReplayFirmware(Firmware):
    """Answers control requests that chapter 9 does not, from ``answers``; endpoints never have anything to say.

    A request that was answered several times gets the answers in their order, the last one again and again. One that
    the source does not hold is stalled. OUT requests are taken whatever data they carry, if the device once took one
    with the same SETUP.
    """

    def __init__(self, answers: Mapping[Key, Sequence[bytes]] | None = None) -> None:
        self.answers = {key: tuple(each) for key, each in (answers or {}).items() if each}
        self._asked: dict[Key, int] = {}

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:  # noqa: ARG002
        """See :class:`Firmware`."""
        key = (setup.request_type, setup.request, setup.value, setup.index)
        answers = self.answers.get(key)
        if answers is None:
            return None
        turn = self._asked.get(key, 0)
        self._asked[key] = turn + 1
        return answers[min(turn, len(answers) - 1)]
