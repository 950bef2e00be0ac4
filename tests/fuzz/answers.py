"""What a service says is held against what it was asked, message by message (docs/protocol.md).

Written apart from :mod:`wslusb.wire` and :mod:`wslusb.session`, which are what is looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fuzz.oracle import Finding
from wslusb.errors import PeerReason
from wslusb.usb.urb import Status
from wslusb.wire.frame import HEADER
from wslusb.wire.frame import MessageType as M
from wslusb.wire.messages import ErrorMessage

__all__ = ["check_answers", "handle_in"]

_REQUEST = struct.Struct("<HBBIIIIII8s")
_RESPONSE = struct.Struct("<IIIII")
_ABORT_PIPE, _IN = 2, 1
_DEVICE_TYPES = frozenset({M.URB_REQUEST, M.CANCEL, M.RESET, M.DETACH})
_ALLOWED = {
    "control": {M.ENUMERATION, M.EVENT},
    "data": {M.ATTACH},
    "attached": _DEVICE_TYPES,
}


@dataclass(slots=True)
class _Message:
    kind: int
    sequence: int
    handle: int
    payload: bytes


@dataclass(slots=True)
class _Talk:
    """A conversation as its bytes tell it. ``wrong``: what the guest did that must end it."""

    said: list[_Message]
    error: PeerReason | None = None
    asked: dict[int, _Message] = field(default_factory=dict)
    wrong: str = ""
    over: bool = False
    """The guest has ended it by itself: DETACH, ERROR."""


def check_answers(said: bytes, sent: bytes, *, whole: bool) -> set[str]:
    """Kinds of answers to the bytes ``sent``. Finding for what the protocol does not allow a service to say.

    ``whole``: the connection has ended in an orderly way, so that nothing of what was said is lost.
    """
    messages, rest = _split(said)
    if whole and rest:
        raise Finding(f"the service ended {rest} bytes into a message")
    talk = _Talk(messages)
    talk.error = _verdict(messages)
    _follow(talk, sent)
    answered = _match(talk)
    if whole and talk.wrong and talk.error is None and not _is_gone(talk):
        raise Finding(f"{talk.wrong}: nobody minds")
    if whole and not talk.wrong and talk.error is None and not _is_gone(talk):
        missing = [each for each in talk.asked.values() if each.sequence not in answered and each.kind != M.PING]
        if missing:
            raise Finding(f"{M(missing[0].kind).name} {missing[0].sequence} was never answered")
    return set(_kinds(talk))


def _split(data: bytes) -> tuple[list[_Message], int]:
    """Whole messages, and how many bytes are left of another."""
    messages, at = [], 0
    while at + HEADER.size <= len(data):
        kind, size, sequence, handle = HEADER.unpack_from(data, at)
        if at + HEADER.size + size > len(data):
            break
        at += HEADER.size
        messages.append(_Message(kind, sequence, handle, data[at : at + size]))
        at += size
    return messages, len(data) - at


def _verdict(messages: list[_Message]) -> PeerReason | None:
    for number, message in enumerate(messages, 1):
        if message.kind not in set(M):
            raise Finding(f"the service says {message.kind:#x}")
        if message.kind == M.ERROR:
            if number < len(messages):
                raise Finding(f"a message of type {messages[number].kind:#x} after an error")
            reason = PeerReason(ErrorMessage.unpack(memoryview(message.payload)).reason)
            if reason is PeerReason.INTERNAL:
                raise Finding("the service calls its own failure an error of the guest's session")
            return reason
    return None


# -- what was asked


def _follow(talk: _Talk, sent: bytes) -> None:
    """Read what the guest has sent up to its first mistake, as far as headers tell."""
    messages, rest = _split(sent)
    answers = {(each.kind, each.sequence): each for each in talk.said}
    state, handle, due = "new", 0, 1
    for message in messages:
        kind = message.kind
        if kind == M.ERROR and not message.handle:
            talk.over = True
            return
        if state == "new":
            if kind != M.HELLO or message.sequence != 1 or (M.HELLO, 1) not in answers:
                talk.wrong = "it does not begin with a hello that is answered"
                return
            state = "data" if message.payload[12:13] == b"\1" else "control"
        elif mistake := _mistake(message, state, handle, due):
            talk.wrong = mistake
            return
        if kind == M.EVENT:
            continue
        talk.asked[message.sequence], due = message, due + 1
        if kind == M.ATTACH and (answer := answers.get((kind, message.sequence))) is not None:
            if (granted := _granted(answer)) is not None:
                state, handle = "attached", granted
        elif kind == M.DETACH:
            talk.over = True
            return
    if rest:
        talk.wrong = f"it ends {rest} bytes into a message"


def handle_in(said: bytes) -> int | None:
    """The handle of the device that is attached, if one is."""
    granted = (_granted(each) for each in _split(said)[0] if each.kind == M.ATTACH)
    return next((handle for handle in granted if handle is not None), None)


def _granted(answer: _Message) -> int | None:
    status, words = struct.unpack_from("<IH", answer.payload)
    return None if status else int.from_bytes(answer.payload[6 + words : 10 + words], "little")


def _mistake(message: _Message, state: str, handle: int, due: int) -> str:
    kind = message.kind
    if kind not in _ALLOWED[state] | {M.PING}:
        return f"type {kind:#x} in state {state}"
    if message.sequence != (0 if kind == M.EVENT else due):
        return f"number {message.sequence} where {due} is due"
    if message.handle != (handle if kind in _DEVICE_TYPES else 0):
        return f"handle {message.handle} where the device has {handle}"
    return ""


# -- what was answered


def _match(talk: _Talk) -> set[int]:
    """Numbers that were answered."""
    answered, statuses = set[int](), dict[int, int]()
    latest: dict[int, int] = {}
    for message in talk.said:
        if message.kind in (M.EVENT, M.ERROR, M.PING):
            continue
        asked = talk.asked.get(message.sequence)
        wanted = {M.URB_RESPONSE: M.URB_REQUEST, M.PONG: M.PING}.get(M(message.kind), message.kind)
        if asked is None or asked.kind != wanted:
            raise Finding(f"{M(message.kind).name} answers {message.sequence}, which was not asked")
        if message.sequence in answered:
            raise Finding(f"request {message.sequence} was answered twice")
        if asked.handle != message.handle:
            raise Finding(f"answer {message.sequence} has handle {message.handle} in place of {asked.handle}")
        answered.add(message.sequence)
        if message.kind == M.URB_RESPONSE:
            statuses[message.sequence] = _response(asked, message, talk, answered, latest)
        elif message.kind == M.CANCEL:
            _cancelled(asked, message, talk, statuses)
        elif message.kind == M.ATTACH:
            _attached(asked, message)
    return answered


def _response(asked: _Message, message: _Message, talk: _Talk, answered: set[int], latest: dict[int, int]) -> int:
    """An answer to a URB fits its request; its status."""
    function, endpoint, _kind, flags, length, _, _, _, packets, _ = _REQUEST.unpack_from(asked.payload)
    status, actual, errors, _, count = _RESPONSE.unpack_from(message.payload)
    number = message.sequence
    if function == _ABORT_PIPE:
        for each in talk.asked.values():
            if each.kind == M.URB_REQUEST and each.sequence < number and each.sequence not in answered:
                other, where = struct.unpack_from("<HB", each.payload)
                if other != _ABORT_PIPE and where == endpoint:
                    raise Finding(f"abort {number} is answered before URB {each.sequence}")
        return int(status)
    data = len(message.payload) - _RESPONSE.size - 8 * count
    if actual > length or count != packets or errors > count or data != (actual if flags & _IN else 0):
        told = f"{actual} bytes, {count} packets, {data} bytes of data"
        raise Finding(f"URB {number} of {length} bytes, {packets} packets: {told}")
    results = struct.unpack_from(f"<{2 * count}I", message.payload, _RESPONSE.size)[1::2]
    sizes = struct.unpack_from(f"<{count}I", asked.payload, _REQUEST.size)
    if any(got > size for got, size in zip(results, sizes, strict=True)) or (count and sum(results) != actual):
        raise Finding(f"URB {number}: packets of {results} bytes in place of {sizes}, {actual} in all")
    if status != Status.CANCELLED:
        if number < latest.get(endpoint, 0):
            raise Finding(f"URB {number} on {endpoint:#x} is answered after {latest[endpoint]}")
        latest[endpoint] = number
    return int(status)


def _cancelled(asked: _Message, message: _Message, talk: _Talk, statuses: dict[int, int]) -> None:
    (target,) = struct.unpack_from("<I", asked.payload)
    told, won = struct.unpack("<II", message.payload)
    if told != target or won > 1:
        raise Finding(f"cancel {asked.sequence} of {target}: an answer for {told}, outcome {won}")
    request = talk.asked.get(target)
    before = request is not None and request.kind == M.URB_REQUEST and request.sequence < asked.sequence
    if before and target not in statuses and request is not None and request.payload[0] != _ABORT_PIPE:
        raise Finding(f"cancel {asked.sequence} is answered before URB {target}")
    if won and statuses.get(target) != Status.CANCELLED:
        raise Finding(f"cancel {asked.sequence} is said to have won: URB {target} has completed")


def _attached(asked: _Message, message: _Message) -> None:
    """The device that was asked for, and of the generation that was asked for."""
    status, words = struct.unpack_from("<IH", message.payload)
    if status:
        return
    at = 6 + words + 12
    (size,) = struct.unpack_from("<H", message.payload, at)
    busid = message.payload[at + 2 : at + 2 + size]
    (generation,) = struct.unpack_from("<I", message.payload, at + 2 + size + 10)
    (wanted,) = struct.unpack_from("<H", asked.payload)
    name, asked_for = asked.payload[2 : 2 + wanted], int.from_bytes(asked.payload[2 + wanted : 6 + wanted], "little")
    if busid != name or asked_for not in (0, generation):
        raise Finding(f"{name!r}, {asked_for} is asked for, {busid!r}, {generation} is attached")


def _is_gone(talk: _Talk) -> bool:
    """Whether the device has left: that ends the connection without a word."""
    gone = struct.pack("<I", Status.GONE)
    return any(each.kind in (M.URB_RESPONSE, M.RESET) and each.payload[:4] == gone for each in talk.said)


def _kinds(talk: _Talk) -> Iterator[str]:
    for message in talk.said:
        if message.kind == M.URB_RESPONSE:
            yield f"URB_RESPONSE {message.payload[:4].hex()}"
        elif message.kind == M.ERROR:
            assert talk.error is not None
            yield talk.error.name
        else:
            yield M(message.kind).name
