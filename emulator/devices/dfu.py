"""A device whose firmware can be upgraded: it leaves the bus and comes back as its loader, and later as what it became.

USB Device Firmware Upgrade 1.1. The image is anything; :class:`.dfu_parts.flash.Flash` says which version it makes.
"""

from __future__ import annotations

from wslusb.device.clock import Timer
from wslusb.usb.descriptors import Configuration, DeviceDescriptor, Interface
from wslusb.usb.ids import ClassCode, Speed
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer

from ..firmware import Firmware
from ..gadget import Gadget
from ..model import Kind, Model
from ..options import Options, bad
from .dfu_parts.flash import Flash
from .dfu_parts.loader import Loader
from .dfu_parts.words import Attribute, Request, State, Status, functional_descriptor, status_reply

__all__ = ["KIND", "Upgradable"]

_VENDOR, _RUNTIME_PRODUCT, _LOADER_PRODUCT = 0x1209, 0x0008, 0x0009
_FIRMWARE_UPGRADE = 0x01
_RUNTIME, _DFU_MODE = 0x01, 0x02
_DETACH_MILLISECONDS = 1000
_LEAVE_SECONDS = 0.02
"""So long after its answer to DETACH a device that detaches by itself is gone."""
_TRANSFER_SIZE = 1024


class Upgradable:
    """The device in both of its modes, and what they share."""

    def __init__(self, flash: Flash, serial: str, *, poll: float = 0.005, tolerant: bool = False, detach: bool = True):
        self.flash = flash
        self.will_detach = detach
        self._serial = serial
        self._poll = poll
        self._tolerant = tolerant

    def runtime(self) -> Model:
        """As it is used: an interface for DETACH, and whatever else the device does (here: nothing)."""
        return Model(self._gadget(_RUNTIME, "Upgradable device"), _Runtime(self))

    def loader(self) -> Model:
        """In DFU mode."""
        firmware = Loader(
            self.flash, lambda: self._become(firmware, self.runtime()), transfer_size=_TRANSFER_SIZE, poll=self._poll,
            tolerant=self._tolerant,
        )  # fmt: skip
        return Model(self._gadget(_DFU_MODE, "Firmware loader"), firmware)

    def enter(self, runtime: Firmware) -> None:
        """Leave the bus, and come back in DFU mode."""
        self._become(runtime, self.loader())

    @staticmethod
    def _become(firmware: Firmware, model: Model) -> None:
        if firmware.board is not None:
            firmware.board.reenumerate(model)

    def _gadget(self, mode: int, product: str) -> Gadget:
        attributes = Attribute.CAN_DOWNLOAD | Attribute.CAN_UPLOAD
        attributes |= Attribute.MANIFESTATION_TOLERANT if self._tolerant else Attribute(0)
        attributes |= Attribute.WILL_DETACH if self.will_detach else Attribute(0)
        interface = Interface(
            0, 0, ClassCode.APPLICATION, _FIRMWARE_UPGRADE, mode, string=4,
            extra=[functional_descriptor(attributes, _DETACH_MILLISECONDS, _TRANSFER_SIZE)],
        )  # fmt: skip
        identity = _RUNTIME_PRODUCT if mode == _RUNTIME else _LOADER_PRODUCT
        return Gadget(
            device=DeviceDescriptor(
                _VENDOR, identity, 0x0200, bcd_device=self.flash.version, manufacturer=1, product_string=2, serial=3
            ),
            configurations=(Configuration(1, [interface]),),
            strings=("wslusb emulator", product, self._serial, "Flash"),
            speed=Speed.FULL,
        )


class _Runtime(Firmware):
    """appIDLE and appDETACH (A.2.1, A.2.2)."""

    def __init__(self, device: Upgradable) -> None:
        self._device = device
        self._waiting: Timer | None = None

    def detached(self) -> None:
        self._waiting = None

    def reset(self) -> None:
        """A reset while a detach is due, if the device does not detach by itself."""
        if self._waiting is not None:
            self._device.enter(self)

    def control(self, setup: Setup, data: memoryview) -> Buffer | None:  # noqa: ARG002
        state = State.APP_IDLE if self._waiting is None else State.APP_DETACH
        request = setup.request_type, setup.request
        if request == (0x21, Request.DETACH):
            self._detach(setup.value)
            return b""
        if request == (0xA1, Request.GETSTATE):
            return bytes((state,))
        return status_reply(Status.OK, state) if request == (0xA1, Request.GETSTATUS) else None

    def _detach(self, milliseconds: int) -> None:
        if self._device.will_detach:
            self.after(_LEAVE_SECONDS, lambda: self._device.enter(self))
        else:
            self._waiting = self.after(min(milliseconds, _DETACH_MILLISECONDS) / 1000, self._stay)

    def _stay(self) -> None:
        self._waiting = None


def _make(options: Options) -> Model:
    size = options.size("size", 256 << 10) or 0
    try:
        flash = Flash(size, options.path("image"))
    except OSError as error:
        raise bad(f"image: {error.filename}: {error.strerror}") from error
    return Upgradable(
        flash, options.serial(f"DFU{options.number:04d}"), poll=options.integer("poll", 5, 0, 60_000) / 1000,
        tolerant=options.flag("tolerant"), detach=options.flag("detach", default=True),
    ).runtime()  # fmt: skip


KIND = Kind(
    name="dfu",
    summary="a device whose firmware can be upgraded (DFU 1.1)",
    make=_make,
    options={
        "serial": "serial number",
        "image": "a file that holds the firmware",
        "size": "of the flash, in bytes or with K, M (default 256K)",
        "poll": "milliseconds that writing a block takes (default 5)",
        "tolerant": "yes: answers after manifestation, and stays in DFU mode",
        "detach": "no: waits for a reset of its port after DETACH",
    },
    driver="none: dfu-util",
)
