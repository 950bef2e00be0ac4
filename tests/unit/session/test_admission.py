"""wslusb.session.admission: as much as a device may have, and one more."""

from __future__ import annotations

import pytest

from wslusb.errors import PeerError, PeerReason
from wslusb.session.admission import check_device
from wslusb.usb.descriptors import Configuration, Endpoint, Interface
from wslusb.usb.info import DeviceInfo
from wslusb.wire import limits


def info(*configurations: bytes, bos: bytes = b"") -> DeviceInfo:
    return DeviceInfo(busid="1-1", vendor=1, product=2, configurations=configurations, bos=bos)


def with_interfaces(count: int) -> bytes:
    return Configuration(1, [Interface(number) for number in range(count)]).pack()


def with_endpoints(count: int) -> bytes:
    """An interface for each eight."""
    made = [Endpoint(number, 2, 64) for number in range(1, count + 1)]
    return Configuration(1, [Interface(at // 8, endpoints=made[at : at + 8]) for at in range(0, count, 8)]).pack()


def settings_of_one_endpoint(count: int) -> bytes:
    return Configuration(1, [Interface(0, number, endpoints=[Endpoint(0x81, 1, 64)]) for number in range(count)]).pack()


@pytest.mark.parametrize(
    "sound",
    [
        info(),
        info(with_interfaces(limits.INTERFACES)),
        info(with_endpoints(limits.ENDPOINTS)),
        info(settings_of_one_endpoint(100)),
        info(*[with_interfaces(1)] * limits.CONFIGURATIONS),
        info(bos=bytes(limits.DESCRIPTORS)),
        info(b"\x09\x02\xff\xff", b"", b"\x00"),
    ],
)
def test_what_may_be(sound: DeviceInfo) -> None:
    check_device(sound)


@pytest.mark.parametrize(
    "excessive",
    [
        info(with_interfaces(limits.INTERFACES + 1)),
        info(with_endpoints(limits.ENDPOINTS + 1)),
        info(with_interfaces(1), with_interfaces(limits.INTERFACES + 1)),
        info(*[with_interfaces(1)] * (limits.CONFIGURATIONS + 1)),
        info(bos=bytes(limits.DESCRIPTORS + 1)),
        info(b"\0" * limits.DESCRIPTORS, b"\0"),
    ],
)
def test_what_may_not(excessive: DeviceInfo) -> None:
    with pytest.raises(PeerError, match="1-1 has") as caught:
        check_device(excessive)
    assert caught.value.reason is PeerReason.LIMIT
