"""Cases 9, 10, 14 and 21: control requests one by one, queued, and writes that are read back."""

from __future__ import annotations

from collections.abc import Collection

from wslusb.usb.ids import DIR_IN, DescriptorType, Speed, TransferType
from wslusb.usb.setup import Recipient, Request, RequestType, Setup
from wslusb.usb.urb import Completion, Status, Urb

from .. import chapter9
from ..case import Cases
from ..subject import Failed, NotApplicable, Subject, expect, get_descriptor, named
from .pipes import PARAMETERS, source_and_sink
from .queue import Ring

__all__ = ["CASES"]

CASES = Cases()

_CHAPTER9 = (
    "alternate settings", "device descriptor", "configuration descriptors", "binary object store",
    "device capabilities", "device qualifier", "other speed configurations", "status of the device",
    "status of interfaces",
)  # fmt: skip
_WRITE, _READ = 0x5B, 0x5C
_OK = frozenset({Status.OK})
_MAY_STALL = frozenset({Status.OK, Status.STALL})
_STALL = frozenset({Status.STALL})
_SHORT = frozenset({Status.SHORT})
_BOS_HEADER, _FIRST_WITH_BOS = 5, 0x0201


@CASES.case("usbtest", "9")
def chapter_9(subject: Subject) -> None:
    """Chapter-9 requests that every device must know, one by one."""
    for _ in range(PARAMETERS.iterations):
        for case in chapter9.CASES:
            if case.name in _CHAPTER9:
                try:
                    case.run(subject)
                except NotApplicable:
                    continue
                except Failed as failure:
                    raise Failed(f"{case.name}: {failure}") from failure


@CASES.case("usbtest", "10")
def control_queue(subject: Subject) -> None:
    """Control requests queued 16 deep, with stalls and short reads among them: all in order, each as expected."""
    wanted = _requests(subject)
    urbs = [
        Urb(number, setup.request_type & DIR_IN, TransferType.CONTROL, setup.length, 0, b"", setup)
        for number, (setup, _) in enumerate(wanted)
    ]

    def check(completion: Completion) -> str:
        setup, allowed = wanted[completion.urb.sequence]
        names = " or ".join(status.name for status in sorted(allowed))
        seen = Status(completion.status)
        return "" if seen in allowed else f"{seen.name} where {names} is due, for queued {named(setup)}"

    Ring(subject, urbs, len(urbs) * PARAMETERS.iterations, check).run()


def _requests(subject: Subject) -> list[tuple[Setup, Collection[Status]]]:
    """The queue, and what each request may come to. No URB allows a short read."""
    device = subject.device_descriptor()
    zero = 512 if subject.is_super else device.max_packet_size0
    configuration, device_type = DescriptorType.CONFIGURATION, DescriptorType.DEVICE
    status = {recipient: Setup(DIR_IN | recipient, Request.GET_STATUS, 0, 0, 2) for recipient in list(Recipient)[:3]}
    store = subject.device.info.bos
    return [
        (get_descriptor(device_type, 18), _OK),
        (get_descriptor(configuration, 9), _OK),
        (Setup(DIR_IN | Recipient.INTERFACE, Request.GET_INTERFACE, 0, 0, 1), _MAY_STALL),
        (status[Recipient.INTERFACE], _OK),
        (status[Recipient.DEVICE], _OK),
        (get_descriptor(DescriptorType.DEVICE_QUALIFIER, 10), _OK if subject.speed == Speed.HIGH else _MAY_STALL),
        (get_descriptor(configuration, 18), _OK),
        (get_descriptor(DescriptorType.INTERFACE, 9), _STALL),
        (Setup(Recipient.ENDPOINT, Request.CLEAR_FEATURE, 0, 0, 0), _MAY_STALL),
        (status[Recipient.ENDPOINT], _OK),
        (get_descriptor(configuration, 4000), _SHORT),
        (get_descriptor(DescriptorType.ENDPOINT, 9), _MAY_STALL),
        (get_descriptor(DescriptorType.STRING, 9), {Status.OK, Status.SHORT, Status.STALL}),
        (get_descriptor(configuration, 4000 - zero), _SHORT),
        (get_descriptor(device_type, {8: 24, 16: 32}.get(zero, zero)), _SHORT),
        (
            get_descriptor(DescriptorType.BOS, len(store) or _BOS_HEADER),
            _STALL if device.bcd_usb < _FIRST_WITH_BOS else _OK,
        ),
    ]


@CASES.case("usbtest", "14")
def control_writes(subject: Subject) -> None:
    """Vendor requests that write up to 512 bytes, which another reads back."""
    _write_and_read_back(subject, offset=0)


@CASES.case("usbtest", "21")
def control_writes_from_odd_address(subject: Subject) -> None:
    """The same, from an odd address."""
    _write_and_read_back(subject, offset=1)


def _write_and_read_back(subject: Subject, offset: int) -> None:
    source_and_sink(subject)
    for number in range(PARAMETERS.iterations):
        size = PARAMETERS.vary * (number + 1) // PARAMETERS.iterations
        data = bytes(number + at & 0xFF for at in range(size))
        buffer = memoryview(bytes(offset) + data)[offset:]
        subject.write(Setup(RequestType.VENDOR, _WRITE, 0, 0, size), buffer)
        expect(subject.read(Setup(DIR_IN | RequestType.VENDOR, _READ, 0, 0, size)), data, "what was read back")
