"""usbmon records: whatever a URB holds, it can be written down, and is read back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import completions, urbs
from wslusb.capture import usbmon
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Urb


@given(urbs(), st.data())
def test_every_urb_of_a_guest_can_be_written_down(urb: Urb, data: st.DataObject) -> None:
    """Interval and start frame are 32 bits of the guest's choice, signed in Linux, and 0 where they mean nothing."""
    interval = urb.interval if urb.transfer in (TransferType.INTERRUPT, TransferType.ISOCHRONOUS) else 0
    first = usbmon.read(b"".join(usbmon.submitted(urb, (1, 2), 3_000_000)))
    assert first is not None
    assert (first.kind, first.interval & 0xFFFFFFFF, first.data) == ("S", interval, bytes(urb.data))
    completion = data.draw(completions(urb))
    frame = completion.start_frame if urb.is_iso else 0
    last = usbmon.read(b"".join(usbmon.completed(completion, (1, 2), 4_000_000)))
    assert last is not None
    assert (last.kind, last.start_frame & 0xFFFFFFFF) == ("C", frame)
    packets = [last.data[each.offset : each.offset + each.length] for each in last.iso] if urb.is_in else []
    assert (b"".join(packets) if urb.is_iso else last.data) == completion.data
