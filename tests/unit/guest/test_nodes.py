"""wslusb.guest.nodes on a made-up sysfs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE
from wslusb.guest import nodes


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A USB device that the kernel has configured: /sys/bus/usb/devices/1-1 is a link, as it is in a real one."""
    real = tmp_path / "devices/platform/vhci_hcd.0/usb1/1-1"
    (real / "1-1:1.0").mkdir(parents=True)
    links = tmp_path / "bus/usb/devices"
    links.mkdir(parents=True)
    (links / "1-1").symlink_to(real)
    node(real, "bus/usb/001/002", "usb_device")
    return real


def node(folder: Path, name: str, kind: str = "", *, partition: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dev").write_text("1:2\n")
    (folder / "uevent").write_text(f"MAJOR=1\nMINOR=2\nDEVNAME={name}\n" + (f"DEVTYPE={kind}\n" if kind else ""))
    if partition:
        (folder / "partition").write_text("1\n")


def driver(device: Path, name: str) -> None:
    target = device.parent / "drivers" / name
    target.mkdir(parents=True, exist_ok=True)
    (device / "1-1:1.0/driver").symlink_to(target)


def test_the_device_itself_is_no_node(device: Path) -> None:
    assert nodes.find(device) == []


def test_nodes_of_every_kind(device: Path) -> None:
    interface = device / "1-1:1.0"
    node(interface / "tty/ttyACM0", "ttyACM0")
    node(interface / "host0/target/block/sda", "sda", "disk")
    node(interface / "host0/target/block/sda/sda1", "sda1", "partition", partition=True)
    node(interface / "host0/target/bsg/0:0:0:0", "bsg/0:0:0:0")
    node(interface / "sound/card0/pcmC0D0p", "snd/pcmC0D0p")
    (interface / "net/eth1").mkdir(parents=True)
    (interface / "net/eth1/ifindex").write_text("3\n")
    assert nodes.find(device) == ["/dev/sda", "/dev/snd/pcmC0D0p", "/dev/ttyACM0", "eth1"]


def test_folders_that_are_no_nodes(device: Path) -> None:
    (device / "1-1:1.0/power").mkdir()
    (device / "1-1:1.0/tty").mkdir()
    (device / "1-1:1.0/tty/dev").write_text("1:2\n")
    (device / "1-1:1.0/uevent").write_text("DRIVER=x\n")
    (device / "1-1:1.0/odd").mkdir()
    (device / "1-1:1.0/odd/dev").write_text("")
    (device / "1-1:1.0/odd/uevent").write_text("rubbish\n")
    assert nodes.find(device) == []


def test_what_has_gone_is_not_waited_for(device: Path, tmp_path: Path) -> None:
    driver(device, "usb-storage")  # whose disk may take seconds to come
    there = iter([True, True, True])
    assert nodes.wait_usable(tmp_path, "1-1", PATIENCE, lambda: next(there, False)) is None


def test_usable(device: Path, tmp_path: Path) -> None:
    node(device / "1-1:1.0/tty/ttyACM0", "ttyACM0")
    assert nodes.wait_usable(tmp_path, "1-1", PATIENCE) == ["/dev/ttyACM0"]


def test_a_device_without_a_driver_is_usable(device: Path, tmp_path: Path) -> None:
    assert nodes.wait_usable(tmp_path, "1-1", PATIENCE) == []


def test_a_device_that_never_comes(tmp_path: Path) -> None:
    assert nodes.wait_usable(tmp_path, "1-1", 0.05) is None


def test_a_device_that_is_never_configured(tmp_path: Path) -> None:
    (tmp_path / "bus/usb/devices/1-1").mkdir(parents=True)
    assert nodes.wait_usable(tmp_path, "1-1", 0.05) is None


def test_a_disk_is_waited_for(device: Path, tmp_path: Path) -> None:
    driver(device, "usb-storage")
    timer = threading.Timer(0.6, node, (device / "1-1:1.0/host0/block/sda", "sda"))
    timer.start()
    assert nodes.wait_usable(tmp_path, "1-1", PATIENCE) == ["/dev/sda"]
    timer.join()


UNIT = "1-1:1.0/host0/target0:0:0/0:0:0:{}"


def unit(device: Path, number: int, name: str = "", *, inflight: int = 0) -> None:
    """A disk that the SCSI layer has found; with ``name``, sd has made it a node."""
    folder = device / UNIT.format(number)
    (folder / "block").mkdir(parents=True) if name else folder.mkdir(parents=True)
    (folder / "type").write_text("0\n")
    if name:
        node(folder / "block" / name, name, "disk")
        (folder / "block" / name / "inflight").write_text(f"       {inflight}        0\n")


def test_a_second_disk_is_waited_for_while_the_first_is_read(device: Path, tmp_path: Path) -> None:
    """A card reader: the next unit comes when the partitions of the one before have been read."""
    driver(device, "uas")
    unit(device, 0, "sda", inflight=1)

    def go_on() -> None:
        unit(device, 1, "sdb")
        (device / UNIT.format(0) / "block/sda/inflight").write_text("       0        0\n")

    timer = threading.Timer(0.6, go_on)
    timer.start()
    assert nodes.wait_usable(tmp_path, "1-1", PATIENCE) == ["/dev/sda", "/dev/sdb"]
    timer.join()


def test_a_disk_without_its_node_is_waited_for(device: Path, tmp_path: Path) -> None:
    driver(device, "usb-storage")
    unit(device, 0, "sda")
    unit(device, 1)
    timer = threading.Timer(0.6, node, (device / UNIT.format(1) / "block/sdb", "sdb"))
    timer.start()
    assert nodes.wait_usable(tmp_path, "1-1", PATIENCE) == ["/dev/sda", "/dev/sdb"]
    timer.join()


def test_a_disk_that_somebody_reads_all_the_time_is_not_waited_for(
    device: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "_DISK_SECONDS", 0.1)
    driver(device, "usb-storage")
    unit(device, 0, "sda", inflight=1)
    assert nodes.wait_usable(tmp_path, "1-1", PATIENCE) == ["/dev/sda"]


def test_patience_has_an_end(device: Path, tmp_path: Path) -> None:
    """What is there by then is told."""
    driver(device, "usb-storage")
    node(device / "1-1:1.0/host0/sg0", "sg0")
    assert nodes.wait_usable(tmp_path, "1-1", 0.1) == ["/dev/sg0"]


def test_a_driver_that_goes_while_it_is_looked_at(
    device: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(device, "usb-storage")
    read = Path.readlink

    def readlink(link: Path) -> Path:
        link.unlink(missing_ok=True)
        return read(link)

    monkeypatch.setattr(Path, "readlink", readlink)
    assert nodes.wait_usable(tmp_path, "1-1", PATIENCE) == []
