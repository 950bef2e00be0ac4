"""emulator.devices.fido: CTAPHID packet by packet, and U2F as a relying party checks it."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.fido_parts.ctaphid import BROADCAST, Command, Error, packets
from emulator.devices.fido_parts.p256 import PrivateKey
from tests.support.reports import Listener
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Urb

CHALLENGE, APPLICATION = bytes(range(32)), bytes(range(100, 132))
NOT_SATISFIED, WRONG_DATA, WRONG_LENGTH = b"\x69\x85", b"\x6a\x80", b"\x67\x00"


class Client:
    """A program that speaks CTAPHID to the key, in virtual time."""

    def __init__(self, options: str = "") -> None:
        (model,) = parse_models(f"fido:{options}" if options else "fido")
        self.clock = VirtualClock()
        self.device = VirtualDevice(model.gadget, model.firmware, clock=self.clock)
        self._listener = Listener(self.device, length=64)

    def send(self, *reports: bytes) -> list[bytes]:
        """The reports that come back at once."""
        for report in reports:
            self.device.submit(Urb(0, 0x01, TransferType.INTERRUPT, 64, 0, report), lambda _completion: None)
        return self._listener.over(self.clock, 0)

    def ask(self, channel: int, command: int, data: bytes = b"") -> tuple[int, bytes]:
        """A message, and the message that answers it: command and data."""
        return message(self.send(*packets(channel, command, data)), channel)

    def channel(self) -> int:
        command, data = self.ask(BROADCAST, Command.INIT, b"nonceabc")
        assert (command, data[:8]) == (Command.INIT, b"nonceabc")
        return int.from_bytes(data[8:12], "big")

    def u2f(self, ins: int, p1: int = 0, data: bytes = b"") -> tuple[bytes, bytes]:
        """Data and status word."""
        apdu = bytes((0, ins, p1, 0, 0)) + len(data).to_bytes(2, "big") + data + b"\0\0"
        command, answer = self.ask(self.channel(), Command.MSG, apdu)
        assert command == Command.MSG
        return answer[:-2], answer[-2:]


def message(reports: list[bytes], channel: int) -> tuple[int, bytes]:
    """What reports say together, checked: one message on that channel, with no packet too many."""
    first, *others = reports
    cid, command, size = struct.unpack(">IBH", first[:7])
    assert cid == channel
    assert command & 0x80
    data = first[7:]
    for number, report in enumerate(others):
        assert struct.unpack(">IB", report[:5]) == (channel, number)
        data += report[5:]
    assert 0 <= len(data) - size < 59, "as many packets as it takes"
    return command & 0x7F, data[:size]


def failed(reports: list[bytes], channel: int) -> int:
    command, data = message(reports, channel)
    assert (command, len(data)) == (Command.ERROR, 1)
    return data[0]


@pytest.mark.parametrize("size", [0, 1, 57, 58, 57 + 59, 57 + 60, 1024, 7609])
def test_ping_of_any_length(size: int) -> None:
    client = Client()
    data = bytes(index % 251 for index in range(size))
    assert client.ask(client.channel(), Command.PING, data) == (Command.PING, data)


def test_each_program_gets_a_channel_of_its_own() -> None:
    client = Client()
    channels = [client.channel() for _ in range(5)]
    assert len({*channels, 0, BROADCAST}) == 7
    assert all(client.ask(each, Command.PING, b"x") == (Command.PING, b"x") for each in channels)


def test_init_tells_version_and_capabilities() -> None:
    _, data = Client().ask(BROADCAST, Command.INIT, bytes(8))
    assert (data[12], data[16]) == (2, 0x01), "interface version; it can wink, speaks U2F and no CBOR"


def test_init_on_a_channel_forgets_what_was_under_way() -> None:
    client = Client()
    channel = client.channel()
    assert client.send(packets(channel, Command.PING, bytes(100))[0]) == []
    command, data = client.ask(channel, Command.INIT, b"resynced")
    assert (command, data[:12]) == (Command.INIT, b"resynced" + channel.to_bytes(4, "big"))
    assert client.ask(channel, Command.PING, b"x") == (Command.PING, b"x")


def test_another_channel_hears_that_the_key_is_busy() -> None:
    client = Client()
    mine, other = client.channel(), client.channel()
    first, second = packets(mine, Command.PING, bytes(100))
    client.send(first)
    assert failed(client.send(*packets(other, Command.PING, b"x")), other) == Error.CHANNEL_BUSY
    assert client.channel(), "a third program may come meanwhile"
    assert client.send(packets(other, Command.PING, bytes(100))[1]) == [], "a continuation of nothing is ignored"
    assert message(client.send(second), mine) == (Command.PING, bytes(100))


def test_cancel_is_never_answered_and_disturbs_nobody() -> None:
    client = Client()
    mine, other = client.channel(), client.channel()
    assert client.send(*packets(mine, Command.CANCEL, b"")) == []
    first, second = packets(mine, Command.PING, bytes(100))
    assert client.send(first, *packets(other, Command.CANCEL, b""), *packets(mine, Command.CANCEL, b"")) == []
    assert message(client.send(second), mine) == (Command.PING, bytes(100))


def test_packets_out_of_order() -> None:
    client = Client()
    channel = client.channel()
    first, second, third = packets(channel, Command.PING, bytes(150))
    assert failed(client.send(first, third), channel) == Error.INVALID_SEQUENCE
    assert client.send(second) == [], "the message was given up"
    assert failed(client.send(first, first), channel) == Error.INVALID_SEQUENCE
    assert message(client.send(first, second, third), channel) == (Command.PING, bytes(150))


def test_a_message_that_does_not_go_on_times_out() -> None:
    client = Client()
    channel = client.channel()
    first, second, third = packets(channel, Command.PING, bytes(150))
    client.send(first)
    client.clock.advance(0.4)
    assert client.send(second) == []
    client.clock.advance(0.4)
    assert client.send() == []
    client.clock.advance(0.2)
    assert failed(client.send(), channel) == Error.MESSAGE_TIMEOUT
    assert client.send(third) == []


@pytest.mark.parametrize(
    ("channel", "command", "size", "error"),
    [
        (1, 0x10, 0, Error.INVALID_COMMAND),  # CBOR
        (1, 0x3F, 0, Error.INVALID_COMMAND),
        (1, Command.WINK, 1, Error.INVALID_LENGTH),
        (1, Command.INIT, 7, Error.INVALID_LENGTH),
        (1, Command.PING, 7610, Error.INVALID_LENGTH),
        (0, Command.PING, 0, Error.INVALID_CHANNEL),
        (0, Command.INIT, 8, Error.INVALID_CHANNEL),
        (2, Command.PING, 0, Error.INVALID_CHANNEL),
        (BROADCAST, Command.PING, 0, Error.INVALID_CHANNEL),
    ],
)
def test_what_is_an_error(channel: int, command: int, size: int, error: Error) -> None:
    client = Client()
    assert client.channel() == 1
    report = struct.pack(">IBH", channel, 0x80 | command, size).ljust(64, b"\0")
    assert failed(client.send(report), channel) == error
    assert client.ask(1, Command.PING, b"x") == (Command.PING, b"x")


def test_wink_is_recorded(tmp_path: Path) -> None:
    client = Client(f"record={tmp_path}/seen")
    assert client.ask(client.channel(), Command.WINK) == (Command.WINK, b"")
    assert (tmp_path / "seen").read_text() == "wink\n"


def test_version() -> None:
    assert Client().u2f(0x03) == (b"U2F_V2", b"\x90\x00")


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        ("00030000", "9000"), ("0003000000", "9000"), ("00030000000000", "9000"), ("000300000000010000", "6700"),
        ("00040000", "6d00"), ("80030000", "6e00"), ("000300", "6700"), ("0001000005aa", "6700"),
        ("00010000000041" + 65 * "00", "6700"), ("00020300000005" + 5 * "00", "6700"),
    ],
)  # fmt: skip
def test_apdus(apdu: str, status: str) -> None:
    client = Client()
    _, answer = client.ask(client.channel(), Command.MSG, bytes.fromhex(apdu))
    assert answer[-2:].hex() == status


def register(client: Client) -> tuple[bytes, bytes, bytes, bytes]:
    """Public key, handle, certificate and signature of a registration."""
    data, status = client.u2f(0x01, 0, CHALLENGE + APPLICATION)
    assert (status, data[0]) == (b"\x90\x00", 5)
    public, handle = data[1:66], data[67 : 67 + data[66]]
    rest = data[67 + len(handle) :]
    size = 4 + int.from_bytes(rest[2:4], "big")
    assert rest[:2] == b"\x30\x82"
    return public, handle, rest[:size], rest[size:]


def login(handle: bytes, challenge: bytes = CHALLENGE, application: bytes = APPLICATION) -> bytes:
    return challenge + application + bytes((len(handle),)) + handle


def test_handles_are_for_one_application_and_one_key() -> None:
    client = Client("seed=one")
    _, handle, _, _ = register(client)
    assert client.u2f(0x02, 0x07, login(handle)) == (b"", NOT_SATISFIED), "it is ours"
    assert client.u2f(0x02, 0x07, login(handle, application=bytes(32))) == (b"", WRONG_DATA)
    assert client.u2f(0x02, 0x07, login(handle[:-1] + b"\0")) == (b"", WRONG_DATA)
    assert client.u2f(0x02, 0x07, login(b"")) == (b"", WRONG_DATA)
    assert Client("seed=one").u2f(0x02, 0x07, login(handle))[1] == NOT_SATISFIED, "nothing is stored"
    assert Client("seed=two").u2f(0x02, 0x07, login(handle))[1] == WRONG_DATA


def test_the_same_seed_registers_the_same() -> None:
    assert register(Client("seed=one")) == register(Client("seed=one"))
    assert register(Client("seed=one"))[0] != register(Client("seed=two"))[0]


def test_counter_grows_with_each_signature(tmp_path: Path) -> None:
    client = Client(f"record={tmp_path}/seen")
    _, handle, _, _ = register(client)
    states = [client.u2f(0x02, p1, login(handle))[0][:5] for p1 in (0x03, 0x08, 0x03)]
    assert [state.hex() for state in states] == ["0100000001", "0000000002", "0100000003"]
    application = APPLICATION.hex()
    assert (tmp_path / "seen").read_text().splitlines() == [
        f"register {application}", *(f"authenticate {application} {count}" for count in (1, 2, 3)),
    ]  # fmt: skip


def test_a_user_takes_a_while_to_touch_it() -> None:
    client = Client("touch=2000")
    request = CHALLENGE + APPLICATION
    assert client.u2f(0x01, 0, request)[1] == NOT_SATISFIED
    client.clock.advance(1.9)
    assert client.u2f(0x01, 0, request)[1] == NOT_SATISFIED
    client.clock.advance(0.2)
    assert client.u2f(0x01, 0, request)[1] == b"\x90\x00"
    assert client.u2f(0x01, 0, request)[1] == NOT_SATISFIED, "one touch is for one request"
    client.clock.advance(12.1)
    assert client.u2f(0x01, 0, request)[1] == NOT_SATISFIED, "a touch does not count for ever"


def test_a_user_who_never_touches_it() -> None:
    client = Client("touch=never")
    client.u2f(0x01, 0, CHALLENGE + APPLICATION)
    client.clock.advance(3600)
    assert client.u2f(0x01, 0, CHALLENGE + APPLICATION)[1] == NOT_SATISFIED


def test_touch_is_a_number_or_never() -> None:
    with pytest.raises(LocalError):
        Client("touch=sometimes")


def test_signatures_are_those_of_rfc_6979() -> None:
    """Appendix A.2.5, P-256 with SHA-256."""
    key = PrivateKey(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721)
    assert key.public.hex() == (
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
    )
    assert key.sign(b"sample") == (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )
    assert key.sign(b"test") == (
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    )


@pytest.mark.skipif(shutil.which("openssl") is None, reason="asks openssl for a second opinion")
def test_openssl_agrees_with_certificate_and_signatures(tmp_path: Path) -> None:
    client = Client()
    public, handle, certificate, attestation = register(client)
    answer, _ = client.u2f(0x02, 0x03, login(handle))
    (tmp_path / "attestation.der").write_bytes(certificate)
    # A SubjectPublicKeyInfo of P-256 is 26 fixed bytes and the point (RFC 5480).
    info = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + public
    (tmp_path / "key.der").write_bytes(info)

    def openssl(*arguments: str) -> str:
        return subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    def verify(key: str, signed: bytes, signature: bytes) -> None:
        (tmp_path / "signed").write_bytes(signed)
        (tmp_path / "signature").write_bytes(signature)
        said = openssl("dgst", "-sha256", "-verify", key, "-signature", "signature", "signed")
        assert "Verified OK" in said

    openssl("x509", "-inform", "DER", "-in", "attestation.der", "-out", "attestation.pem")
    openssl("verify", "-CAfile", "attestation.pem", "attestation.pem")
    (tmp_path / "attestation.key").write_text(openssl("x509", "-in", "attestation.pem", "-noout", "-pubkey"))
    openssl("pkey", "-pubin", "-inform", "DER", "-in", "key.der", "-pubout", "-out", "user.key")
    verify("attestation.key", b"\0" + APPLICATION + CHALLENGE + handle + public, attestation)
    verify("user.key", APPLICATION + answer[:5] + CHALLENGE, answer[5:])
