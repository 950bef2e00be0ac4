"""What is refused, and what a test may do."""

from __future__ import annotations

import pytest

from emulator.catalogue import parse_models
from hil.rig.model import DeviceEntry, Safety
from hil.rig.safety import Facts, may, refusal
from tests.support.rigs import info
from wslusb.usb.info import DeviceInfo

BOOT_KEYBOARD = (0x03, 0x01, 0x01)
NOTHING = Facts()


def of(kind: str) -> DeviceInfo:
    (model,) = parse_models(kind)
    return model.gadget.info("1-1")


def disk(*where: str) -> Facts:
    return Facts(disks={"1-1": where})


def test_what_a_machine_does_not_need_may_be_had() -> None:
    for kind in ("storage", "serial", "mouse", "audio", "ethernet", "loopback"):
        assert refusal(of(kind), Facts(disks={"1-2": ["/"]}, networks={"1-3": ["the default route"]})) is None


def test_a_hub_is_refused_by_its_device_or_its_interface() -> None:
    assert refusal(DeviceInfo(busid="1-1", vendor=1, product=2, device_class=9), NOTHING) == (
        "it is a hub: what is plugged into it would go with it; name those devices"
    )
    assert "a hub" in str(refusal(info((0x09, 0, 0)), NOTHING))


@pytest.mark.parametrize("device", [of("keyboard"), info((0x08, 6, 0x50), BOOT_KEYBOARD)])
def test_a_boot_keyboard_is_refused_even_as_a_part_of_something(device: DeviceInfo) -> None:
    assert refusal(device, NOTHING) == "it is a keyboard that a machine may be operated with"


def test_a_keyboard_is_allowed_by_its_word_on_a_virtual_host_alone() -> None:
    keyboard = of("keyboard")
    assert "allow = ['keyboard']" in str(refusal(keyboard, NOTHING, virtual=True))
    assert refusal(keyboard, NOTHING, ["keyboard"], virtual=True) is None
    assert refusal(keyboard, NOTHING, ["keyboard"], virtual=False) is not None
    assert refusal(keyboard, NOTHING, ["mounted"], virtual=True) is not None


@pytest.mark.parametrize("where", ["/", "/boot/efi", "/home", "swap", "/var/lib/docker", "/mediafiles"])
def test_a_disk_that_the_machine_runs_from_is_refused_whatever_is_allowed(where: str) -> None:
    why = refusal(of("storage"), disk("/media/me/stick", where), ["mounted", "keyboard"], virtual=True)
    assert why == f"it is a disk that this machine runs from: {where}"


@pytest.mark.parametrize("where", ["/media/me/STICK", "/run/media/me/STICK", "/mnt", "/mnt/x"])
def test_a_stick_that_is_mounted_is_refused_unless_that_is_allowed(where: str) -> None:
    why = str(refusal(of("storage"), disk(where)))
    assert why == f"it is mounted at {where}; unmount it, or allow = ['mounted'] to have it taken away"
    assert refusal(of("storage"), disk(where), ["mounted"]) is None


def test_many_mount_points_are_a_short_message() -> None:
    assert str(refusal(of("storage"), disk("/a", "/b", "/c", "/d"))).endswith("runs from: /a, /b, /c, ...")


def test_a_network_card_that_carries_something_is_refused() -> None:
    facts = Facts(networks={"1-1": ["the default route", "the SSH connection from 10.0.0.7"]})
    assert refusal(of("ethernet"), facts, ["keyboard", "mounted"], virtual=True) == (
        "it is a network card that carries the default route, the SSH connection from 10.0.0.7;"
        " let another card do that"
    )


READ, UNDO, DESTROY = Safety.READ_ONLY, Safety.REVERSIBLE, Safety.DESTRUCTIVE


@pytest.mark.parametrize("allowed", Safety)
@pytest.mark.parametrize("wanted", Safety)
@pytest.mark.parametrize("flags", [[], ["other"], ["stick"]])
def test_a_test_may_do_what_the_rig_allows_and_destroy_only_with_the_flag_that_names_the_device(
    allowed: Safety, wanted: Safety, flags: list[str]
) -> None:
    why = may(DeviceEntry(name="stick", safety=allowed), wanted, flags)
    assert (why is None) == (wanted <= allowed and (wanted != DESTROY or "stick" in flags))


def test_why_not_says_what_is_missing() -> None:
    assert may(DeviceEntry(name="stick", safety=UNDO), DESTROY, ["stick"]) == (
        "the rig file allows reversible tests of stick, and this one is destructive"
    )
    assert may(DeviceEntry(name="stick", safety=DESTROY), DESTROY, []) == (
        "it may destroy what is on stick: --destructive stick lets it"
    )
    assert may(DeviceEntry(name="stick", safety=READ), UNDO, []) is not None
