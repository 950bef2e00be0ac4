"""A memory stick: one disk, empty at first, which the guest can partition, format and mount.

What is written stays while the service runs, also when the stick is unplugged and plugged in again; with ``file=`` it
stays in that image, which other programs can mount or fill beforehand. ``ro=yes`` is the stick's little switch.
"""

from __future__ import annotations

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.ids import ClassCode, TransferType, is_in
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import Firmware, InHandler, OutHandler
from ..gadget import Gadget, Place
from ..model import Kind, Model
from ..options import Options
from .mass_storage.bot import BulkOnly
from .mass_storage.inquiry import Identification
from .mass_storage.medium import Medium, medium_from_options
from .mass_storage.scsi import Disk

__all__ = ["KIND", "StorageFirmware", "storage_gadget"]

_SCSI_TRANSPARENT, _BULK_ONLY = 0x06, 0x50


def storage_gadget(serial: str = "000000000001") -> Gadget:
    """The description. Serials have 12 or more of 0-9 and A-F if Windows is to trust them (Bulk-Only, 4.1.1)."""
    endpoints = [Endpoint(0x81, TransferType.BULK, 512), Endpoint(0x02, TransferType.BULK, 512)]
    interface = Interface(0, 0, ClassCode.MASS_STORAGE, _SCSI_TRANSPARENT, _BULK_ONLY, endpoints=endpoints)
    return Gadget(
        device=DeviceDescriptor(0x0525, 0xA4A5, 0x0200, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, [interface]),),
        strings=("wslusb emulator", "Memory stick", serial),
    )


class StorageFirmware(Firmware):
    """Behaviour. The disk, and what is on its medium, outlive the openings of the device."""

    def __init__(self, medium: Medium, serial: str = "000000000001") -> None:
        self._medium = medium
        self._transport = BulkOnly(Disk(medium, Identification(serial=serial)))

    def attached(self) -> None:
        """From now on a file is in use."""
        self._medium.open()

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        """The two ends of the transport."""
        return self._transport.data_in if is_in(place.endpoint.address) else self._transport.data_out

    def configured(self, value: int) -> None:  # noqa: ARG002
        """Also what a reset calls: nothing is under way any more, and the host's lock is gone."""
        self._transport.restart()

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:  # noqa: ARG002
        """The requests of the Bulk-Only class, to the one interface."""
        return self._transport.control(setup) if setup.index == 0 else None


def _make(options: Options) -> Model:
    serial = options.serial(f"{options.number:012d}")
    return Model(storage_gadget(serial), StorageFirmware(medium_from_options(options), serial))


KIND = Kind(
    name="storage",
    summary="a memory stick (Bulk-Only Transport)",
    make=_make,
    options={
        "serial": "serial number",
        "size": "bytes, or with K, M, G (default 16M)",
        "file": "an image to keep the data in",
        "ro": "yes: write-protected",
    },
    driver="usb-storage",
)
