"""wslusb.usb.bos: the bytes of each capability as the specification draws them, and stores that are no store."""

from __future__ import annotations

import uuid

import pytest

from wslusb.errors import LocalError
from wslusb.usb.bos import bos, container_id, ms_os_20_platform, split_bos, superspeed, usb_2_0_extension

IDENTITY = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")


def test_capabilities_are_those_of_the_specification() -> None:
    assert usb_2_0_extension() == bytes.fromhex("07100202000000")
    assert superspeed(ltm=True) == bytes.fromhex("0a100302 0e00 01 0a ff01")
    assert superspeed(speeds=0x08, lowest=3, u1_exit=1, u2_exit=2) == bytes.fromhex("0a100300 0800 03 01 0200")
    assert container_id(IDENTITY) == bytes.fromhex("14100400 33221100 5544 7766 8899 aabbccddeeff")
    assert ms_os_20_platform(0xB2, 1) == bytes.fromhex(
        "1c100500 df60ddd8 8945 c74c 9cd2 659d9e648a9f 00000306 b200 01 00"
    )


def test_a_store_there_and_back() -> None:
    store = bos(usb_2_0_extension(), superspeed())
    assert store[:5] == bytes((5, 15, 22, 0, 2))
    assert split_bos(store) == [usb_2_0_extension(), superspeed()]
    assert split_bos(b"") == []
    assert bos(*split_bos(store)) == store


@pytest.mark.parametrize(
    "raw", ["04", "050f060000", "050f050001", "060f05000000", "050e050000", "050f07000102ff", "050f080001031002ff"]
)
def test_what_is_no_store(raw: str) -> None:
    with pytest.raises(LocalError):
        split_bos(bytes.fromhex(raw))
