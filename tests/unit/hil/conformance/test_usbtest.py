"""hil.conformance.usbtest: the loopback passes, and a device that loses or spoils something does not."""

from __future__ import annotations

import pytest

from emulator.device import VirtualDevice
from emulator.devices.loopback import LoopbackFirmware, loopback_gadget
from emulator.devices.storage import storage_gadget
from hil.conformance import report, usbtest
from hil.conformance.case import Outcome, Result, run
from hil.conformance.subject import Subject
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import RequestType
from wslusb.usb.urb import Completion, Done, Status, Urb, UrbFlag

IN_USER_SPACE = {"18", "19", "20", "23"}
"""Numbers of the cases that a program cannot make."""


def results_of(device: VirtualDevice, *numbers: str) -> list[Result]:
    cases = [case for case in usbtest.CASES if not numbers or case.name.split()[0] in numbers]
    return run(cases, Subject(device, seconds=0.3))


def test_there_is_a_case_for_each_of_usbtest() -> None:
    assert [int(case.name.split()[0]) for case in usbtest.CASES] == list(range(1, 30))


def test_the_loopback_passes_every_case_that_a_program_can_make() -> None:
    results = results_of(VirtualDevice(loopback_gadget(), LoopbackFirmware()))
    left = {result.case.name.split()[0] for result in results if result.outcome is Outcome.NOT_APPLICABLE}
    assert not report.failures(results)
    assert left == IN_USER_SPACE


def test_on_other_devices_only_control_requests_are_tried() -> None:
    results = results_of(VirtualDevice(storage_gadget()))
    assert [r.case.name.split()[0] for r in results if r.outcome is Outcome.PASSED] == ["9", "10"]
    assert not report.failures(results)


class Spoiled(VirtualDevice):
    """Something happens to a completion of the loopback on its way, unless it answers a chapter-9 question."""

    def __init__(self, what: str) -> None:
        super().__init__(loopback_gadget(), LoopbackFirmware())
        self._what = what
        self._kept: list[tuple[Done, Completion]] = []

    def submit(self, urb: Urb, done: Done) -> None:
        def spoiled(completion: Completion) -> None:
            getattr(self, self._what)(done, completion)

        asking = urb.setup is not None and urb.setup.kind != RequestType.VENDOR and urb.flags & UrbFlag.SHORT_OK
        super().submit(urb, done if asking else spoiled)

    def short(self, done: Done, completion: Completion) -> None:
        completion.actual_length = max(0, completion.actual_length - 1)
        completion.data = bytes(completion.data)[: completion.actual_length]
        done(completion)

    def spoilt(self, done: Done, completion: Completion) -> None:
        if completion.data:
            completion.data = b"\1" + bytes(completion.data)[1:]
        done(completion)

    def swapped(self, done: Done, completion: Completion) -> None:
        self._kept.append((done, completion))
        if len(self._kept) == 2:
            for kept_done, kept in reversed(self._kept):
                kept_done(kept)
            self._kept.clear()

    def broken(self, done: Done, completion: Completion) -> None:
        completion.status = Status.PROTOCOL
        done(completion)


@pytest.mark.parametrize(
    ("what", "numbers"),
    [
        ("short", ("1", "2", "5", "17", "25", "26")),
        ("spoilt", ("2", "4", "13", "21", "26")),
        ("broken", ("1", "5", "10", "15", "16", "22", "24", "27", "28", "29")),
    ],
)
def test_what_goes_wrong_is_found(what: str, numbers: tuple[str, ...]) -> None:
    results = results_of(Spoiled(what), *numbers)
    assert {result.outcome for result in results} == {Outcome.FAILED}
    assert len(results) == len(numbers)


def test_a_list_that_completes_in_another_order_is_found() -> None:
    assert "overtook" in results_of(Spoiled("swapped"), "10")[0].seen


def test_a_urb_that_is_given_back_twice_is_found() -> None:
    class Twice(VirtualDevice):
        def submit(self, urb: Urb, done: Done) -> None:
            def both(completion: Completion) -> None:
                done(completion)
                if completion.urb.transfer == TransferType.BULK:
                    done(completion)

            super().submit(urb, both)

    results = results_of(Twice(loopback_gadget(), LoopbackFirmware()), "24")
    assert results[0].outcome is Outcome.FAILED
