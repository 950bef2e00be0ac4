"""SCSI commands to a stick by Bulk-Only Transport, past any driver: what it answers, and how it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hil.clients.bulk_only import REQUEST_SENSE, Stick
from wslusb.device import sync
from wslusb.device.api import Device
from wslusb.errors import DeviceError
from wslusb.usb.descriptors import Configuration, Interface
from wslusb.usb.ids import ClassCode, TransferType, is_in
from wslusb.usb.urb import Buffer, Status, Urb, UrbFlag

from .opened import opened

__all__ = ["run"]

_PROTOCOL = 0x50  # Bulk-Only Transport 1.0, 4.3
_SECONDS = 10.0
_SENSE = bytes([REQUEST_SENSE, 0, 0, 0, 18, 0])


def run(target: str, busid: str, commands: Sequence[Sequence[Any]]) -> list[dict[str, Any]] | None:
    """``commands``: [command block in hexadecimal, bytes to read]. None if the device does not speak Bulk-Only.

    Each answer: ``passed``, ``data`` in hexadecimal, and ``sense`` of one that failed: key, code, qualifier.
    """
    with opened(target, busid) as device:
        interface = _interface(device)
        if interface is None:
            return None
        if interface.alternate:
            device.select_interface(interface.number, interface.alternate)
        stick = _stick(device, interface)
        stick.wait_ready()
        return [_answer(stick, bytes.fromhex(command), length) for command, length in commands]


def _interface(device: Device) -> Interface | None:
    configurations = Configuration.readable(device.info.configurations)
    interfaces = (interface for each in configurations[:1] for interface in each.interfaces)
    wanted = ClassCode.MASS_STORAGE, _PROTOCOL
    return next((each for each in interfaces if (each.interface_class, each.protocol) == wanted), None)


def _stick(device: Device, interface: Interface) -> Stick:
    bulk = [each.address for each in interface.endpoints if each.transfer == TransferType.BULK]
    source = next(address for address in bulk if is_in(address))
    sink = next(address for address in bulk if not is_in(address))

    def move(endpoint: int, length: int, data: Buffer = b"") -> bytes:
        urb = Urb(0, endpoint, TransferType.BULK, length, UrbFlag.SHORT_OK, data)
        result = sync.transfer(device, urb, _SECONDS)
        if result.status == Status.STALL:
            device.clear_halt(endpoint)  # 5.3.3 and figure 2: the status comes behind the halt
        elif result.status != Status.OK:
            raise DeviceError(result.status, f"bulk transfer of {length} bytes on endpoint {endpoint:#04x}")
        return result.data

    def receive(length: int) -> bytes:
        data = move(source, length)
        is_status = length == 13
        return data or move(source, length) if is_status else data

    return Stick(lambda data: move(sink, len(data), data), receive)


def _answer(stick: Stick, command: bytes, length: int) -> dict[str, Any]:
    passed, data = stick.ask(command, length)
    if passed:
        return {"passed": True, "data": data.hex()}
    _, sense = stick.ask(_SENSE, 18)
    return {"passed": False, "data": data.hex(), "sense": [sense[2] & 0xF, sense[12], sense[13]]}
