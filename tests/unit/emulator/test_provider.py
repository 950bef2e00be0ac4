"""emulator.provider and emulator.catalogue: devices by name, ports, watchers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emulator import device_provider
from emulator.catalogue import parse_models
from emulator.device import VirtualDevice
from emulator.devices.loopback import loopback_gadget
from emulator.firmware import Firmware
from emulator.model import Model
from emulator.provider import EmulatorProvider
from wslusb.device.api import DeviceProvider
from wslusb.device.clock import VirtualClock
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.usb.ids import Speed
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag


def test_listing() -> None:
    provider: DeviceProvider = device_provider("loopback,storage:size=64M,serial=SN77,storage")
    infos = list(provider.devices())
    assert [(each.busid, each.hardware_id, each.serial) for each in infos] == [
        ("9-1", "0525:a4a0", "LOOPBACK0001"), ("9-2", "0525:a4a5", "SN77"), ("9-3", "0525:a4a5", "000000000003"),
    ]  # fmt: skip
    assert [each.active_configuration for each in infos] == [3, 1, 1]
    assert {(each.speed, each.generation) for each in infos} == {(Speed.HIGH, 1)}
    assert infos[0].description == "wslusb emulator Loopback"
    assert provider.devices() == infos


@pytest.mark.parametrize(
    "text",
    ["", "nothing", "loopback,,storage", "size=1M", "storage:", "storage:size", "storage:size=", "storage:size=12Q",
     "storage:size=0", "storage:size=100", "storage:size=2000G", "storage:colour=red", "storage:size=1M,size=2M",
     "storage:ro=maybe", "loopback:pattern=2", "loopback:serial=", "loopback:serial=\u00e4", "loopback:size=1M",
     "storage:file=/nowhere/at/all"],
)  # fmt: skip
def test_names_that_are_not_understood(text: str) -> None:
    with pytest.raises(LocalError) as caught:
        parse_models(text)
    assert caught.value.reason is LocalReason.BAD_ADDRESS


def test_size() -> None:
    provider = device_provider("storage:size=1K,storage:size=3000,storage:size=1m")
    blocks = []
    for info in provider.devices():
        device = provider.open(info)
        seen: list[bytes] = []
        cbw = b"USBC" + bytes(4) + bytes((8, 0, 0, 0, 0x80, 0, 10, 0x25)) + bytes(15)

        def done(completion: Completion, seen: list[bytes] = seen) -> None:
            seen.append(bytes(completion.data))

        device.submit(Urb(0, 2, 2, 31, 0, cbw), done)
        device.submit(Urb(0, 0x81, 2, 8, UrbFlag.SHORT_OK), done)
        blocks.append(int.from_bytes(seen[1][:4]) + 1)
    assert blocks == [2, 5, 2048]


def test_file(tmp_path: Path) -> None:
    path = tmp_path / "stick.img"
    with pytest.raises(LocalError):
        parse_models(f"storage:file={path}")
    provider = device_provider(f"storage:file={path},size=4K")
    assert not path.exists(), "nobody has opened the device yet"
    provider.open(next(iter(provider.devices()))).close()
    assert path.stat().st_size == 4096
    path.write_bytes(b"x" * 1000)
    parse_models(f"storage:file={path},ro=yes")
    assert path.read_bytes() == b"x" * 1000
    path.write_bytes(b"x")
    with pytest.raises(LocalError):
        parse_models(f"storage:file={path}")


def test_a_device_is_opened_once_at_a_time() -> None:
    provider = device_provider("loopback")
    (info,) = provider.devices()
    device = provider.open(info)
    with pytest.raises(DeviceError) as caught:
        provider.open(info)
    assert caught.value.status == Status.BUSY
    device.close()
    provider.open(info).close()


def test_plugs_and_watchers() -> None:
    provider = device_provider("loopback,storage")
    called: list[int] = []
    provider.watch(lambda: called.append(len(provider.devices())))
    (info, _) = provider.devices()
    provider.unplug("9-1")
    provider.unplug("9-1")
    with pytest.raises(DeviceError) as caught:
        provider.open(info)
    assert caught.value.status == Status.GONE
    assert provider.plug("9-1").generation == 2
    assert provider.plug("9-1").generation == 2
    assert provider.replug("9-1").generation == 3
    assert called == [1, 1, 2, 2, 1, 2]
    provider.close()
    provider.unplug("9-2")
    assert len(called) == 6


def test_ports_that_do_not_exist() -> None:
    provider = device_provider()
    for call in (provider.plug, provider.unplug, provider.replug):
        with pytest.raises(LocalError) as caught:
            call("9-7")
        assert caught.value.reason is LocalReason.NOT_FOUND


def test_a_stick_keeps_its_files_over_a_replug() -> None:
    provider = device_provider("storage")
    first = provider._ports["9-1"].model
    provider.replug("9-1")
    assert provider._ports["9-1"].model is first


class _Restless(Firmware):
    """Counts what happens to it, and wants to be a stick after a second."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def attached(self) -> None:
        self.seen.append("attached")
        self.after(1.0, self._change)

    def detached(self) -> None:
        self.seen.append("detached")

    def _change(self) -> None:
        self.seen.append("change")
        assert self.board is not None
        self.board.reenumerate(parse_models("storage:serial=NEW")[0])


