"""tshark with the Wireshark dissector, on conversations that tests make, and the fields that it shows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wslusb.capture import pcapng
from wslusb.capture.vsockmon import End, from_guest, from_host
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Completion, Status, Urb
from wslusb.wire.cancels import Cancel, CancelAnswer
from wslusb.wire.frame import MessageType, pack_header
from wslusb.wire.messages import Hello, StatusAnswer
from wslusb.wire.urbs import encode_request, encode_response

GUEST = End(42, 1025)
NOW = 1_700_000_000_000_000_000
Said = tuple[bool, bytes]
"""Whether the host said it, and a frame."""
Found = dict[str, list[Any]]
"""Values of each field of one message, without their common prefix."""


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


def frame(kind: int, payload: bytes, sequence: int, handle: int = 0) -> bytes:
    return pack_header(kind, len(payload), sequence, handle) + payload


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
