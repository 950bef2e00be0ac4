"""``wslusb capture``."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from ..errors import LocalError, LocalReason
from ..sizes import byte_count
from . import options, output, reach
from .reach import Place, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.live import Live

__all__ = ["Taken", "command", "take"]


def _nothing() -> None:
    """Nobody waits for the beginning."""


def _size(text: str) -> int:
    """How much a ring keeps, in bytes."""
    from ..control.captures import MOST_RING

    with contextlib.suppress(ValueError):
        if (size := byte_count(text)) <= MOST_RING:
            return size
    raise click.BadParameter(f"{text!r} is not a size of at most {MOST_RING >> 30}G: write 16M")


@click.command(
    "capture",
    short_help="Write what goes on with a device to a file that Wireshark opens.",
    help="Write what goes on with a device to a pcapng file, until Ctrl-C: its URBs, and the messages between guest "
    "and host. Serial numbers, keys and data that are private are taken out (docs/capture.md has what stays). Works on "
    "the host and in the guest, also in the middle of things.",
)
@options.device_named(everything=True)
@click.option("-o", "--output", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it there.")  # fmt: skip
@click.option("--ring", type=_size, metavar="SIZE",
              help="Keep the last SIZE bytes (16M) in memory from now on, and write no file; 0 ends that.")  # fmt: skip
@click.option("--save-ring", is_flag=True, help="Write what was kept, and go on keeping.")
@click.option("--raw", is_flag=True, help="Take nothing out: the file has keys, serial numbers and files in it.")
@click.option("--keep-vendor", is_flag=True, help="Leave the data of vendor-specific interfaces and requests in.")
@click.option("--seconds", type=click.FloatRange(min=0.01), metavar="SECONDS", help="End by itself after that time.")
@click.option("--queue", type=_size, metavar="SIZE", hidden=True)
@options.control
def command(
    *, device: str | None, path: Path | None, ring: int | None, save_ring: bool, raw: bool, keep_vendor: bool,
    seconds: float | None, queue: int | None, control: Path | None,
) -> None:  # fmt: skip
    """Capture."""
    if ring is not None and (save_ring or path is not None):
        raise click.UsageError("--ring writes no file: --save-ring does, later")
    if ring is None and path is None:
        raise click.UsageError("where to? Give a file with -o")
    place = reach.find(Role.SERVICE, Role.AGENT, control=control)
    what: dict[str, Any] = {} if device is None else {"device": device}
    if ring is not None:
        place.call("capture-ring", size=ring, **what)
        save = f"'wslusb capture {device or '--all'} --save-ring -o bug.pcapng' writes them"
        output.info(f"the last {ring} bytes are kept; {save}" if ring else "ended")
        return
    assert path is not None  # noqa: S101 - checked above
    what |= {"raw": raw, "keep_vendor": keep_vendor} | ({"queue": queue} if queue else {})
    _write(place, "capture-save" if save_ring else "capture", path, what, seconds)
    if raw:
        output.warning(f"{path} is not redacted", "'wslusb redact' makes a file of it that may be given away")


def _write(place: Place, op: str, path: Path, what: dict[str, Any], seconds: float | None) -> None:
    taken = take(place, op, path, what, seconds)
    if not taken.whole:
        hint = f"{path} has what went by before, without the numbers of what was dropped"
        raise LocalError(LocalReason.DISCONNECTED, f"the {place.role.value} has gone", hint=hint)
    output.info(f"wrote {path}: {taken.line}")


@dataclass(slots=True, frozen=True)
class Taken:
    """What became of a capture. ``whole``: the other side ended it; else it has gone in the middle."""

    state: dict[str, Any]
    whole: bool

    @property
    def originals(self) -> list[bytes]:
        """What was taken out of it."""
        return [bytes.fromhex(value) for value in self.state["originals"]]

    @property
    def line(self) -> str:
        """For people."""
        return _line(self.state)


def take(
    place: Place, op: str, path: Path, what: dict[str, Any], seconds: float | None, begun: Callable[[], None] = _nothing
) -> Taken:
    """Write a capture until Ctrl-C, or for so long, and look through it. ``begun`` is called once it goes on.

    LocalError if there is none to be had, or if something is in it that was to be taken out: the file is gone then.
    """
    from ..capture.profile import check
    from ..control import client
    from ..control.streams import MessageKind, receive

    _, sock = client.stream(place.path, op, **what)
    state: dict[str, Any] = {"urbs": 0, "bytes": 0, "dropped": 0, "originals": []}
    kind = MessageKind.DATA
    with sock, _named(path), _create(path) as file, _Ending(sock, seconds), _progress() as live:
        begun()
        for kind, data in _read(sock, receive):
            if kind is MessageKind.DATA:
                file.write(data)
                file.flush()  # whole blocks, also if this process is killed next
            else:
                state = json.loads(data)
                _show(live, state)
    taken = Taken(state, kind is MessageKind.END)
    check(path, taken.originals)
    return taken


def _read(sock: socket.socket, receive: Any) -> Iterator[tuple[Any, bytes]]:
    try:
        yield from receive(sock)
    except OSError:  # it has gone; what has come is in the file
        return


def _create(path: Path) -> BinaryIO:
    """The file, which its owner alone may read, also if it was there: what is in it is still about somebody's device.

    OSError for a FIFO that nobody reads, rather than wait for somebody.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0), 0o600)
    if sys.platform != "win32":
        os.set_blocking(file, True)
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.fchmod(file, 0o600)
    return os.fdopen(file, "wb")


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """An error of writing says where: the disk is full, and of which file there is a part."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


class _Ending:
    """Closes our half of the socket at the first Ctrl-C, or after a time: the other side then ends the file.

    The second Ctrl-C ends this process as it always does.
    """

    def __init__(self, sock: socket.socket, seconds: float | None) -> None:
        self._sock = sock
        self._timer = threading.Timer(seconds, self._end) if seconds is not None else None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._restore()

    def _on_signal(self, *_: object) -> None:
        self._restore()
        self._end()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _end(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other side has ended already


def _line(state: dict[str, Any]) -> str:
    return f"{state['urbs']} URBs, {state['bytes']} bytes, {state['dropped']} records dropped"


def _progress() -> Live:
    from rich.console import Console
    from rich.live import Live

    return Live(console=Console(stderr=True, highlight=False), transient=True, auto_refresh=False)


def _show(live: Live, state: dict[str, Any]) -> None:
    if live.console.is_terminal:
        live.update(f"{_line(state)}  (Ctrl-C ends it)", refresh=True)
