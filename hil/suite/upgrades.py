"""Devices with the trait ``dfu`` in the guest: into DFU mode, another device at the same port, and out of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from hil.errors import RigError
from hil.live.device import LIBUSB, LiveDevice
from hil.live.side import Side
from hil.waiting import poll

__all__ = ["alternate_of", "as_it_was", "download", "loader", "steps"]

_MOVE_SECONDS = 30.0
_TOOL_SECONDS = 300.0
_RESET_ERROR = 74
"""How dfu-util ends when the device that it has reset is another one then: all has been said and done by that time."""


def alternate_of(device: LiveDevice) -> int:
    """The alternate setting that the rig file names."""
    return int(device.entry.options.get("dfu", {}).get("alternate", 0))


def steps(side: Side, device: LiveDevice, *words: list[Any]) -> list[Any]:
    """Steps of :mod:`hil.probes.dfu`; what each gives."""
    found: list[Any] = side.probe("dfu", 180.0, steps=words, alternate=alternate_of(device))
    return found


def download(side: Side, device: LiveDevice, path: str) -> None:
    """Have dfu-util write a file of the guest into the device. AssertionError if it fails."""
    command = f"dfu-util --path {side.busid} --alt {alternate_of(device)} --reset --download {path}"
    said = side.place.run(command, timeout=_TOOL_SECONDS, check=False)
    assert said.returncode in (0, _RESET_ERROR), f"{command}: {said.output.strip()[-600:]}"


@contextlib.contextmanager
def as_it_was(device: LiveDevice) -> Iterator[None]:
    """A virtual device is a new one afterwards, as it is for who opens it in process: a service makes its own.

    Real hardware keeps the firmware of the rig file, which is the one that it is to have.
    """
    try:
        yield
    finally:
        if device.is_virtual:
            device.detach()
            device.rig.daemons.stop()


def _at(device: LiveDevice, busid: str) -> str:
    """The VID:PID of what is in a port of the host; empty for nothing."""
    daemons = device.rig.daemons
    listed = daemons.json(daemons.host, "list")["devices"]
    return next((str(each["hardware_id"]) for each in listed if each["busid"] == busid), "")


@contextlib.contextmanager
def loader(device: LiveDevice) -> Iterator[Side]:
    """The device in DFU mode in the guest: what comes back after DETACH is shared and attached anew.

    Afterwards it is what it was: by a reset, or its power where that does not do.
    """
    daemons, runtime = device.rig.daemons, device.passthrough()
    busid = device.info().busid
    before = _at(device, busid)
    if steps(runtime, device, ["state"])[0]["mode"] == "dfu":
        yield runtime
        return
    steps(runtime, device, ["detach"])
    side = None
    try:
        poll(lambda: _at(device, busid) not in ("", before), _MOVE_SECONDS, f"{device.name} is back in DFU mode")
        poll(lambda: runtime.busid not in device.rig.in_guest(), _MOVE_SECONDS, "the guest has let the old device go")
        daemons.cli(daemons.host, "bind", busid)
        there = device.rig.in_guest()
        daemons.attach(busid)
        (new,) = device.rig.in_guest() - there
        side = Side("passthrough", daemons.guest, LIBUSB, new, daemons, ())
        yield side
    finally:
        _back(device, side, busid, before)


def _back(device: LiveDevice, side: Side | None, busid: str, before: str) -> None:
    """Out of DFU mode, if it is still in it, and out of the guest."""
    if side is not None and side.busid in device.rig.in_guest() and _at(device, busid) != before:
        steps(side, device, ["leave"])
    try:
        poll(lambda: _at(device, busid) == before, _MOVE_SECONDS, f"{device.name} is out of DFU mode")
    except AssertionError as error:
        try:
            device.power_cycle()
        except RigError:
            raise error from None
    if side is not None and side.busid in device.rig.in_guest():
        device.rig.daemons.detach(busid)
    device.detach()
