"""What ``wslusb describe`` writes is read back byte for byte: the whole catalogue, and what only some devices have."""

from __future__ import annotations

import pytest

from emulator.catalogue import kinds
from emulator.device import VirtualDevice
from emulator.devices.awkward_parts.variants import VARIANTS
from emulator.firmware import Firmware
from emulator.model import Model
from emulator.options import Options
from emulator.scenario import reads
from emulator.scenario.gadget import WrittenGadget
from wslusb.device.clock import VirtualClock
from wslusb.device.describe import describe
from wslusb.device.describe_open import asking
from wslusb.device.describe_text import to_toml
from wslusb.errors import DeviceError
from wslusb.usb.descriptors import Configuration, DeviceDescriptor
from wslusb.usb.ids import Speed
from wslusb.usb.setup import Setup

KINDS = [0x01, 0x02, 0x06, 0x07, 0x0F]
LANGUAGES = [0, 0x0407, 0x0409]


def opened(model: Model) -> VirtualDevice:
    return VirtualDevice(model.gadget, model.firmware, clock=VirtualClock())


def says(device: VirtualDevice) -> dict[str, bytes | None]:
    """All that chapter 9 lets a host ask about descriptors; None where the device stalls."""
    ask = asking(device)
    found: dict[str, bytes | None] = {}
    setups = [Setup(0x80, 6, kind << 8 | index, 0, 0x0FFF) for kind in KINDS for index in range(4)]
    setups += [Setup(0x80, 6, 0x0300 | index, language, 255) for index in range(256) for language in LANGUAGES]
    setups += [Setup(0x81, 6, 0x2200, interface, 0x0FFF) for interface in range(8)]
    for setup in setups:
        try:
            found[str(setup)] = ask(setup)
        except DeviceError:
            found[str(setup)] = None
    return found


def described(device: VirtualDevice) -> str:
    return to_toml(describe(device.info, asking(device)))


@pytest.mark.parametrize("name", kinds())
def test_every_device_of_the_catalogue_is_read_back_byte_for_byte(name: str) -> None:
    device = opened(kinds()[name].make(Options()))
    again = opened(reads(described(device)).model())
    assert says(again) == says(device)
    assert again.info == device.info


@pytest.mark.parametrize("how", [how for how in VARIANTS if how != "too-late"])  # that one takes 5 s to say nothing
def test_devices_that_break_rules_are_described_too(how: str) -> None:
    model = kinds()["awkward"].make(Options({"how": how}))
    device = VirtualDevice(model.gadget, model.firmware)
    again = opened(reads(described(device)).model())
    assert again.info.device_descriptor == device.info.device_descriptor
    assert again.info.configurations == device.info.configurations


def gadget(**changes: object) -> WrittenGadget:
    fields: dict[str, object] = {
        "device": DeviceDescriptor(
            0x1209, 1, 0x0210, manufacturer=1, product_string=2, serial=9, configuration_count=7
        ),
        "configurations": (
            Configuration.unpack(bytes.fromhex("09021200010100803209040000000000000e00"), keep_rest=True),
        ),
        "texts": {(0, 0): b"\x06\x03\x09\x04\x07\x04", (0x409, 1): b"\x06\x03a\0b\0", (0x407, 1): b"\x04\x03\xe4\0"},
        "speed": Speed.FULL,
        "bos": bytes.fromhex("050f0c00010710020600000000"),
    }
    return WrittenGadget(**{**fields, **changes})  # type: ignore[arg-type]


ENGLISH_ONLY = {(0, 0): b"\x04\x03\x09\x04"}
ODD = {
    "two languages, one string missing": gadget(),
    "a string that is no text": gadget(texts={**ENGLISH_ONLY, (0x409, 1): b"\x05\x03a\0\xd8", (0x409, 2): b"\xff"}),
    "half a surrogate pair": gadget(texts={**ENGLISH_ONLY, (0x409, 1): b"\x04\x03\x00\xd8"}),
    "a text with quotes, lines and controls": gadget(
        texts={**ENGLISH_ONLY, (0x409, 1): b"\x0e\x03" + '"\\\n\x01\x7f\u2028'.encode("utf-16-le")}
    ),
    "a list of languages that is odd": gadget(texts={(0, 0): b"\x05\x03\x09\x04\x07", (0x409, 1): b"\x04\x03a\0"}),
    "an OS string descriptor": gadget(texts={**ENGLISH_ONLY, (0, 0xEE): b"\x12\x03M\0S\0F\0T\x001\x000\x000\x00 \0"}),
    "a qualifier at full speed": gadget(
        device_qualifier=bytes.fromhex("0a060002000000400100"), other_speeds=(bytes.fromhex("09070900010100c032"),)
    ),
    "high speed without a qualifier": gadget(speed=Speed.HIGH, device_qualifier=b"", other_speeds=()),
    "no strings, no BOS": gadget(texts={}, bos=b""),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_devices_are_read_back_byte_for_byte(name: str) -> None:
    device = opened(Model(ODD[name], Firmware()))
    again = opened(reads(described(device)).model())
    assert says(again) == says(device)


def test_what_a_device_does_not_give_is_said_and_not_made_up() -> None:
    text = described(opened(Model(gadget(), Firmware())))
    assert "# - string 9 of language 0x0409: the device stalls the request" in text.splitlines()
    assert "\n9 = " not in text


def test_a_bos_that_should_be_there_and_is_not_is_noted() -> None:
    assert "# - the binary object store: the device stalls the request" in described(
        opened(Model(gadget(bos=b""), Firmware()))
    )