def test_a_device_that_comes_back_as_another() -> None:
    clock, firmware = VirtualClock(), _Restless()
    provider = EmulatorProvider([Model(loopback_gadget(), firmware)], clock)
    changes: list[int] = []
    provider.watch(lambda: changes.append(1))
    (before,) = provider.devices()
    device = provider.open(before)
    clock.advance(0.9)
    assert firmware.seen == ["attached"]
    clock.advance(0.2)
    assert firmware.seen == ["attached", "change", "detached"]
    (after,) = provider.devices()
    assert (after.busid, after.serial, after.generation) == (before.busid, "NEW", before.generation + 1)
    assert len(changes) == 2
    with pytest.raises(DeviceError):
        device.reset()


@pytest.mark.parametrize("again", [False, True])
def test_a_device_that_was_pulled_out_does_not_come_back_as_another(again: bool) -> None:
    clock = VirtualClock()
    provider = EmulatorProvider([Model(loopback_gadget(), Firmware())], clock)
    device = provider.open(provider.devices()[0])
    assert isinstance(device, VirtualDevice)
    device.reenumerate(parse_models("storage")[0])
    provider.unplug("9-1")
    if again:
        provider.plug("9-1")
    clock.advance(0)
    assert [each.hardware_id for each in provider.devices()] == ["0525:a4a0"] * again


def test_exchanges() -> None:
    provider = device_provider("loopback")
    provider.become("9-1", "storage:serial=NEW")
    assert [each.serial for each in provider.devices()] == ["NEW"]
    with pytest.raises(LocalError) as caught:
        provider.become("9-1", "storage,keyboard")
    assert caught.value.reason is LocalReason.AMBIGUOUS
    provider.unplug("9-1")
    with pytest.raises(LocalError) as caught:
        provider.become("9-1", "loopback")
    assert caught.value.reason is LocalReason.BAD_STATE
    assert provider.devices() == []


class _SlowToLeave(Firmware):
    """Does ``leaving`` while it is told that it was pulled out."""

    def __init__(self) -> None:
        self.leaving: Callable[[], None] = lambda: None

    def detached(self) -> None:
        self.leaving()


def test_a_device_is_opened_anew_only_once_its_firmware_has_left() -> None:
    firmware = _SlowToLeave()
    provider = EmulatorProvider([Model(loopback_gadget(), firmware)])
    provider.open(provider.devices()[0])
    refused: list[int] = []

    def too_soon() -> None:
        with pytest.raises(DeviceError) as caught:
            provider.open(provider.plug("9-1"))
        refused.append(caught.value.status)

    firmware.leaving = too_soon
    provider.unplug("9-1")
    assert refused == [Status.BUSY]
    firmware.leaving = lambda: None
    provider.open(provider.devices()[0]).close()


def test_timers_of_a_closed_device_do_not_run() -> None:
    clock, firmware = VirtualClock(), _Restless()
    provider = EmulatorProvider([Model(loopback_gadget(), firmware)], clock)
    provider.open(provider.devices()[0]).close()
    clock.advance(2)
    assert firmware.seen == ["attached", "detached"]


def test_a_device_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from emulator.devices.loopback import LoopbackFirmware, loopback_gadget\n"
        "from emulator.model import Kind, Model\n"
        "KIND = Kind(name='mine', summary='', make=lambda options: "
        "Model(loopback_gadget(options.serial('MINE')), LoopbackFirmware()))\n"
    )
    assert [each.gadget.string(3) for each in parse_models(f"{path},{path}:serial=B")] == ["MINE", "B"]
    path.write_text("1 / 0")
    with pytest.raises(LocalError, match="ZeroDivisionError"):
        parse_models(str(path))
    path.write_text("")
    with pytest.raises(LocalError, match="has no KIND"):
        parse_models(str(path))
