"""The control socket: lines of JSON, errors that keep their reason, and clients that misbehave."""

from __future__ import annotations

import contextlib
import json
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE
from wslusb.control import server as server_module
from wslusb.control.client import call, listening
from wslusb.control.messages import LINE, Json, decode, encode, error_answer, raise_error
from wslusb.control.server import ControlServer
from wslusb.errors import DeviceError, LocalError, LocalReason, PeerError, PeerReason, WslusbError
from wslusb.usb.urb import Status


def handle(request: Json) -> Json:
    match request:
        case {"op": "echo", **rest}:
            return {"echo": rest}
        case {"op": "denied"}:
            raise DeviceError(Status.ACCESS_DENIED, "not shared", hint="bind it")
        case {"op": "ambiguous"}:
            raise LocalError(LocalReason.AMBIGUOUS, "two of them", hint="name one")
        case {"op": "bug"}:
            raise ZeroDivisionError("oops")
        case {"op": "hang"}:
            assert HANG.wait(PATIENCE)
            return {}
    raise LocalError(LocalReason.UNSUPPORTED, "what?")


HANG = threading.Event()


@pytest.fixture
def path(folder: Path) -> Iterator[Path]:
    HANG.clear()
    server = ControlServer(folder / "run/control", handle)
    yield server.path
    HANG.set()
    server.close()
    assert not server.path.exists()


def test_call(path: Path) -> None:
    assert call(path, "echo", one=1, text="ü\n")["echo"] == {"one": 1, "text": "ü\n"}
    assert listening(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("op", "reason", "hint"),
    [
        ("denied", LocalReason.ACCESS_DENIED, "bind it"),
        ("ambiguous", LocalReason.AMBIGUOUS, "name one"),
        ("bug", LocalReason.BAD_STATE, "see the log"),
        ("nonsense", LocalReason.UNSUPPORTED, ""),
    ],
)
def test_errors_keep_their_reason(path: Path, op: str, reason: LocalReason, hint: str) -> None:
    with pytest.raises(LocalError) as caught:
        call(path, op)
    assert (caught.value.reason, caught.value.hint) == (reason, hint)
    call(path, "echo")


def test_nobody_listens(folder: Path) -> None:
    assert not listening(folder / "nothing")
    with pytest.raises(LocalError) as caught:
        call(folder / "nothing", "echo")
    assert caught.value.reason is LocalReason.NOT_RUNNING


def test_a_slow_request_holds_up_nobody(path: Path) -> None:
    with pytest.raises(LocalError) as caught:
        call(path, "hang", timeout=0.05)
    assert caught.value.reason is LocalReason.TIMEOUT
    call(path, "echo", timeout=PATIENCE)


def client(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(PATIENCE)
    sock.connect(str(path))
    return sock


@pytest.mark.parametrize(
    "junk", [b"junk\n", b"[1]\n", b"\xff\xfe\n", b"{" * 100_000 + b"\n", b"\n", b'"op"\n', b"1e999\n"]
)
def test_junk_is_answered_and_the_connection_goes_on(path: Path, junk: bytes) -> None:
    with client(path) as sock, sock.makefile("rb") as lines:
        sock.sendall(junk)
        assert json.loads(lines.readline())["ok"] is False
        sock.sendall(encode({"op": "echo"}))
        assert json.loads(lines.readline())["ok"] is True


def test_a_line_without_end(path: Path) -> None:
    with client(path) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(b"x" * (LINE + 1000))
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""
    call(path, "echo")


def test_clients_that_go_at_any_time(path: Path) -> None:
    for words in (b"", b"{", encode({"op": "echo"}), encode({"op": "echo"}) * 3):
        with client(path) as sock:
            sock.sendall(words)
    call(path, "echo")


def test_too_many_clients(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_CLIENTS", 2)
    server = ControlServer(folder / "c", handle)
    clients = [client(server.path) for _ in range(2)]
    for each in clients:
        each.sendall(encode({"op": "echo"}))
        each.recv(100)
    with pytest.raises(LocalError) as caught:
        call(server.path, "echo")
    assert caught.value.reason is LocalReason.DISCONNECTED
    for each in clients:
        each.close()
    server.close()


def test_when_no_thread_can_be_had_the_server_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """More often than it serves clients at once: a refused one takes no place."""
    monkeypatch.setattr(server_module, "_CLIENTS", 2)
    server = ControlServer(folder / "c", handle)
    begin = threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if thread.name == "wslusb-control-client":
            raise RuntimeError("can't start new thread")
        begin(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        for _ in range(3):
            with client(server.path) as sock:
                assert sock.recv(1) == b""
    assert caplog.text.count("can't start new thread") == 3
    call(server.path, "echo")
    server.close()


def test_two_servers_at_one_path(path: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011 -- EADDRINUSE
        ControlServer(path, handle)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DeviceError(Status.BUSY, "busy"), LocalReason.REFUSED),
        (PeerError(PeerReason.CREDIT, "credit"), LocalReason.REFUSED),
        (LocalError(LocalReason.TIMEOUT), LocalReason.TIMEOUT),
    ],
)
def test_error_answers(error: WslusbError, reason: LocalReason) -> None:
    with pytest.raises(LocalError, match=str(error)) as caught:
        raise_error(decode(encode(error_answer(error))))
    assert caught.value.reason is reason


@pytest.mark.parametrize("answer", [{}, {"ok": 1}, {"ok": False, "reason": "NO_SUCH"}, {"reason": 7, "message": None}])
def test_answers_that_are_none(answer: Json) -> None:
    with pytest.raises(LocalError) as caught:
        raise_error(answer)
    assert caught.value.reason is LocalReason.REFUSED
