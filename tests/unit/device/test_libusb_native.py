"""Status tables, and what a person is told."""

from __future__ import annotations

import errno
import subprocess
import sys
from typing import Any

import pytest

from wslusb.device.libusb_native import ERRORS, TRANSFER_STATUS, Native, error_status, load
from wslusb.errors import DeviceError, LocalError, LocalReason
from wslusb.usb.urb import Status, to_errno


@pytest.fixture
def lib() -> Any:
    try:
        return load()
    except LocalError:
        pytest.skip("libusb-1.0 is not installed")


def test_tables_cover_what_libusb_has(lib: Any) -> None:
    assert len(TRANSFER_STATUS) == len(lib.libusb_transfer_status.forward_dict)
    assert set(ERRORS) == set(lib.libusb_error.forward_dict.values()) - {0}
    by_name = {
        "COMPLETED": Status.OK, "ERROR": Status.PROTOCOL, "TIMED_OUT": Status.TIMEOUT, "CANCELLED": Status.CANCELLED,
        "STALL": Status.STALL, "NO_DEVICE": Status.GONE, "OVERFLOW": Status.OVERRUN,
    }  # fmt: skip
    for name, status in by_name.items():
        assert TRANSFER_STATUS[lib.libusb_transfer_status.forward_dict[f"LIBUSB_TRANSFER_{name}"]] == status


@pytest.mark.parametrize(
    ("code", "number", "status"),
    [
        (-4, 0, Status.GONE),
        (-11, errno.ENOMEM, Status.NO_MEMORY),
        (-1, errno.ENOMEM, Status.NO_MEMORY),  # a control or isochronous URB above 16 MB
        (-99, errno.EPIPE, Status.STALL),
        (-1, errno.ENOENT, Status.INVALID),
        (-1, 0, Status.FAILED),
        (-4711, 0, Status.FAILED),
    ],
)
def test_trap_libusb_folds_errno_into_io(code: int, number: int, status: Status) -> None:
    assert error_status(code, number) == status
    assert to_errno(status) < 0


@pytest.mark.parametrize(
    ("code", "status", "hint"),
    [(-3, Status.ACCESS_DENIED, "udev rule"), (-6, Status.BUSY, "in use by usb-storage"), (-4, Status.GONE, "")],
)
def test_errors_say_what_to_do(code: int, status: Status, hint: str) -> None:
    native = object.__new__(Native)
    native.name = "1-2"
    with pytest.raises(DeviceError, match="1-2: cannot open") as caught:
        native.check(code, "open", busy="usb-storage")
    assert caught.value.status == status
    assert hint in caught.value.hint


def test_device_package_is_importable_without_libusb() -> None:
    code = (
        "import sys; sys.modules['usb1'] = None\n"
        "import wslusb.device.libusb, wslusb.device.provider\n"
        "from wslusb.device.libusb_native import load\n"
        "from wslusb.errors import LocalError\n"
        "try: load()\n"
        "except LocalError as error: print(error.reason.name, error.hint)\n"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == f"{LocalReason.MISSING.name} apt install libusb-1.0-0"


def test_no_library_is_a_local_error(monkeypatch: pytest.MonkeyPatch, lib: Any) -> None:
    import usb1

    def fail() -> None:
        raise OSError("cannot find a suitable libusb-1.0")

    monkeypatch.setattr(usb1, "loadLibrary", fail)
    load.cache_clear()
    with pytest.raises(LocalError) as caught:
        load()
    assert (caught.value.reason, caught.value.hint) == (LocalReason.MISSING, "apt install libusb-1.0-0")
    load.cache_clear()
