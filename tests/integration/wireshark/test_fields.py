"""The dissector's fields of every message and URB beside the codec's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.shown import CHECKS, FROM_HOST, check_request, check_response
from tests.support.strategies import completions, messages, urbs
from tests.support.wireshark import Said, Wireshark, frame, number
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Completion, IsoResult, Status, Urb
from wslusb.wire.frame import MessageType
from wslusb.wire.messages import StatusAnswer
from wslusb.wire.urbs import encode_request, encode_response

pytestmark = pytest.mark.tools


@pytest.mark.parametrize("kind", CHECKS)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_messages_are_shown_as_the_codec_reads_them(wireshark: Wireshark, kind: Any, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(messages[kind], min_size=5, max_size=40))
    number_of = MessageType.RESET if kind is StatusAnswer else kind.TYPE
    frames = [frame(number_of, message.pack(), at + 1, 7) for at, message in enumerate(drawn)]
    found = wireshark.messages([(kind in FROM_HOST, each) for each in frames])
    assert len(found) == len(drawn)
    for at, (message, shown) in enumerate(zip(drawn, found, strict=True)):
        assert (number(shown, "type"), number(shown, "sequence"), number(shown, "handle")) == (number_of, at + 1, 7)
        assert number(shown, "size") == len(message.pack())
        CHECKS[kind](message, shown)
        assert not {name for name in shown if name.endswith(("truncated", "extra"))}


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_urbs_are_shown_as_the_codec_reads_them(wireshark: Wireshark, data: st.DataObject) -> None:
    chunks: list[Said] = []
    drawn: list[tuple[Urb, Completion]] = []
    for at, urb in enumerate(data.draw(st.lists(urbs(), min_size=5, max_size=30))):
        completion = data.draw(completions(urb))
        drawn.append((urb, completion))
        chunks.append((False, b"".join(encode_request(urb, at + 1, 7))))
        chunks.append((True, b"".join(encode_response(completion, at + 1, 7))))
    found = wireshark.messages(chunks)
    for at, (urb, completion) in enumerate(drawn):
        request, response = found[2 * at : 2 * at + 2]
        check_request(urb, request)
        check_response(completion, response)
        assert number(request, "response_in") == 2 * at + 2
        assert number(response, "request_in") == 2 * at + 1
        assert response["time"] == ["0.001000000"]
        assert (number(response, "urb.endpoint"), number(response, "urb.transfer")) == (urb.endpoint, urb.transfer)


def test_isochronous_results(wireshark: Wireshark) -> None:
    urb = Urb(0, 0x83, TransferType.ISOCHRONOUS, 30, iso_lengths=(10, 10, 10))
    results = [IsoResult(Status.OK, 10), IsoResult(Status.ISO_NOT_ACCESSED, 0), IsoResult(Status.OK, 4)]
    completion = Completion(urb, Status.OK, 14, b"x" * 14, 99, 1, results)
    request, response = wireshark.messages(
        [(False, b"".join(encode_request(urb, 1, 7))), (True, b"".join(encode_response(completion, 1, 7)))]
    )
    check_request(urb, request)
    check_response(completion, response)


def test_a_standard_request_has_its_name_and_a_vendor_request_has_none(wireshark: Wireshark) -> None:
    standard = Urb(0, 0, 0, 18, setup=Setup(0x80, 6, 0x100, 0, 18))
    vendor = Urb(0, 0, 0, 18, setup=Setup(0xC0, 6, 0x100, 0, 18))
    chunks = [(False, b"".join(encode_request(urb, at, 7))) for at, urb in enumerate((standard, vendor), 1)]
    one, other = wireshark.messages(chunks)
    assert one["setup.request_name"] == ["GET_DESCRIPTOR"]
    assert "setup.request_name" not in other
