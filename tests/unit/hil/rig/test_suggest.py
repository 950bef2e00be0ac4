"""Suggested rig files: valid, unique, careful."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.catalogue import kinds
from hil.rig import fingerprint
from hil.rig.matching import find
from hil.rig.model import Match, Rig, Safety
from hil.rig.reading import reads_rig
from hil.rig.safety import Facts
from hil.rig.suggest import Source, sources, suggest
from tests.support.rigs import info
from wslusb.device.registry import load_provider
from wslusb.usb.info import DeviceInfo

STICK = replace(
    info((0x08, 0x06, 0x50), vendor=0x0951, product=0x1666), busid="1-2", serial="60A4", port_path="pci-usbv2-2",
    product_name="DataTraveler 3.0", manufacturer="Kingston",
)  # fmt: skip
BOARD = replace(info((0xFF, 0, 0), vendor=0x1A86, product=0x7523), busid="1-4.3", port_path="pci-usbv2-4.3")


def rig(text: str) -> Rig:
    return reads_rig(text, Path("suggested.toml"))


def suggested(*infos: DeviceInfo, facts: Facts = Facts()) -> str:  # noqa: B008 - it is frozen
    return suggest(infos, facts, "bench")


def test_a_real_device_as_a_whole() -> None:
    assert (
        suggested(STICK)
        == f"""\
# What is plugged in, as 'python -m hil suggest' saw it. docs/hil-rig.md has every key.

[rig]
name = "bench"

[host]
kind = "local"

[guest]                 # whose kernel gets the devices
kind = "local"

# 1-2: Kingston DataTraveler 3.0 (0951:1666)
[device.datatraveler-3-0]
vid = 0x0951
pid = 0x1666
serial = "60A4"
traits = ["storage"]
safety = "read-only"   # or "reversible", or "destructive", which needs --destructive datatraveler-3-0, too
fingerprint = "{fingerprint.of(STICK)}"
# power = {{ kind = "uhubctl", location = "1", port = 2 }}   # if 'uhubctl' lists that hub
# storage = {{ start = "1M", size = "16M" }}   # where destructive tests may write
# limits = {{ latency = 3.0, throughput = 0.4 }}   # passthrough to native: at most, at least
"""
    )


def test_a_suggestion_allows_nothing_but_reading() -> None:
    entries = rig(suggested(STICK, BOARD)).devices
    assert [(each.safety, each.power.kind, each.allow) for each in entries] == [
        (Safety.READ_ONLY, "none", frozenset())
    ] * 2


def test_a_device_without_a_serial_is_known_by_its_port_path_which_outlives_a_reboot() -> None:
    (entry,) = rig(suggested(BOARD)).devices
    assert entry.match == Match(0x1A86, 0x7523, port="pci-usbv2-4.3")
    assert 'port = "pci-usbv2-4.3"   # 1-4.3 now' in suggested(BOARD)


def test_twins_with_one_serial_are_told_apart_by_their_ports() -> None:
    twins = [STICK, replace(STICK, busid="1-3", port_path="pci-usbv2-3")]
    found = rig(suggested(*twins)).devices
    assert [each.match.port for each in found] == ["pci-usbv2-2", "pci-usbv2-3"]
    assert [find(each, twins) for each in found] == twins
    assert [each.name for each in found] == ["datatraveler-3-0", "datatraveler-3-0-2"]


def test_what_is_refused_is_a_comment_with_the_reason() -> None:
    keyboard = replace(info((3, 1, 1)), busid="1-7", product_name="Keys")
    text = suggested(keyboard, STICK, facts=Facts(disks={"1-2": ["/"]}))
    assert rig(text).devices == ()
    assert "# 1-7: Keys (0001:0002)\n# is left out: it is a keyboard that a machine may be operated with.\n" in text
    assert "# is left out: it is a disk that this machine runs from: /.\n" in text
    assert "There is no device that tests may have" in text


@pytest.mark.parametrize("busid", ["1-2", "2-1.4.3"])
def test_the_hint_for_power_can_be_used_as_it_stands(busid: str) -> None:
    device = replace(BOARD, busid=busid)
    (entry,) = rig(suggested(device).replace("# power", "power")).devices
    hub, port = {"1-2": ("1", 2), "2-1.4.3": ("2-1.4", 3)}[busid]
    assert dict(entry.power.options) == {"location": hub, "port": port}


@pytest.mark.parametrize("text", ['"; rm -rf\n[host]', "\x1b[31m\x7f\u2028", "'''\\", "\N{SNOWMAN} \U0001f50c", "   "])
def test_whatever_a_device_calls_itself_the_file_is_valid(text: str) -> None:
    device = replace(STICK, product_name=text, manufacturer=text, serial=text)
    (entry,) = rig(suggested(device)).devices
    assert find(entry, [device]) is device
    assert entry.match.serial == (text if text.strip() else "")


def test_a_suggestion_for_the_whole_catalogue_of_the_emulator_reads_and_matches() -> None:
    provider = f"emulator:{','.join(kinds())},storage:size=64M,serial=S"
    with contextlib.closing(load_provider(provider)) as devices:
        infos = list(devices.devices())
    found = rig(suggest(infos, Facts(), "all", sources(provider)))
    assert (found.host.kind, found.guest.kind) == ("emulated", "uml")
    assert [find(each, infos) for each in found.devices] == infos
    assert [fingerprint.of(each) for each in infos] == [each.fingerprint for each in found.devices]
    assert [each.source for each in found.devices] == [*kinds(), "storage:size=64M,serial=S"]
    assert next(each for each in found.devices if each.source == "keyboard").allow == {"keyboard"}


def test_nothing_plugged_in_is_a_valid_file_that_says_so() -> None:
    assert rig(suggested()).devices == ()
    assert "There is no device" in suggested()


@pytest.mark.parametrize(
    ("provider", "source"),
    [
        ("libusb", Source()),
        ("replay:a.pcapng,port=1-2", Source("replay", ["a.pcapng,port=1-2"])),
        ("emulator:serial:serial=a,lines=loop,storage", Source("emulated", ["serial:serial=a,lines=loop", "storage"])),
    ],
)
def test_where_devices_come_from_makes_the_host(provider: str, source: Source) -> None:
    assert sources(provider) == source
