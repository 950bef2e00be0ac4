"""Devices from what other tools wrote of them: :func:`import_device`.

=================  ==================================================================================================
sysfs              a directory of /sys/bus/usb/devices (or a copy), or its file ``descriptors`` alone
lsusb              the text of ``lsusb -v``
umockdev           the text of ``umockdev-record``
usbmon, USBPcap    pcap and pcapng captures (link types 189, 220, 249), and usbmon's text
libusbgx           gadget schemes
bug bundles        zips of ``wslusb report``: their descriptors, or else their capture
=================  ==================================================================================================

What a source does not hold is in ``Imported.missing``, one line each. Sources are others' files: whatever is in them,
the worst that comes is a LocalError.
"""

from __future__ import annotations

from pathlib import Path

from wslusb.usb.ids import Speed

from ..model import Kind, Model
from ..options import Options
from .imported import Imported
from .source import FORMATS, import_device

__all__ = ["FORMATS", "SPEEDS", "Imported", "import_device", "kind"]

SPEEDS = {"": Speed.UNKNOWN, "low": Speed.LOW, "full": Speed.FULL, "high": Speed.HIGH, "super": Speed.SUPER}
"""What a user may say instead of the source; nothing: the source knows, or the speed follows from the endpoints."""


def kind(name: str) -> Kind:
    """A source as a device that can be asked for by name: ``wslusb serve --device emulator:./capture.pcapng``."""

    def make(options: Options) -> Model:
        speed = SPEEDS[options.choice("speed", tuple(SPEEDS), "")]
        return import_device(Path(name), options.text("device"), options.text("format"), speed).model

    return Kind(
        name=name,
        summary="imported",
        make=make,
        options={
            "device": "which, where the source has several",
            "format": "the format, where it cannot be told",
            "speed": "low, full, high or super, in place of the source's",
        },
    )
