"""The descriptor parser: what a device, a guest's kernel and a capture's author may claim."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from emulator import device_provider
from emulator.catalogue import kinds
from tests.support import samples
from wslusb.errors import LocalError, PeerError
from wslusb.session.admission import check_device
from wslusb.usb.bos import split_bos
from wslusb.usb.descriptors import Configuration, DeviceDescriptor
from wslusb.usb.endpoints import EndpointMap
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup


def seeds() -> Iterator[bytes]:
    """The first byte says what the rest is: device, configuration, object store."""
    for gadget in samples.GADGETS:
        whole = samples.descriptors(gadget)
        yield b"\0" + whole[:18]
        yield b"\1" + whole[18:]
    for name in sorted(kinds()):
        with contextlib.suppress(LocalError):
            for info in device_provider(name).devices():
                yield b"\0" + info.device_descriptor
                yield from (b"\1" + each for each in info.configurations)
                yield b"\2" + info.bos


def run(data: bytes) -> None:
    """Nothing but LocalError, and packing gives back exactly what was read."""
    kind, rest = data[:1], data[1:]
    with contextlib.suppress(LocalError):
        if kind == b"\0":
            device = DeviceDescriptor.unpack(rest).pack()
            assert device[1:] == rest[1 : len(device)], "a bLength beyond the end is told as it is"
        elif kind == b"\1":
            _configuration(rest)
        else:
            assert sum(map(len, split_bos(rest))) <= len(rest)


def _configuration(raw: bytes) -> None:
    info = DeviceInfo(busid="9-1", vendor=1, product=2, configurations=(raw,), active_configuration=1)
    with contextlib.suppress(PeerError):
        check_device(info)
    endpoints = EndpointMap(info)
    for setup in (Setup(0, 9, 1, 0, 0), Setup(1, 11, 1, 0, 0), Setup(1, 11, 0xFFFF, 0xFFFF, 0)):
        endpoints.follow(setup)
    assert Configuration.unpack(raw, keep_rest=True).pack() == raw
    assert Configuration.unpack(raw).pack() == raw
