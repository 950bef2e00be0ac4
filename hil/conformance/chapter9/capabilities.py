"""The binary object store (USB 3.2, 9.6.2): what the device can do at which speed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wslusb.errors import LocalError
from wslusb.usb.descriptors import split
from wslusb.usb.ids import DescriptorType

from ..case import Cases
from ..subject import Failed, NotApplicable, Subject, expect, get_descriptor
from .descriptors import broken, read_at_edges

__all__ = ["CASES"]

CASES = Cases()

_HEADER = 5
_FIRST_WITH_ONE = 0x0201
_USB2_EXTENSION, _SUPERSPEED, _CONTAINER_ID = 2, 3, 4


def store(subject: Subject) -> bytes:
    """The whole BOS. NotApplicable to a device that need not have one, and stalls the request."""
    old = subject.device_descriptor().bcd_usb < _FIRST_WITH_ONE
    if old and subject.stalls(get_descriptor(DescriptorType.BOS, _HEADER)):
        raise NotApplicable("bcdUSB is below 2.01, and the request is stalled")
    return subject.whole(DescriptorType.BOS)


def _capabilities(raw: bytes) -> list[bytes]:
    try:
        return list(split(raw[_HEADER:]))
    except LocalError as error:
        raise Failed(str(error)) from error


@CASES.case("USB 3.2, 9.6.2")
def binary_object_store(subject: Subject) -> str:
    """From bcdUSB 2.01 on there is one, with as many capabilities and bytes as its header says."""
    raw = store(subject)
    expect(len(raw) >= _HEADER, True, "a whole header")
    expect(raw[:2], bytes((_HEADER, DescriptorType.BOS)), "bLength and bDescriptorType")
    expect(len(raw), int.from_bytes(raw[2:4], "little"), "bytes by wTotalLength")
    found = _capabilities(raw)
    expect(len(found), raw[4], "capabilities by bNumDeviceCaps")
    read_at_edges(subject, DescriptorType.BOS, raw)
    return f"{len(found)} capabilities"


@CASES.case("USB 3.2, 9.6.2")
def device_capabilities(subject: Subject) -> None:
    """Each capability has its type's length and zeroes where they are reserved; SuperSpeed has both that it must."""
    found = _capabilities(store(subject))
    broken(problem for each in found for problem in _capability(each))
    kinds = {each[2] for each in found if len(each) > 2}
    missing = {_USB2_EXTENSION, _SUPERSPEED} - kinds if subject.is_super else set()
    if missing:
        raise Failed(f"a SuperSpeed device without capability {', '.join(map(str, sorted(missing)))}")


def _capability(raw: bytes) -> Iterator[str]:
    if len(raw) < 3 or raw[1] != DescriptorType.DEVICE_CAPABILITY:
        yield f"{raw.hex()} is no device capability"
    elif raw[2] in _SHAPES:
        size, reserved, what = _SHAPES[raw[2]]
        if len(raw) != size:
            yield f"the {what} capability has {len(raw)} bytes, not {size}"
        elif reserved(raw):
            yield f"the {what} capability has reserved bits set: {raw.hex()}"


_SHAPES: dict[int, tuple[int, Callable[[bytes], int], str]] = {
    _USB2_EXTENSION: (7, lambda raw: int.from_bytes(raw[3:7], "little") & ~0xFFFE, "USB 2.0 extension"),
    _SUPERSPEED: (10, lambda raw: raw[3] & ~2 | int.from_bytes(raw[4:6], "little") & ~0x0F, "SuperSpeed"),
    _CONTAINER_ID: (20, lambda raw: raw[3], "container id"),
}
"""By bDevCapabilityType: bytes, what picks the reserved bits out, name."""
