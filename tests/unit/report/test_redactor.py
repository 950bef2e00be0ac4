"""wslusb.report.redactor: names, paths, addresses and serial numbers, wherever they stand in a text."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from wslusb.report.redactor import Redactor

HOST, USER = "planted-host", "planteduser"


@pytest.fixture
def redactor(monkeypatch: pytest.MonkeyPatch) -> Redactor:
    monkeypatch.setattr("wslusb.report.names.platform.node", lambda: f"{HOST}.corp.example")
    monkeypatch.setattr("wslusb.report.names.getpass.getuser", lambda: USER)
    for variable in ("SUDO_USER", "LOGNAME", "USER", "HOSTNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SUDO_USER", "bo")
    return Redactor()


SECRETS = {
    "the machine": (f"booted {HOST} at noon", HOST),
    "the whole name of the machine": (f"{HOST}.corp.example is up", "corp"),
    "the machine in capitals": (f"{HOST.upper()} is up", HOST.upper()),
    "the user": (f"uid of {USER}: 1000", USER),
    "a short user name": ("sudo: bo: not in sudoers", " bo"),
    "a home": ("/home/someone/bugs/log", "someone"),
    "a home of macOS": ("/Users/someone/x", "someone"),
    "a home of Windows": ("C:\\Users\\someone\\x", "someone"),
    "a peer": ("wslusb 0.1.0 (their-box, Linux 6.1) is connected", "their-box"),
    "a serial number in the kernel's words": ("usb 1-4.2: SerialNumber: A5XK3RJT", "A5XK3RJT"),
    "a serial number that a driver tells": ("usb-storage 1-4:1.0: SerialNumber: A5XK3RJT", "A5XK3RJT"),
    "a serial number of udev": ("E: ID_SERIAL_SHORT=A5XK3RJT", "A5XK3RJT"),
    "a serial number of a HID device": ("HID_UNIQ=A5XK3RJT", "A5XK3RJT"),
    "a serial number of lsusb": ("  iSerial                 3 A5XK3RJT", "A5XK3RJT"),
    "a disk by its name": ("/dev/disk/by-id/usb-Some_Stick_3.0_A5XK3RJT-0:0-part1", "A5XK3RJT"),
    "a port by its name": ("link '/dev/serial/by-id/usb-FTDI_UART_A5XK3RJT-if00-port0'", "A5XK3RJT"),
    "the world-wide name of a disk": ("sd 0:0:0:0: usb naa.5000c500a1b2c3d4", "5000c500a1b2c3d4"),
    "a hardware address in a name": ("enx0242ac11000a: renamed from eth0", "0242ac"),
    "a user on a volume": ("mounted at /run/media/someone/STICK", "someone"),
    "a home seen from Windows": (r"\\wsl$\Debian\home\someone\x", "someone"),
    "a mail address": ("Author: someone@mail.example.org", "someone"),
    "a short one": ("usb 1-4: SerialNumber: XY", "XY"),
    "a serial number in sysfs": ("product: x\nserial: A5XK3RJT\nspeed: 12", "A5XK3RJT"),
    "an instance id": (r"bound USB\VID_0403&PID_6001\A5XK3RJT", "A5XK3RJT"),
    "a hardware address": ("eth0: register at usb-1, CDC Ethernet, 02:42:ac:11:00:0a", "02:42"),
    "a UUID": ("mounted 3f333df6-90a4-4fda-8dd3-9485d27cee36 r/w", "3f333df6"),
    "an IP address": ("from 192.168.1.20 port 22", "192.168"),
    "an IPv6 address": ("from fe80::42:acff:fe11:a port 22", "fe80"),
}


@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS)
def test_what_gives_somebody_away_is_replaced(redactor: Redactor, text: str, secret: str) -> None:
    assert secret in text
    redactor.learn(text)
    shown = redactor.text(text)
    assert secret not in shown
    assert len(shown) == len(text)
    assert not redactor.finds(shown)


def test_a_serial_number_is_found_where_nothing_says_what_it_is(redactor: Redactor) -> None:
    redactor.learn("usb 1-4: SerialNumber: A5XK3RJT")
    shown = redactor.text("/dev/serial/by-id/usb-FTDI_A5XK3RJT-if00")
    assert "A5XK3RJT" not in shown
    token = redactor.text("serial: A5XK3RJT").removeprefix("serial: ")
    assert token in shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T18:01:21,109885+00:00 usb 1-1.2.3.4: New USB device found, idVendor=0403, idProduct=6001",
        "usb 1-4: New USB device strings: Mfr=1, Product=2, SerialNumber=3",
        "usb usb1: SerialNumber: 0000:00:14.0",
        "xhci_hcd 0000:00:14.0: hcc params 0x200077c1 hci version 0x110",
        "Linux 6.6.87.2-microsoft-standard-WSL2, libusb 1.0.27.11882, Python 3.12.1",
        "hid-generic 0003:046D:C31C.0001: input,hidraw0: USB HID v1.10 Keyboard on usb-vhci_hcd.0-1/input0",
        "systemd: user@1000.service and wslusb@2.service are up",
        "/dev/input/by-path/pci-0000:00:14.0-usb-0:1:1.0-event-kbd",
        "  iSerial                 0",
        "root is nobody's name; a box, a bobsled; 127.0.0.1",
        r"USB\VID_0403&PID_6001\pci-0000:00:14.0-usbv2-1.4",
    ],
)
def test_what_a_maintainer_needs_stays(redactor: Redactor, text: str) -> None:
    redactor.learn(text)
    assert redactor.text(text) == text


def test_a_name_that_is_an_ordinary_word_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslusb.report.names.getpass.getuser", lambda: "capture")
    assert Redactor(ordinary=frozenset({"capture"})).text("the capture") == "the capture"
    assert "capture" not in Redactor().text("the capture")


def test_json_keeps_its_keys(redactor: Redactor) -> None:
    tree: Any = {
        "serial": "X", "devices": [{"serial": "A5XK3RJT", "busid": "1-4", "speed": 480, "x": None}],
        USER: f"of {USER}", "kept": ["A5XK3RJT"],
    }  # fmt: skip
    redactor.learn_tree(tree)
    shown: Any = redactor.tree(tree)
    assert list(shown) == list(tree)
    assert shown["serial"] != "X"
    assert (shown["devices"][0]["busid"], shown["devices"][0]["speed"]) == ("1-4", 480)
    assert shown["kept"] == [shown["devices"][0]["serial"]]
    assert "A5XK3RJT" not in json.dumps(shown)


@pytest.mark.parametrize("word", ["busid", "generation", "hardware_id", "true"])
def test_a_serial_number_that_is_a_key_keeps_no_bundle_from_being_written(redactor: Redactor, word: str) -> None:
    tree: Any = {"devices": [{"serial": word, "busid": "1-4", "generation": 1, "hardware_id": "1:2", "true": True}]}
    redactor.learn(f"usb 1-4: SerialNumber: {word}")
    redactor.learn_tree(tree)
    shown: Any = redactor.tree(tree)
    assert shown["devices"][0]["serial"] != word
    assert not redactor.finds(json.dumps(shown))


def test_what_a_capture_was_redacted_of_is_looked_for_in_all_files(redactor: Redactor) -> None:
    redactor.learn_originals([b"A5XK3RJT", "A5XK3RJT".encode("utf-16-le"), bytes(range(16))])
    assert {b"A5XK3RJT", bytes(range(16)), HOST.encode(), USER.encode("utf-16-le")} <= set(redactor.needles)
    assert "A5XK3RJT" not in redactor.text("it is A5XK3RJT")
    assert redactor.finds("it is A5XK3RJT")


def test_raw_takes_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor(raw=True)
    text = f"/home/x usb 1-4: SerialNumber: A5XK3RJT {HOST}"
    redactor.learn(text)
    assert redactor.text(text) == text
    assert redactor.tree({"serial": "A5XK3RJT"}) == {"serial": "A5XK3RJT"}


def test_only_the_value_is_replaced_not_what_looks_like_it_beside_it(redactor: Redactor) -> None:
    assert redactor.text("usb 1-4: SerialNumber: 1").startswith("usb 1-4: SerialNumber: ")


def test_no_token_is_what_it_stands_for() -> None:
    tokens = {Redactor().text("usb 1-4: SerialNumber: A")[-1] for _ in range(100)}
    assert "A" not in tokens
    assert len(tokens) > 5


@pytest.mark.parametrize("piece", ["_", "/by-id/usb-a_", "a@", "a.", "a@a.", "iSerial 3 ", "02:", "::", "naa."])
def test_no_line_takes_long(redactor: Redactor, piece: str) -> None:
    """A device says what it likes, and a log may have a line of it."""
    line = f"/by-id/usb-{piece * (20_000 // len(piece))}"
    begun = time.monotonic()
    redactor.learn(line)
    redactor.text(line)
    assert time.monotonic() - begun < 1.5
