"""Enumeration on a made sysfs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.system.sysfs import Tree, configuration
from wslusb.system.linux_sysfs import driver_of, natural, read_device, read_devices
from wslusb.usb.ids import ClassCode, Speed


def test_everything_that_sysfs_knows(tree: Tree) -> None:
    folder = tree.add(
        "1-4.2", 17, configurations=(configuration(1, 2), configuration(3)), drivers={0: "cdc_acm", 1: ""},
        manufacturer="Müller", product="Ding", serial="SN77", speed="5000", bConfigurationValue="3",
    )  # fmt: skip
    (folder / "bos_descriptors").write_bytes(b"\x05\x0f\x05\x00\x00")
    [host] = read_devices(tree.root)
    info = host.info
    assert (host.bus, host.address, host.drivers) == (1, 17, {0: "cdc_acm"})
    assert (info.busid, info.hardware_id, info.speed) == ("1-4.2", "46f4:00aa", Speed.SUPER)
    assert (info.manufacturer, info.product_name, info.serial) == ("Müller", "Ding", "SN77")
    assert (info.active_configuration, info.port_path) == (3, "0000:00:14.0-usbv2-4.2")
    assert info.configurations == (configuration(1, 2), configuration(3))
    assert len(info.device_descriptor) == 18
    assert info.bos == b"\x05\x0f\x05\x00\x00"


def test_hubs_are_left_out_and_order_is_natural(tree: Tree) -> None:
    tree.add_root_hub(2, "3.00")
    for address, busid in enumerate(["1-10", "1-2", "1-2.1", "2-1"], 2):
        tree.add(busid, address)
    tree.add("1-3", 9, device_class=ClassCode.HUB)
    assert [host.info.busid for host in read_devices(tree.root)] == ["1-2", "1-2.1", "1-10", "2-1"]
    assert read_device(tree.root, "1-3") is None
    assert natural("1-10.2:1.0") == [1, 10, 2, 1, 0]


def test_super_speed_socket_has_another_port_path(tree: Tree) -> None:
    tree.add_root_hub(2, "3.00")
    tree.add("1-1", 2)
    tree.add("2-1", 2)
    assert len({host.info.port_path for host in read_devices(tree.root)}) == 2


def test_device_that_is_not_configured(tree: Tree) -> None:
    tree.add("1-1", 2, bConfigurationValue="", speed="unknown")
    [host] = read_devices(tree.root)
    assert (host.info.active_configuration, host.info.speed, host.info.serial) == (0, Speed.UNKNOWN, "")


@pytest.mark.parametrize("name", ["descriptors", "busnum", "devnum"])
def test_device_that_goes_away_while_it_is_read(tree: Tree, name: str) -> None:
    (tree.add("1-1", 2) / name).unlink()
    assert read_devices(tree.root) == []


def test_no_usb_at_all(tree: Tree) -> None:
    assert read_devices(tree.root / "nothing") == []


@pytest.mark.parametrize("busid", ["", "usb1", "..", "../../etc", "1-1/..", "1-1:1.0", "1-", "9-9"])
def test_names_that_are_no_device(tree: Tree, busid: str) -> None:
    tree.add("1-1", 2)
    assert read_device(tree.root, busid) is None


def test_truncated_configurations(tree: Tree) -> None:
    tree.add("1-1", 2, configurations=(configuration()[:-3],))
    assert read_devices(tree.root)[0].info.configurations == (configuration()[:-3],)


def test_a_driver_that_goes_while_it_is_looked_at(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.add("1-1", 2, drivers={0: "cdc_acm", 1: ""})
    interface = tree.devices / "1-1/1-1:1.0"
    assert driver_of(interface) == "cdc_acm"
    read = Path.readlink

    def readlink(link: Path) -> Path:
        if link.name == "driver":
            link.unlink(missing_ok=True)
        return read(link)

    monkeypatch.setattr(Path, "readlink", readlink)
    assert driver_of(interface) == ""
    assert driver_of(tree.devices / "1-9/1-9:1.0") == ""
    assert read_devices(tree.root)[0].drivers == {}
