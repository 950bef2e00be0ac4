"""hil.conformance.chapter9: each case fails on a device that breaks its rule, and only there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.device import VirtualDevice
from emulator.devices.awkward import awkward_model
from emulator.devices.awkward_parts.variants import VARIANTS
from emulator.devices.loopback import LoopbackFirmware, loopback_gadget
from emulator.firmware import PASS, Deferred, InHandler, IsoHandler, OutHandler, Pass
from emulator.gadget import Place
from hil.conformance import chapter9, report
from hil.conformance.case import Outcome, run
from hil.conformance.subject import Subject
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer


class Liar(LoopbackFirmware):
    """A loopback that answers some requests in another way than it should."""

    def __init__(self, concerns: Callable[[Setup], bool], reply: Buffer | None) -> None:
        super().__init__()
        self._concerns = concerns
        self._reply = reply

    def override(self, setup: Setup, data: memoryview) -> Buffer | Deferred | Pass | None:  # noqa: ARG002
        return self._reply if self._concerns(setup) else PASS


def asked(request_type: int, request: int, value: int | None = None) -> Callable[[Setup], bool]:
    """Requests of that type and number, perhaps only those with a wValue."""

    def concerns(setup: Setup) -> bool:
        same = (setup.request_type, setup.request) == (request_type, request)
        return same and value in {None, setup.value}

    return concerns


def failing(device: VirtualDevice) -> set[str]:
    results = run(chapter9.CASES, Subject(device, seconds=0.3, repeats=2))
    assert results, "nothing has run"
    return set(report.failures(results))


def test_the_loopback_passes_and_most_cases_apply() -> None:
    results = run(chapter9.CASES, Subject(VirtualDevice(loopback_gadget(), LoopbackFirmware())))
    assert not report.failures(results)
    assert sum(result.outcome is Outcome.PASSED for result in results) >= 50


def test_names_are_unique_and_reasons_are_sentences() -> None:
    names = [case.name for case in chapter9.CASES]
    assert len(set(names)) == len(names)
    assert all(case.reason.endswith(".") and case.source for case in chapter9.CASES)


@pytest.mark.parametrize("how", [how for how in VARIANTS if how not in {"late", "mute"}])
def test_awkward_devices_fail_what_they_break_and_nothing_else(how: str) -> None:
    model = awkward_model(how)
    assert failing(VirtualDevice(model.gadget, model.firmware)) == set(VARIANTS[how].breaks)


@pytest.mark.parametrize(
    ("concerns", "reply", "expected"),
    [
        (asked(0x80, 8), b"\7", {"configurations one after the other", "no configuration"}),
        (asked(0x00, 9, 0), b"", {"no configuration"}),
        (asked(0x00, 9, 255), b"", {"configuration that does not exist"}),
        (asked(0x81, 10), b"\0", {"alternate settings"}),
        (asked(0x01, 11, 255), b"", {"alternate setting that does not exist"}),
        (asked(0x80, 0), b"\2\0", {"status of the device", "reset"}),
        (asked(0x81, 0), b"\1\0", {"status of interfaces"}),
        (asked(0x82, 0), b"\0\0", {"status of what is not there", "halted endpoints"}),
        (asked(0x02, 3), b"", {"halted endpoints", "halt of an endpoint that is not there"}),
        (asked(0x00, 3), b"", {"remote wakeup", "features that do not exist"}),
        (asked(0x80, 0xFE), b"x", {"unknown requests"}),
        (asked(0x80, 6, 0x0400), b"x", {"unknown descriptors"}),
        (asked(0x80, 6, 0x0202), b"x", {"configuration index beyond the last"}),
        (asked(0x80, 6, 0x0300), b"\2\3", {"languages"}),
        (asked(0x80, 6, 0x0600), b"x", {"device qualifier"}),
        (asked(0x80, 6, 0x0700), b"x", {"other speed configurations"}),
        (asked(0x80, 6, 0x0F00), b"\5\x0f\5\0\1", {"binary object store"}),
        (asked(0x80, 2), b"12345678", {"unknown requests", "stalls in a row"}),
        (asked(0x00, 48), b"", {"requests of usb 3 at lower speeds"}),
        (asked(0x80, 6, 0x03FF), b"\2\3", {"string index that no descriptor names"}),
    ],
)  # fmt: skip
def test_a_lie_is_found(concerns: Callable[[Setup], bool], reply: Buffer | None, expected: set[str]) -> None:
    found = failing(VirtualDevice(loopback_gadget(), Liar(concerns, reply)))
    assert expected <= found


def test_a_halt_that_does_not_end_is_found() -> None:
    class Stubborn(LoopbackFirmware):
        def endpoint(self, place: Place) -> InHandler | OutHandler | IsoHandler:
            handler = super().endpoint(place)
            if isinstance(handler, InHandler):
                handler.halt_cleared = lambda: handler.pipe.halt()  # type: ignore[method-assign]
            return handler

    assert "halted endpoints" in failing(VirtualDevice(loopback_gadget(), Stubborn()))


def test_a_device_that_leaves_ends_the_run() -> None:
    device = VirtualDevice(loopback_gadget(), LoopbackFirmware())
    device.unplug()
    subject = Subject(device)
    results = run(chapter9.CASES, subject)
    assert subject.gone
    assert [result.outcome for result in results] == [Outcome.FAILED]
