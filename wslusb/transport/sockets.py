"""Connecting and listening, one small class a transport. Nothing above this file knows a socket family."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
from pathlib import Path
from typing import Protocol

from ..errors import LocalError, LocalReason
from ..wire import limits
from . import address as addresses
from .address import Address, HybridAddress, UnixAddress, VsockAddress
from .stream import STREAM_BUFFER, Peer, SocketStream, Stream, set_timeout

__all__ = ["Listener", "UnixListener", "connect", "connect_socket", "listen", "unix_peer"]

_SO_VM_SOCKETS_BUFFER_SIZE = 0
_SO_VM_SOCKETS_BUFFER_MAX_SIZE = 2
_CONNECT_SECONDS = 10.0
_BACKLOG = 128


class Listener(Protocol):
    """Accepts streams until it is closed."""

    address: Address

    def accept(self) -> Stream:
        """The next peer. OSError once closed."""

    def close(self) -> None:
        """Stop; a waiting ``accept`` comes back."""


def connect(address: Address) -> Stream:
    """Connect to ``address``. LocalError(DISCONNECTED or ACCESS_DENIED) in one line where that fails."""
    try:
        match address:
            case VsockAddress():
                return _connect_vsock(address)
            case UnixAddress():
                return _connect_unix(address.path)
            case HybridAddress():
                return _connect_hybrid(address)
    except OSError as error:
        reason = LocalReason.ACCESS_DENIED if isinstance(error, PermissionError) else LocalReason.DISCONNECTED
        if error.errno in (None, errno.ENOTSOCK, errno.EPROTOTYPE):  # None: Python's own, for a path that is too long
            reason = LocalReason.BAD_ADDRESS
        hint = "is 'wslusb serve' running on the host, and listening there?"
        raise LocalError(reason, f"cannot connect to {address}: {error.strerror or error}", hint=hint) from error


def listen(address: Address) -> Listener:
    """Listen at ``address``. LocalError where that fails."""
    try:
        match address:
            case VsockAddress():
                return _VsockListener(address)
            case UnixAddress():
                return UnixListener(address, address.path)
            case HybridAddress():
                return UnixListener(address, f"{address.path}_{address.port}")
    except OSError as error:
        denied = isinstance(error, PermissionError)
        reason = LocalReason.ACCESS_DENIED if denied else LocalReason.BAD_ADDRESS
        if error.errno == errno.EADDRINUSE:
            reason = LocalReason.ALREADY_RUNNING
        raise LocalError(reason, f"cannot listen on {address}: {error.strerror or error}") from error


# -- vsock


def _vsock() -> socket.socket:
    family = getattr(socket, "AF_VSOCK", None)
    if family is None:
        raise LocalError(LocalReason.UNSUPPORTED, "this system has no AF_VSOCK sockets", hint="use unix: or hybrid:")
    sock = socket.socket(family, socket.SOCK_STREAM)
    # The maximum first: the size is clamped to it (linux/vm_sockets.h). Both must be set before connect or listen.
    with contextlib.suppress(OSError):
        sock.setsockopt(family, _SO_VM_SOCKETS_BUFFER_MAX_SIZE, STREAM_BUFFER)
        sock.setsockopt(family, _SO_VM_SOCKETS_BUFFER_SIZE, STREAM_BUFFER)
    return sock


def _connect_vsock(address: VsockAddress) -> Stream:
    cid = addresses.CID_HOST if address.cid is None else address.cid
    sock = _vsock()
    try:
        sock.settimeout(_CONNECT_SECONDS)
        sock.connect((cid, address.port))
    except BaseException:
        sock.close()
        raise
    return SocketStream(sock, Peer("vsock", cid), send_timeout=limits.SEND_SECONDS)


class _VsockListener:
    def __init__(self, address: VsockAddress) -> None:
        self.address: Address = address
        self._socket = _vsock()
        try:
            self._socket.bind((addresses.CID_ANY if address.cid is None else address.cid, address.port))
            self._socket.listen(_BACKLOG)
        except BaseException:
            self._socket.close()
            raise

    def accept(self) -> Stream:
        sock, (cid, _port) = self._socket.accept()
        return SocketStream(sock, Peer("vsock", cid), send_timeout=limits.SEND_SECONDS)

    def close(self) -> None:
        _stop(self._socket)


# -- Unix sockets, and the dialect of Firecracker and Cloud Hypervisor on top of them


def unix_peer(sock: socket.socket) -> Peer:
    """Who is at the other end of a Unix socket (SO_PEERCRED, unix(7))."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return Peer("unix", -1)
    pid, uid, _gid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, option, 12))
    return Peer("unix", uid, pid)


