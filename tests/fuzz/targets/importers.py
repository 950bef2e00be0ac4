"""The importers of the emulator: what other tools wrote of a device."""

from __future__ import annotations

import contextlib
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from emulator.device import VirtualDevice
from emulator.importers import captures, libusbgx, lsusb, source, sysfs, transfers, umockdev
from emulator.importers.evidence import Evidence
from emulator.importers.imported import assemble
from tests.support import samples
from wslusb.capture import pcapfile
from wslusb.device.clock import VirtualClock
from wslusb.errors import LocalError


def _blob(data: bytes) -> list[Evidence]:
    evidence = Evidence("blob")
    sysfs.add_descriptors(evidence, data)
    return [evidence]


def _capture(data: bytes) -> list[Evidence]:
    return captures.read(transfers.controls(transfers.records(pcapfile.packets(io.BytesIO(data)))))


def _usbmon_text(text: str) -> list[Evidence]:
    return captures.read(transfers.controls(transfers.from_text(text.splitlines())))


def _file(data: bytes) -> list[Evidence]:
    """A file whose format has to be told by what is in it, as a bug bundle's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        source.import_device(path)
    return []


def _text(read: Callable[[str], list[Evidence]]) -> Callable[[bytes], list[Evidence]]:
    return lambda data: read(data.decode("utf-8", "replace"))


READERS: tuple[Callable[[bytes], list[Evidence]], ...] = (
    _blob, _capture, _text(lsusb.read), _text(umockdev.read), _text(_usbmon_text),
    _text(lambda text: [libusbgx.read(text)]), _file,
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    """The first byte says which tool wrote the rest."""
    for gadget in samples.GADGETS:
        folder = samples.SAMPLES / gadget
        yield b"\0" + samples.descriptors(gadget)
        for number, name in ((2, "lsusb.txt"), (3, "umockdev.txt"), (4, "usbmon.txt")):
            yield bytes((number,)) + (folder / name).read_bytes()[:4000]
    yield b"\1" + samples.CAPTURE.read_bytes()[:4000]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("lsusb.txt", (samples.SAMPLES / "acm/lsusb.txt").read_bytes()[:3000])
    yield b"\6" + archive.getvalue()
    yield b"\5" + (samples.SAMPLES / "composite.scheme").read_bytes()[:4000]


def run(data: bytes) -> None:
    """A device that can be plugged in, or a LocalError of one line."""
    if not data:
        return
    found: list[Evidence] = []
    try:
        found = READERS[data[0] % len(READERS)](data[1:])
    except LocalError as error:
        assert len(str(error).splitlines()) < 2, f"{error!s}"  # noqa: PT017
    for evidence in found:
        with contextlib.suppress(LocalError):
            model = assemble(evidence).model
            VirtualDevice(model.gadget, model.firmware, clock=VirtualClock()).close()
