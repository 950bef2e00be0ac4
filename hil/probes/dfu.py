"""Device Firmware Upgrade 1.1 by class requests, without any tool: modes, states, and the firmware read back."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wslusb.device import sync
from wslusb.device.api import Device, DeviceProvider
from wslusb.device.registry import load_provider
from wslusb.errors import DeviceError
from wslusb.usb.descriptors import Configuration, Interface
from wslusb.usb.ids import ClassCode
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Status

from .opened import open_of

__all__ = ["run"]

_FUNCTIONAL = 0x21  # 4.1.3
_WILL_DETACH = 0x08
_LOADER = 2  # bInterfaceProtocol, 4.2.3
_OUT, _IN = 0x21, 0xA1
_DETACH, _UPLOAD, _GETSTATUS, _CLRSTATUS, _ABORT = 0, 2, 3, 4, 6
_ERROR = 10
_MOVE_SECONDS = 15.0
_POLL_SECONDS = 0.05


def run(target: str, busid: str, steps: Sequence[Sequence[Any]], alternate: int = 0) -> list[Any]:
    """What each step gives: a list of its name and its arguments. A device that comes back is found again."""
    with contextlib.closing(load_provider(target)) as provider:
        return [_STEPS[name](_Place(provider, busid, alternate), *arguments) for name, *arguments in steps]


@dataclass(slots=True, frozen=True)
class _Place:
    """Where the device is, in whichever mode."""

    provider: DeviceProvider
    busid: str
    alternate: int

    def interface(self) -> Interface | None:
        """Its DFU interface, in the setting that was asked for if it has that; None while it is away."""
        info = next((each for each in self.provider.devices() if each.busid == self.busid), None)
        found = [] if info is None else _interfaces(info)
        return next((each for each in found if each.alternate == self.alternate), found[0] if found else None)

    def left(self, mode: Interface) -> bool:
        """Wait until it is in this mode no more, or away; False if it stays."""
        deadline = time.monotonic() + _MOVE_SECONDS
        while (now := self.interface()) is not None and now.protocol == mode.protocol:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    @contextlib.contextmanager
    def opened(self, *, loader: bool) -> Iterator[_Upgrade]:
        """Open it; wait for the DFU mode, if that is wanted. DeviceError if it does not come."""
        deadline = time.monotonic() + _MOVE_SECONDS
        while (interface := self.interface()) is None or (loader and interface.protocol != _LOADER):
            if time.monotonic() > deadline:
                raise DeviceError(Status.GONE, f"{self.busid} is not in DFU mode")
            time.sleep(_POLL_SECONDS)
        with contextlib.closing(open_of(self.provider, self.busid)) as device:
            if interface.alternate:
                device.select_interface(interface.number, interface.alternate)
            yield _Upgrade(device, interface)


def _interfaces(info: DeviceInfo) -> list[Interface]:
    parts = (each.interfaces for each in Configuration.readable(info.configurations))
    wanted = ClassCode.APPLICATION, 1
    return [each for part in parts for each in part if (each.interface_class, each.subclass) == wanted]


@dataclass(slots=True, frozen=True)
class _Upgrade:
    """An open device, and its requests."""

    device: Device
    interface: Interface

    @property
    def functional(self) -> bytes:
        """The functional descriptor: attributes, detach time-out, transfer size, release."""
        return next((bytes(raw) for raw in self.interface.extra if raw[1] == _FUNCTIONAL), bytes(9))

    def ask(self, kind: int, request: int, value: int = 0, length: int = 0) -> sync.Result:
        """A class request to the interface."""
        return sync.control(self.device, Setup(kind, request, value, self.interface.number, length))

    def read(self, request: int, value: int, length: int) -> bytes:
        """DeviceError unless it succeeds."""
        result = self.ask(_IN, request, value, length)
        if result.status != Status.OK:
            raise DeviceError(result.status, f"DFU request {request} with value {value}")
        return result.data


def _state(place: _Place) -> dict[str, Any]:
    """Mode, functional descriptor, and the answer to GETSTATUS ("" if it refuses that)."""
    with place.opened(loader=False) as upgrade:
        status = upgrade.ask(_IN, _GETSTATUS, 0, 6).data
        mode = "dfu" if upgrade.interface.protocol == _LOADER else "runtime"
        return {"mode": mode, "functional": upgrade.functional.hex(), "status": status.hex()}


def _detach(place: _Place) -> None:
    """From runtime to DFU mode; back when it has left the bus. Nothing happens to a device in DFU mode."""
    with place.opened(loader=False) as upgrade:
        if upgrade.interface.protocol == _LOADER:
            return
        upgrade.ask(_OUT, _DETACH, int.from_bytes(upgrade.functional[3:5], "little"))
        if not upgrade.functional[2] & _WILL_DETACH:
            with contextlib.suppress(DeviceError):
                upgrade.device.reset()
        if not place.left(upgrade.interface):
            raise DeviceError(Status.TIMEOUT, f"{place.busid} has not left after DETACH")


def _upload(place: _Place, length: int | None) -> dict[str, Any]:
    """Size and SHA-256 of the firmware that it gives, or of its first ``length`` bytes; the state that it ends in."""
    with place.opened(loader=True) as upgrade:
        upgrade.ask(_OUT, _CLRSTATUS if upgrade.read(_GETSTATUS, 0, 6)[4] == _ERROR else _ABORT)
        block = int.from_bytes(upgrade.functional[5:7], "little")
        firmware, number = bytearray(), 0
        while True:
            part = upgrade.read(_UPLOAD, number & 0xFFFF, block)
            firmware += part
            number += 1
            if len(part) < block:
                break
        kept = bytes(firmware[:length])
        state = upgrade.read(_GETSTATUS, 0, 6)[4]
    return {"size": len(kept), "sha256": hashlib.sha256(kept).hexdigest(), "state": state}


def _leave(place: _Place) -> bool:
    """Out of DFU mode by a reset of the port (A.2.2), which ends with another device there; whether it has left."""
    with place.opened(loader=True) as upgrade:
        with contextlib.suppress(DeviceError):
            upgrade.read(_GETSTATUS, 0, 6)  # a reset before anything was said may be a part of the enumeration
            upgrade.device.reset()
        return place.left(upgrade.interface)


_STEPS: dict[str, Callable[..., Any]] = {"state": _state, "detach": _detach, "upload": _upload, "leave": _leave}
