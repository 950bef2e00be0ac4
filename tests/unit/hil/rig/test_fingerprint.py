"""Fingerprints: another firmware is another device, another port or copy is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.catalogue import parse_models
from hil.rig import fingerprint
from wslusb.usb.info import DeviceInfo

INFO = DeviceInfo(
    busid="1-2", vendor=1, product=2, device_descriptor=b"\x12\x01", configurations=(b"ab", b"c"), bos=b"d"
)  # fmt: skip


def of(kind: str) -> str:
    (model,) = parse_models(kind)
    return fingerprint.of(model.gadget.info("1-1"))


def test_the_serial_number_and_the_port_are_not_in_it() -> None:
    assert of("serial:serial=A") == of("serial:serial=B")
    assert fingerprint.of(replace(INFO, busid="1-3", port_path="x", serial="y", generation=7)) == fingerprint.of(INFO)


@pytest.mark.parametrize(
    "change",
    [
        {"device_descriptor": b"\x12\x02"},
        {"configurations": (b"a", b"bc")},
        {"configurations": (b"abc",)},
        {"configurations": (b"ab", b"c", b"d"), "bos": b""},
        {"bos": b"e"},
    ],
)
def test_a_changed_byte_or_a_moved_border_is_another(change: dict[str, object]) -> None:
    assert fingerprint.of(replace(INFO, **change)) != fingerprint.of(INFO)  # type: ignore[arg-type]


def test_it_is_what_rig_files_may_say() -> None:
    assert fingerprint.PATTERN.fullmatch(of("storage"))
