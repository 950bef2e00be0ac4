from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hil.bench import latency, locate, usbip
from hil.bench.kernel import Amounts, Contender, dd_rate, make_measures, samplers


class Machine:
    """Takes note of what is run in it."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def run(self, script: str, *, timeout: float) -> Any:  # noqa: ARG002
        self.ran.append(script)
        return SimpleNamespace(
            output="16+0 records in\n16+0 records out\n16777216 bytes (17 MB) copied, 0.5 s, 34 MB/s\n"
        )

    def python(self, *arguments: str) -> Any:
        self.ran.append(" ".join(arguments))
        return SimpleNamespace(stdout="512.5\n")


def test_the_rate_is_computed_and_not_read() -> None:
    assert dd_rate("1+0 records out\n1000000 bytes (1.0 MB, 977 KiB) copied, 0.25 s, 9 GB/s") == 4.0
    assert dd_rate("1000000 bytes (1.0 MB) copied, 5e-1 s, 2 MB/s") == 2.0


def test_dd_that_says_something_else_is_an_error() -> None:
    with pytest.raises(ValueError, match="No space left"):
        dd_rate("dd: No space left on device")


def test_each_measure_has_a_sampler() -> None:
    machine = Machine()
    contender = Contender(cast("Any", machine), "/dev/sdx", "/dev/bus/usb/001/002")
    values = [sample(contender) for sample in samplers(Amounts(large=16, small=8, requests=9))]
    assert len(values) == len(make_measures())
    assert values == [16777216 / 0.5 / 1e6] * 3 + [512.5]
    assert machine.ran == [
        "LC_ALL=C dd if=/dev/sdx of=/dev/null iflag=direct bs=1M count=16",
        "LC_ALL=C dd if=/dev/zero of=/dev/sdx oflag=direct bs=1M count=16",
        "LC_ALL=C dd if=/dev/sdx of=/dev/null iflag=direct bs=4k count=8",
        "-m hil.bench.latency /dev/bus/usb/001/002 9",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [("tcp:7", ("127.0.0.1", 7)), ("vsock:7", (0xFFFFFFFF, 7)), ("vsock:2:7", (2, 7))],
)
def test_addresses_of_the_kernels_usbip(text: str, place: tuple[Any, int]) -> None:
    family, found = usbip.endpoint(text)
    assert found == place
    assert (family == socket.AF_INET) is text.startswith("tcp")


def fake_stick(devices: Path, bus: Path, name: str, serial: str) -> Path:
    folder = bus / name
    folder.mkdir(parents=True)
    for file, text in {"serial": serial, "busnum": "5", "devnum": "12"}.items():
        (folder / file).write_text(f"{text}\n")
    block = folder / f"{name}:1.0/host0/target0:0:0/0:0:0:0/block/sdb"
    block.mkdir(parents=True)
    (block / "size").write_text("65536\n")
    (devices / name).symlink_to(folder)
    return folder


def test_a_stick_is_found_on_the_right_side_of_vhci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = tmp_path / "devices"
    devices.mkdir()
    fake_stick(devices, tmp_path / "dummy_hcd.0/usb1", "1-1", "SN1")
    fake_stick(devices, tmp_path / "vhci_hcd.0/usb5", "5-1", "SN1")
    monkeypatch.setattr(locate, "DEVICES", devices)
    assert locate.find_device("SN1", imported=False, seconds=0) == devices / "1-1"
    assert locate.find_device("SN1", imported=True, seconds=0) == devices / "5-1"
    assert locate.locate("SN1", imported=True, seconds=0) == {"disk": "/dev/sdb", "usb": "/dev/bus/usb/005/012"}
    with pytest.raises(TimeoutError, match="serial SN2"):
        locate.find_device("SN2", imported=False, seconds=0)


def test_the_latency_probe_asks_for_the_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, bytes]] = []
    node = tmp_path / "002"
    node.write_bytes(b"")
    monkeypatch.setattr("fcntl.ioctl", lambda _fd, code, request: asked.append((code, bytes(request)[:12])))
    assert latency.mean_latency(str(node), 5) > 0
    assert len(asked) == 15
    assert asked[0] == (0xC0185500, bytes.fromhex("8000 0000 0000 0200 e8030000"))
