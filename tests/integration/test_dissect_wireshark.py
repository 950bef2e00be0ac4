"""The Wireshark dissector under tshark: fields beside the codec's, reassembly, cross references, expert information.

These need tshark (``nox -s tools``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.requirements import WIRESHARK, require
from tests.support.strategies import completions, messages, pieces, urbs
from wslusb.capture import pcapng
from wslusb.capture.vsockmon import End, from_guest, from_host
from wslusb.cli.wireshark import dissector
from wslusb.errors import PeerReason
from wslusb.usb.ids import Speed, TransferType
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Completion, IsoResult, Status, Urb
from wslusb.wire.cancels import Cancel, CancelAnswer
from wslusb.wire.events import Event, EventKind
from wslusb.wire.frame import HEADER, MessageType, pack_header
from wslusb.wire.listing import DeviceState, EnumerationAnswer, Listed
from wslusb.wire.messages import AttachAnswer, AttachRequest, ErrorMessage, Hello, Purpose, StatusAnswer
from wslusb.wire.urbs import Function, encode_request, encode_response

pytestmark = pytest.mark.tools
GUEST = End(42, 1025)
NOW = 1_700_000_000_000_000_000
Said = tuple[bool, bytes]
"""Whether the host said it, and a frame."""
Found = dict[str, list[Any]]
"""Values of each field of one message, without their common prefix."""


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    require(WIRESHARK)


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wireshark") / "wslusb.lua"
    path.write_text(dissector(), encoding="utf-8")
    return path


class Wireshark:
    """tshark with the dissector, on captures that tests make."""

    def __init__(self, folder: Path, plugin: Path) -> None:
        self.file = folder / "test.pcapng"
        self.plugin = plugin

    def write(self, chunks: Sequence[Said]) -> None:
        """A capture of one connection; each chunk is a packet, a millisecond after the one before."""
        blocks = [pcapng.section("made by a test"), pcapng.interface(pcapng.LINK_VSOCK, "wslusb:1-1")]
        for at, (host, data) in enumerate(chunks):
            head = from_host(GUEST) if host else from_guest(GUEST)
            blocks.append(pcapng.packet(0, NOW + at * 1_000_000, [head, data]))
        self.file.write_bytes(b"".join(blocks))

    def run(self, *options: str) -> str:
        command = ["tshark", *options, "-X", f"lua_script:{self.plugin}"]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "Lua" not in done.stderr, done.stderr
        return done.stdout

    def packets(self, chunks: Sequence[Said]) -> list[list[Found]]:
        """The messages of each packet. Two passes, so that requests know their answers."""
        self.write(chunks)
        told = json.loads(self.run("-r", str(self.file), "-2", "-T", "json", "--no-duplicate-keys"))
        found = []
        for packet in told:
            layers = packet["_source"]["layers"]
            assert "_ws.lua.text" not in json.dumps(layers), layers
            each = layers.get("wslusb", [])
            found.append([flat(one) for one in (each if isinstance(each, list) else [each])])
        return found

    def messages(self, chunks: Sequence[Said]) -> list[Found]:
        """All of them."""
        return [message for packet in self.packets(chunks) for message in packet if "type" in message]


@pytest.fixture
def wireshark(tmp_path: Path, plugin: Path) -> Wireshark:
    return Wireshark(tmp_path, plugin)


def leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, list):
        for each in tree:
            yield from leaves(each)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            if isinstance(value, dict):
                yield from leaves(value)
            else:
                for one in value if isinstance(value, list) else [value]:
                    yield from leaves(one) if isinstance(one, dict) else [(name, one)]


def flat(message: Any) -> Found:
    found: Found = {}
    for name, value in leaves(message):
        found.setdefault(name.removeprefix("wslusb."), []).append(value)
    return found


def numbers(message: Found, name: str) -> list[int]:
    return [int(value, 0) for value in message.get(name, [])]


def number(message: Found, name: str) -> int:
    (value,) = numbers(message, name)
    return value


def blobs(message: Found, name: str) -> list[bytes]:
    return [bytes.fromhex(value.replace(":", "")) for value in message.get(name, [])]


def blob(message: Found, name: str) -> bytes:
    return (blobs(message, name) or [b""])[0]


def whole(*values: bytes) -> list[bytes]:
    """What Wireshark shows of byte strings: nothing of empty ones."""
    return [value for value in values if value]


# -- each message as the codec packs it, and as Wireshark shows it


def frame(kind: int, payload: bytes, sequence: int, handle: int = 0) -> bytes:
    return pack_header(kind, len(payload), sequence, handle) + payload


def check_hello(message: Hello, found: Found) -> None:
    lim = message.limits
    assert found["hello.magic"] == ["wslusb\\r\\n"] or found["hello.magic"] == ["wslusb\r\n"]
    assert (number(found, "hello.oldest"), number(found, "hello.newest")) == (message.oldest, message.newest)
    assert number(found, "hello.purpose") == message.purpose
    assert number(found, "hello.capabilities") == message.capabilities
    assert [number(found, f"hello.{name}") for name in ("transfer", "iso_packets", "urbs", "bytes_in_flight")] == [
        lim.transfer, lim.iso_packets, lim.urbs, lim.bytes_in_flight,
    ]  # fmt: skip
    assert blob(found, "hello.token") == message.token
    assert found["hello.name"] == [message.name]


def check_devices(devices: Sequence[Listed], found: Found) -> None:
    infos = [listed.info for listed in devices]
    for name in ("busid", "manufacturer", "product_name", "serial", "port_path"):
        assert found.get(f"device.{name}", []) == [getattr(info, name) for info in infos]
    for name, attribute in {
        "vendor": "vendor", "product": "product", "bcd_device": "bcd_device", "class": "device_class",
        "subclass": "subclass", "protocol": "protocol", "speed": "speed", "generation": "generation",
        "configuration": "active_configuration",
    }.items():  # fmt: skip
        assert numbers(found, f"device.{name}") == [getattr(info, attribute) for info in infos]
    assert blobs(found, "device.descriptor") == whole(*(info.device_descriptor for info in infos))
    assert numbers(found, "device.state") == [listed.state for listed in devices]
    assert found.get("device.owner", []) == [listed.owner for listed in devices]


def check_enumeration(message: EnumerationAnswer, found: Found) -> None:
    assert number(found, "count") == len(message.devices)
    check_devices(message.devices, found)


def check_attach(message: AttachRequest, found: Found) -> None:
    assert (found["attach.busid"], number(found, "attach.generation")) == ([message.busid], message.generation)


def check_attach_answer(message: AttachAnswer, found: Found) -> None:
    check_status(message, found)
    if message.info is None:
        return
    credits_ = [number(found, f"attach.{name}") for name in ("handle", "urbs", "bytes")]
    assert credits_ == [message.handle, message.urbs, message.size]
    check_devices([Listed(message.info, DeviceState.ATTACHED)], found)
    assert number(found, "count") == len(message.info.configurations)
    assert blobs(found, "attach.configuration") == whole(*message.info.configurations)
    assert blob(found, "attach.bos") == message.info.bos


def check_status(message: StatusAnswer | AttachAnswer, found: Found) -> None:
    assert (number(found, "status"), found["message"]) == (message.status, [message.message])


def check_event(message: Event, found: Found) -> None:
    assert number(found, "event.kind") == message.kind
    assert (found["event.busid"], found["message"]) == ([message.busid], [message.message])
    assert number(found, "event.ticket") == message.ticket
    assert number(found, "event.generation") == message.generation
    assert found.get("event.node", []) == list(message.nodes)


def check_cancel(message: Cancel | CancelAnswer, found: Found) -> None:
    assert number(found, "cancel.target") == message.target
    if isinstance(message, CancelAnswer):
        assert number(found, "cancel.outcome") == message.won


def check_error(message: ErrorMessage, found: Found) -> None:
    assert (number(found, "error.reason"), found["message"]) == (message.reason, [message.message])


CHECKS: dict[type, Any] = {
    Hello: check_hello,
    EnumerationAnswer: check_enumeration,
    AttachRequest: check_attach,
    AttachAnswer: check_attach_answer,
    StatusAnswer: check_status,
    Event: check_event,
    Cancel: check_cancel,
    CancelAnswer: check_cancel,
    ErrorMessage: check_error,
}
FROM_HOST = {EnumerationAnswer, AttachAnswer, StatusAnswer, CancelAnswer}


def check_request(urb: Urb, found: Found) -> None:
    assert (number(found, "urb.endpoint"), number(found, "urb.transfer")) == (urb.endpoint, urb.transfer)
    assert number(found, "urb.flags") == urb.flags | urb.is_in
    assert found["urb.flags.in"] == ["1" if urb.is_in else "0"]
    for name in ("length", "interval", "stream", "start_frame"):
        assert number(found, f"urb.{name}") == getattr(urb, name)
    assert numbers(found, "iso.length") == list(urb.iso_lengths)
    assert number(found, "urb.packets") == len(urb.iso_lengths)
    assert blob(found, "urb.data") == urb.data
    if urb.setup is not None:
        assert Setup(*(number(found, f"setup.{part}") for part in SETUP)) == urb.setup
    else:
        assert "setup.request" not in found


SETUP = ("request_type", "request", "value", "index", "length")


def check_response(completion: Completion, found: Found) -> None:
    assert number(found, "status") == completion.status
    assert number(found, "urb.actual_length") == completion.actual_length
    assert number(found, "urb.error_count") == completion.error_count
    assert number(found, "urb.start_frame") == completion.start_frame
    assert numbers(found, "iso.status") == [result.status for result in completion.iso]
    assert numbers(found, "iso.actual_length") == [result.actual_length for result in completion.iso]
    assert blob(found, "urb.data") == completion.data


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


READ = Urb(0, 0x81, TransferType.BULK, 512)
CONVERSATION: list[Said] = [
    (False, frame(MessageType.HELLO, Hello(name="guest").pack(), 1)),
    (True, frame(MessageType.HELLO, Hello(name="host", token=bytes(range(16))).pack(), 1)),
    (False, frame(MessageType.PING, b"", 2)),
    (True, frame(MessageType.PING, b"", 1)),
    (True, frame(MessageType.PONG, b"", 2)),
    (False, frame(MessageType.PONG, b"", 1)),
    (False, b"".join(encode_request(READ, 3, 7))),
    (False, frame(MessageType.CANCEL, Cancel(3).pack(), 4, 7)),
    (True, b"".join(encode_response(Completion(READ, Status.CANCELLED), 3, 7))),
    (True, frame(MessageType.CANCEL, CancelAnswer(3, won=True).pack(), 4, 7)),
    (False, frame(MessageType.DETACH, b"", 5, 7)),
    (True, frame(MessageType.DETACH, StatusAnswer(0).pack(), 5, 7)),
]


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


@cache
def value_strings(plugin: Path) -> dict[str, dict[int, str]]:
    command = ["tshark", "-G", "values", "-X", f"lua_script:{plugin}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    names: dict[str, dict[int, str]] = {}
    for line in told.splitlines():
        if line.startswith("V\twslusb."):
            _, field, value, name = line.split("\t")
            names.setdefault(field.removeprefix("wslusb."), {})[int(value, 0)] = name
    return names


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("type", MessageType), ("status", Status), ("iso.status", Status), ("urb.function", Function),
        ("urb.transfer", TransferType), ("event.kind", EventKind), ("error.reason", PeerReason),
        ("device.speed", Speed), ("device.state", DeviceState), ("hello.purpose", Purpose),
    ],
)  # fmt: skip
def test_numbers_have_the_names_that_they_have_here(plugin: Path, field: str, values: Any) -> None:
    assert value_strings(plugin)[field] == {member.value: member.name for member in values}


def test_what_was_installed_is_found_and_what_was_uninstalled_is_not(tmp_path: Path) -> None:
    """In a home of its own, where tshark says the folder is."""
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def run(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)
        return done.stdout

    def known() -> bool:
        return "\twslusb.type\t" in run("tshark", "-G", "fields")

    verb = (sys.executable, "-m", "wslusb", "wireshark")
    assert not known()
    run(*verb, "--install")
    assert [path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("wslusb.lua")] == [".local"]
    assert known()
    run(*verb, "--uninstall")
    assert not known()


def test_standard_requests_have_the_names_that_they_have_here() -> None:
    text = dissector()
    for request in Request:
        assert f'[{request.value}] = "{request.name}"' in text
