"""emulator.rawgadget.ioctls: numbers and structures as a C compiler lays them out from the kernel's header."""

from __future__ import annotations

import pytest

from emulator.rawgadget import ioctls
from emulator.rawgadget.ioctls import Call
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import Speed, TransferType


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (Call.INIT, 0x41015500), (Call.RUN, 0x5501), (Call.EVENT_FETCH, 0x80085502), (Call.EP0_WRITE, 0x40085503),
        (Call.EP0_READ, 0xC0085504), (Call.EP_ENABLE, 0x40095505), (Call.EP_DISABLE, 0x40045506),
        (Call.EP_WRITE, 0x40085507), (Call.EP_READ, 0xC0085508), (Call.CONFIGURE, 0x5509), (Call.VBUS_DRAW, 0x4004550A),
        (Call.EP0_STALL, 0x550C), (Call.EP_SET_HALT, 0x4004550D), (Call.EP_CLEAR_HALT, 0x4004550E),
    ],
)  # fmt: skip
def test_numbers(call: Call, number: int) -> None:
    assert call == number


def test_init() -> None:
    raw = ioctls.init("dummy_udc", "dummy_udc.0", Speed.SUPER)
    assert len(raw) == 257
    assert (raw[:10], raw[128:140], raw[256]) == (b"dummy_udc\0", b"dummy_udc.0\0", 5)
    with pytest.raises(ValueError, match="127 bytes"):
        ioctls.init("x" * 128, "y", Speed.HIGH)


def test_enable() -> None:
    assert ioctls.enable(Endpoint(0x81, TransferType.BULK, 512, 3)) == bytes((7, 5, 0x81, 2, 0, 2, 3, 0, 0))
