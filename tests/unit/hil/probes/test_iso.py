"""The isochronous probe's book-keeping, on a device that answers as it is told to."""

from __future__ import annotations

from unittest.mock import Mock

from hil.probes.iso import _WARM_UP, _Stream
from wslusb.usb.urb import Completion, Done, IsoResult, Status, Urb


def test_bytes_of_a_packet_that_went_wrong_after_a_hole_are_not_taken_for_those_of_the_next() -> None:
    waiting: list[tuple[Urb, Done]] = []
    device = Mock(submit=lambda urb, done: waiting.append((urb, done)))
    stream = _Stream(device, 0x81, [4, 4], 1, 2, due=0.0, numbered=False)  # whatever comes is late
    stream.begin()
    whole, wrong = IsoResult(Status.OK, 4), IsoResult(Status.STALL, 4)
    for number in range(_WARM_UP + 2):
        urb, done = waiting.pop(0)
        first, data = (wrong, b"xxxxabcd") if number > _WARM_UP else (whole, b"abcdabcd")
        done(Completion(urb, data=data, iso=[first, whole]))
    told = stream.told()
    assert (told["late"], told["late_errors"]) == (1, 1)
    assert len(told["contents"]) == 1
