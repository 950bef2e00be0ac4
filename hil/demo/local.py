"""The demonstration that needs nothing but Python: a virtual stick, a real service, a guest that needs no kernel."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import usb.core
import usb.util

import wslusb.guest
from hil.clients.bulk_only import Stick
from hil.demo.story import PROJECT, SIZE, DemoError, Story, payload, sha256, timed

__all__ = ["local_demo"]

_CHUNK = 1 << 20
_BLOCK = 512
_DEVICE = "0525:a4a5"
_SERVICE_SECONDS = 15.0
_WSLUSB = [sys.executable, "-m", "wslusb"]


class Cli:
    """The ``wslusb`` command, with a state of its own that ends with the demonstration."""

    def __init__(self, directory: Path, story: Story) -> None:
        self._story = story
        places = {"WSLUSB_STATE_DIR": str(directory / "state"), "WSLUSB_RUNTIME_DIR": str(directory / "run")}
        self._environment = {**os.environ, **places}

    def run(self, *arguments: str) -> None:
        """Run a verb, show it and what it said. DemoError if it failed."""
        result = subprocess.run(
            [*_WSLUSB, *arguments], cwd=PROJECT, env=self._environment, capture_output=True, text=True, check=False
        )
        self._story.command(f"wslusb {' '.join(arguments)}", (result.stdout + result.stderr).splitlines())
        if result.returncode:
            raise DemoError(f"'wslusb {arguments[0]}' ended with {result.returncode}")

    @contextlib.contextmanager
    def serve(self, *arguments: str) -> Iterator[None]:
        """The host service in the background."""
        command = ["serve", *arguments]
        with subprocess.Popen(
            [*_WSLUSB, *command], cwd=PROJECT, env=self._environment, stderr=subprocess.PIPE, text=True
        ) as service:
            log = _Log(service)
            try:
                self._story.command(f"wslusb {' '.join(command)} &", [log.wait_for("serving")])
                yield
            finally:
                service.terminate()
                log.close()


class _Log:
    """Reads what a service says, to the end, so that it never waits for a reader."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait for the end of what the service says: its pipe must not be closed under the reader."""
        self._thread.join(_SERVICE_SECONDS)

    def _read(self) -> None:
        for line in self._process.stderr or ():
            with self._news:
                self._lines.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self._lines.append("")
            self._news.notify_all()

    def wait_for(self, word: str) -> str:
        """The first line with a word in it. DemoError with all lines if the service ends before, or takes too long."""
        with self._news:
            over = self._news.wait_for(lambda: self._find(word) or "" in self._lines, _SERVICE_SECONDS)
            if not over or (line := self._find(word)) is None:
                raise DemoError("\n".join(["the service did not start:", *self._lines]))
            return line

    def _find(self, word: str) -> str | None:
        return next((line for line in self._lines if word in line), None)


def local_demo(story: Story, size: int = SIZE) -> int:
    """Tell the story; the exit code."""
    story.title("A virtual USB stick, the real host service, a Unix socket, and a guest that needs no kernel.")
    with tempfile.TemporaryDirectory(prefix="wslusb-demo-") as name:
        directory = Path(name)
        address = f"unix:{directory / 'host.sock'}"
        cli = Cli(directory, story)
        with cli.serve("--listen", address, "--device", "emulator:storage:size=64M"):
            cli.run("list")
            cli.run("bind", _DEVICE)
            cli.run("list")
            return _use(story, address, size)


def _use(story: Story, address: str, size: int) -> int:
    data = payload(size)
    written = sha256(data)
    story.command(f'python: backend = wslusb.guest.pyusb_backend("{address}")')
    backend = wslusb.guest.pyusb_backend(address)
    with stick(story, backend) as (disk, device):
        inquiry, capacity = disk.inquiry(), disk.capacity()
        story.note(f"attached: {device.product} {device.serial_number}: {inquiry.vendor} {inquiry.product}, {capacity}")
        took = timed(lambda: write(disk, data))
        story.note(f"wrote {size >> 20} MiB at {took.rate(size)}, SHA-256 {written}")
    with stick(story, backend) as (disk, _):
        back = bytearray(size)
        took = timed(lambda: read_into(disk, back))
        read = sha256(back)
        story.note(f"read  {size >> 20} MiB at {took.rate(size)}, SHA-256 {read}")
    backend.close()
    return story.verdict(written, read)


@contextlib.contextmanager
def stick(story: Story, backend: Any) -> Iterator[tuple[Stick, Any]]:
    """Attach the stick with pyusb, as any pyusb program would, and give it back at the end. The stick is ready."""
    story.command("python: device = usb.core.find(backend=backend)")
    device = usb.core.find(backend=backend)
    if device is None:
        raise DemoError("the host shares no device")
    try:
        device.set_configuration()
        endpoints: list[Any] = list(device.get_active_configuration()[0, 0])
        source = next(each for each in endpoints if each.bEndpointAddress & 0x80)
        sink = next(each for each in endpoints if not each.bEndpointAddress & 0x80)
        # bytes: pyusb makes an array of what it is given, and of nothing else as fast.
        disk = Stick(lambda data: sink.write(bytes(data)), lambda length: memoryview(source.read(length)))
        disk.wait_ready()
        yield disk, device
    finally:
        usb.util.dispose_resources(device)
        story.command("python: usb.util.dispose_resources(device)")


def write(disk: Stick, data: bytes) -> None:
    """Write from the first block on."""
    view = memoryview(data)
    for offset in range(0, len(data), _CHUNK):
        disk.write(offset // _BLOCK, view[offset : offset + _CHUNK])


def read_into(disk: Stick, buffer: bytearray) -> None:
    """Fill a buffer from the first block on."""
    for offset in range(0, len(buffer), _CHUNK):
        end = min(offset + _CHUNK, len(buffer))
        buffer[offset:end] = disk.read(offset // _BLOCK, (end - offset) // _BLOCK)
