"""A disk with two transports, as USB 3 disks and bridges have them: alternate 0 is Bulk-Only, alternate 1 is UAS.

At high speed Linux takes alternate 1 with its ``uas`` driver, 30 commands at a time. At SuperSpeed UAS needs bulk
streams, which vhci_hcd does not have: there the kernel says so and takes alternate 0 with ``usb-storage``
(drivers/usb/storage/uas-detect.h).
"""

from __future__ import annotations

from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Endpoint, Interface
from wslusb.usb.descriptors_extra import Companion, class_specific
from wslusb.usb.ids import ClassCode, Speed, TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import Firmware, InHandler, OutHandler
from ..gadget import Gadget, Place
from ..model import Kind, Model
from ..options import Options
from ..variants import at_speed
from .mass_storage.bot import BulkOnly
from .mass_storage.inquiry import Identification
from .mass_storage.medium import Medium, medium_from_options
from .mass_storage.scsi import Disk
from .mass_storage.uas import Uas

__all__ = ["BULK_ONLY", "COMMAND", "DATA_IN", "DATA_OUT", "KIND", "STATUS", "UAS", "UasFirmware", "uas_gadget"]

BULK_ONLY, UAS = 0, 1
"""The alternate settings of the interface."""
DATA_IN, DATA_OUT, STATUS, COMMAND = 0x81, 0x02, 0x83, 0x04
"""The endpoints; Bulk-Only has the first two."""

_SCSI_TRANSPARENT, _BULK_ONLY_PROTOCOL, _UAS_PROTOCOL = 0x06, 0x50, 0x62
_PIPE_USAGE = 0x24
_PIPE_IDS = {COMMAND: 1, STATUS: 2, DATA_IN: 3, DATA_OUT: 4}
_FIRST = {BULK_ONLY: DATA_IN, UAS: COMMAND}
_STREAMS = 5
"""As a power of two."""


def _endpoint(address: int, alternate: int) -> Endpoint:
    """With its pipe usage (UAS-3, 5.3.3.5), if it is one of UAS."""
    usage = [class_specific(_PIPE_USAGE, bytes((_PIPE_IDS[address], 0)))] if alternate == UAS else []
    return Endpoint(address, TransferType.BULK, 512, extra=usage)


def uas_gadget(serial: str = "000000000001", speed: Speed = Speed.HIGH) -> Gadget:
    """The description, at high speed or SuperSpeed."""
    kinds = (
        (BULK_ONLY, _BULK_ONLY_PROTOCOL, (DATA_IN, DATA_OUT)),
        (UAS, _UAS_PROTOCOL, (COMMAND, STATUS, DATA_IN, DATA_OUT)),
    )
    interfaces = [
        Interface(
            0, alternate, ClassCode.MASS_STORAGE, _SCSI_TRANSPARENT, protocol,
            endpoints=[_endpoint(address, alternate) for address in addresses],
        )
        for alternate, protocol, addresses in kinds
    ]  # fmt: skip
    gadget = Gadget(
        device=DeviceDescriptor(0x0525, 0xA4A5, 0x0200, manufacturer=1, product_string=2, serial=3),
        configurations=(Configuration(1, interfaces),),
        strings=("wslusb emulator", "Disk", serial),
    )
    return gadget if speed < Speed.SUPER else _with_streams(at_speed(gadget, speed))


def _with_streams(gadget: Gadget) -> Gadget:
    """All pipes of UAS but that of commands have streams; the companion is what follows an endpoint first."""
    for endpoint in gadget.configurations[0].interfaces[UAS].endpoints:
        if endpoint.address != COMMAND:
            endpoint.extra[0] = Companion(attributes=_STREAMS).pack()
    return gadget


class UasFirmware(Firmware):
    """Behaviour. Both transports lead to the same disk; the one that the host chooses starts anew."""

    def __init__(self, medium: Medium, serial: str = "000000000001") -> None:
        self._medium = medium
        self._disk = Disk(medium, Identification(product="Emulated disk", serial=serial))
        self._bulk_only: BulkOnly | None = None
        self._handlers: dict[int, InHandler | OutHandler] = {}

    def attached(self) -> None:
        """From now on a file is in use."""
        self._medium.open()

    def endpoint(self, place: Place) -> InHandler | OutHandler:
        """The ends of the transport that is being brought up."""
        if place.endpoint.address == _FIRST[place.alternate]:
            self._bring_up(place.alternate)
        return self._handlers[place.endpoint.address]

    def _bring_up(self, alternate: int) -> None:
        if alternate == BULK_ONLY:
            bot = self._bulk_only = BulkOnly(self._disk)
            self._handlers = {DATA_IN: bot.data_in, DATA_OUT: bot.data_out}
        else:
            uas, self._bulk_only = Uas(self._disk), None
            self._handlers = {
                COMMAND: uas.command, STATUS: uas.status, DATA_IN: uas.data_in, DATA_OUT: uas.data_out,
            }  # fmt: skip

    def configured(self, value: int) -> None:  # noqa: ARG002
        """Also what a reset calls: the host's lock is gone."""
        self._disk.reset()

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:  # noqa: ARG002
        """Bulk-Only has class requests, UAS has none."""
        return self._bulk_only.control(setup) if self._bulk_only is not None and setup.index == 0 else None


def _make(options: Options) -> Model:
    serial = options.serial(f"{options.number:012d}")
    gadget = uas_gadget(serial, options.speed(allowed=("high", "super")))
    return Model(gadget, UasFirmware(medium_from_options(options), serial))


KIND = Kind(
    name="uas",
    summary="a disk with USB Attached SCSI and Bulk-Only Transport",
    make=_make,
    options={
        "serial": "serial number",
        "size": "bytes, or with K, M, G (default 16M)",
        "file": "an image to keep the data in",
        "ro": "yes: write-protected",
        "speed": "high (uas binds) or super (usb-storage does, without streams)",
    },
    driver="uas",
)
