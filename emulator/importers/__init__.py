"""Devices from what other tools wrote of them: :func:`import_device`.

=================  ==================================================================================================
sysfs              a directory of /sys/bus/usb/devices (or a copy), or its file ``descriptors`` alone
lsusb              the text of ``lsusb -v``
umockdev           the text of ``umockdev-record``
usbmon, USBPcap    pcap and pcapng captures (link types 189, 220, 249), and usbmon's text
libusbgx           gadget schemes
=================  ==================================================================================================

What a source does not hold is in ``Imported.missing``, one line each. Sources are others' files: whatever is in them,
the worst that comes is a LocalError.
"""

from __future__ import annotations

from ..model import Kind, Model
from ..options import Options
from .imported import Imported
from .source import FORMATS, import_device

__all__ = ["FORMATS", "Imported", "import_device", "kind"]


def kind(name: str) -> Kind:
    """A source as a device that can be asked for by name: ``wslusb serve --device emulator:./capture.pcapng``."""
    from pathlib import Path

    def make(options: Options) -> Model:
        return import_device(Path(name), options.text("device"), options.text("format")).model

    return Kind(
        name=name,
        summary="imported",
        make=make,
        options={"device": "which, where the source has several", "format": "the format, where it cannot be told"},
    )