def _unix() -> socket.socket:
    family = getattr(socket, "AF_UNIX", None)
    if family is None:
        raise LocalError(LocalReason.UNSUPPORTED, "this Python has no AF_UNIX sockets")
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, STREAM_BUFFER)
    return sock


def connect_socket(path: str, seconds: float = _CONNECT_SECONDS) -> socket.socket:
    """A socket connected to ``path``. OSError if nobody listens there, or does not accept within ``seconds``."""
    sock = _unix()
    try:
        # The kernel's time-out: with Python's, a full backlog is an error at once (unix(7), EAGAIN).
        set_timeout(sock, socket.SO_SNDTIMEO, seconds)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect_unix(path: str) -> Stream:
    sock = connect_socket(path)
    return SocketStream(sock, unix_peer(sock), send_timeout=limits.SEND_SECONDS)


def _connect_hybrid(address: HybridAddress) -> Stream:
    """``CONNECT port`` and a line ``OK port`` (firecracker, docs/vsock.md, "Host-initiated connections")."""
    sock = connect_socket(address.path)
    try:
        sock.settimeout(_CONNECT_SECONDS)
        sock.sendall(f"CONNECT {address.port}\n".encode())
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < 32:
            # One byte at a time: what follows the line belongs to the protocol.
            if not (byte := sock.recv(1)):
                break
            answer += byte
        if not answer.startswith(b"OK "):
            raise ConnectionRefusedError(
                errno.ECONNREFUSED, f"the monitor answered {answer.decode('ascii', 'replace')!r}"
            )
    except BaseException:
        sock.close()
        raise
    return SocketStream(sock, unix_peer(sock), send_timeout=limits.SEND_SECONDS)


class UnixListener:
    """Listens at a path that only its owner may open; the file goes when the listener does."""

    def __init__(self, address: Address, path: str) -> None:
        self.address = address
        self._path = Path(path)
        self._socket = _unix()
        try:
            _remove_stale(self._path)
            # Only the owner may connect until somebody says otherwise with chmod.
            previous = os.umask(0o177)
            try:
                self._socket.bind(path)
            finally:
                os.umask(previous)
            self._socket.listen(_BACKLOG)
            self._inode = self._path.stat().st_ino
        except BaseException:
            self._socket.close()
            raise

    def accept(self) -> Stream:
        """See :class:`Listener`."""
        sock, peer = self.accept_socket()
        return SocketStream(sock, peer, send_timeout=limits.SEND_SECONDS)

    def accept_socket(self) -> tuple[socket.socket, Peer]:
        """The next peer, as a plain socket."""
        sock, _ = self._socket.accept()
        return sock, unix_peer(sock)

    def close(self) -> None:
        """See :class:`Listener`."""
        _stop(self._socket)
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()


def _remove_stale(path: Path) -> None:
    """Remove a socket file that nobody listens on; anything else is left alone and makes ``bind`` fail."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
    except FileNotFoundError:
        return
    with _unix() as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        except OSError:
            return


def _stop(sock: socket.socket) -> None:
    # Closing alone would not wake a thread that waits in accept.
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
