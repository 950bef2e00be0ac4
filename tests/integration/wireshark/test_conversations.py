"""What the dissector makes of many packets: reassembly, cross references, expert information, the list."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.shown import check_hello
from tests.support.strategies import pieces
from tests.support.wireshark import CONVERSATION, GUEST, NOW, READ, Wireshark, blob, frame, number
from wslusb.capture import pcapng
from wslusb.capture.vsockmon import from_guest
from wslusb.errors import PeerReason
from wslusb.usb.urb import Completion, Status
from wslusb.wire.cancels import Cancel
from wslusb.wire.frame import HEADER, MessageType
from wslusb.wire.messages import AttachRequest, ErrorMessage, Hello
from wslusb.wire.urbs import encode_response

pytestmark = pytest.mark.tools


def test_answers_refer_to_their_requests_and_back(wireshark: Wireshark) -> None:
    found = wireshark.messages(CONVERSATION)
    answered = {1: 2, 3: 5, 4: 6, 7: 9, 8: 10, 11: 12}
    for asked, answer in answered.items():
        assert number(found[asked - 1], "response_in") == answer
        assert number(found[answer - 1], "request_in") == asked
    assert number(found[7], "urb_in") == 7, "a cancel refers to its URB"
    assert not [each for each in found if "expert.unasked" in each]


def test_an_answer_of_another_kind_does_not_answer(wireshark: Wireshark) -> None:
    ended = b"".join(encode_response(Completion(READ, Status.OK), 1, 7))
    asked, said = wireshark.messages([(False, frame(MessageType.CANCEL, Cancel(9).pack(), 1, 7)), (True, ended)])
    assert "response_in" not in asked
    assert "expert.unasked" in said


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 1000), max_size=12), other=st.lists(st.integers(0, 1000), max_size=12))
def test_messages_are_put_together_whatever_was_captured(
    wireshark: Wireshark, cuts: list[int], other: list[int]
) -> None:
    """Each direction by itself, while pieces of both alternate."""
    ways = []
    for host, where in ((False, cuts), (True, other)):
        stream = b"".join(data for said, data in CONVERSATION if said is host)
        ways.append([(host, piece) for piece in pieces(stream, where)])
    chunks = [ways[at % 2][at // 2] for at in range(2 * max(map(len, ways))) if at // 2 < len(ways[at % 2])]
    found = wireshark.messages(chunks)
    expected = [data for host in (False, True) for said, data in CONVERSATION if said is host]
    headers = sorted((number(each, "type"), number(each, "size"), number(each, "sequence")) for each in found)
    assert headers == sorted(HEADER.unpack_from(data)[:3] for data in expected)
    names = [name for each in found for name in each.get("hello.name", [])]
    assert sorted(names) == ["guest", "host"]


def test_a_part_says_where_its_message_ends_and_begins(wireshark: Wireshark) -> None:
    data = CONVERSATION[0][1]
    (first,), (second,), (third,) = wireshark.packets([(False, data[:9]), (False, data[9:30]), (False, data[30:])])
    assert blob(first, "part") == data[:9]
    assert (number(first, "ends_in"), number(second, "ends_in"), number(third, "begins_in")) == (3, 3, 1)
    check_hello(Hello(name="guest"), third)


def test_what_went_wrong_is_expert_information(wireshark: Wireshark) -> None:
    stall = b"".join(encode_response(Completion(READ, Status.STALL), 9, 7))
    chunks = [
        (True, frame(MessageType.ERROR, ErrorMessage(PeerReason.CREDIT, "too much").pack(), 0)),
        (True, stall),
        (False, frame(MessageType.ATTACH, AttachRequest("1-1").pack()[:-1], 1)),
        (False, frame(MessageType.CANCEL, Cancel(1).pack() + b"x", 2)),
        (False, frame(0x50, b"abc", 3)),
        (False, frame(MessageType.URB_RESPONSE, b"abc", 3)),
        (False, b"\x04\0\0\0\xff\xff\xff\xff" + bytes(8)),
        (False, b"what follows"),
    ]
    found = [each for packet in wireshark.packets(chunks) for each in packet]
    expected = [
        {"error"}, {"status", "unasked"}, {"truncated"}, {"extra"}, {"unknown_type"}, {"unknown_type"}, {"oversized"},
        {"oversized"},
    ]  # fmt: skip
    prefix = "expert."
    assert [{name.removeprefix(prefix) for name in each if name.startswith(prefix)} for each in found] == expected
    assert blob(found[4], "payload") == b"abc"


def test_the_list_says_what_each_packet_is(wireshark: Wireshark) -> None:
    wireshark.write(CONVERSATION)
    lines = wireshark.run("-r", str(wireshark.file), "-T", "fields", "-e", "_ws.col.Protocol", "-e", "_ws.col.Info")
    assert lines.splitlines()[6:8] == [
        "wslusb\tURB_REQUEST #3 BULK_OR_INTERRUPT_TRANSFER 0x81, 512 bytes",
        "wslusb\tCANCEL #4 of #3",
    ]
    assert lines.splitlines()[-1] == "wslusb\tDETACH #5 OK"


def test_other_vsock_traffic_is_left_alone(wireshark: Wireshark) -> None:
    wireshark.write([])
    with wireshark.file.open("ab") as file:
        head = bytearray(from_guest(GUEST))
        head[20:24] = (1234).to_bytes(4, "little")
        file.write(pcapng.packet(0, NOW, [bytes(head), CONVERSATION[0][1]]))
    told = wireshark.run("-r", str(wireshark.file), "-T", "fields", "-e", "_ws.col.Protocol", "-e", "vsock.dst_port")
    assert told == "vSocket\t1234\n"
