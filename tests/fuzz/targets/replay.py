"""Captures of others as devices: usbmon and USBPcap files, and bug bundles, up to what a script answers a host."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from tests.support import samples, usbpcap
from wslusb.capture import pcapfile, redact_file
from wslusb.device.api import Device
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError
from wslusb.replay import reading
from wslusb.replay.device import Mode, ReplayDevice
from wslusb.replay.facts import Facts
from wslusb.replay.host import ReplayHost
from wslusb.replay.story import Story
from wslusb.usb.urb import Completion, Done, Urb

_LINKS = (220, 189, 249)
_REDACT = b"\3"


def seeds() -> Iterator[bytes]:
    """The first byte says what is done with the rest."""
    packets = [packet.data for packet in samples.packets()[:24]]
    short = [data[:48] + data[64:] for data in packets]
    windows = [each for data in packets for each in usbpcap.converted(data)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "capture"
        for link, data in zip(_LINKS, (packets, short, windows), strict=True):
            for write in (samples.write_pcap, samples.write_pcapng):
                for how in b"\0\1\2\3":
                    yield bytes((how,)) + write(path, link, data).read_bytes()
        capture = write(path, _LINKS[0], packets).read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("capture.pcapng", capture[:1500])
        bundle.writestr("README.txt", "what is in it")
    yield b"\0" + archive.getvalue()
    yield _REDACT + archive.getvalue()


def run(data: bytes) -> None:
    """Nothing but LocalError of one line; a device that answers its capture's own host, each URB once, and ends."""
    how, raw = data[:1], data[1:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "capture"
        path.write_bytes(raw)
        try:
            if how == _REDACT:
                _redact(path, Path(folder) / "copy.pcapng")
                return
            for story in reading.stories(path):
                _play(story, list(Mode)[how[0] % 3] if how else Mode.MODEL)
        except LocalError as error:
            assert len(str(error).splitlines()) == 1, f"{error!s}"  # noqa: PT017


def _redact(path: Path, copy: Path) -> None:
    report = redact_file.redact_file(path, copy)
    with copy.open("rb") as file:
        assert sum(1 for _ in pcapfile.packets(file)) == report.written


class _Counted:
    """A device that knows how often it has answered."""

    def __init__(self, device: ReplayDevice) -> None:
        self._device = device
        self.open: dict[int, Urb] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    def submit(self, urb: Urb, done: Done) -> None:
        """Once submitted, once answered, with no more than was asked for."""
        self.open[id(urb)] = urb

        def told(completion: Completion) -> None:
            assert self.open.pop(id(completion.urb)) is urb
            assert completion.actual_length <= urb.length
            assert len(completion.data) == (completion.actual_length if urb.is_in else 0)
            done(completion)

        self._device.submit(urb, told)


def _play(story: Story, mode: Mode) -> None:
    facts = Facts.of(story)
    facts.info()
    device = _Counted(ReplayDevice(story, mode, facts=facts, clock=VirtualClock()))
    ReplayHost(story, patience=0.0).play(cast("Device", device))
    device.close()
    assert not device.open
