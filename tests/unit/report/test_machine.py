"""wslusb.report.machine: what a machine says of itself, and why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from wslusb.report.machine import Unavailable, device_in_sysfs, journal, kernel_messages, run, versions

MESSAGES = """\
2026-11-22T18:01:21,100000+00:00 Linux version 6.12
2026-11-22T18:01:21,109885+00:00 Kernel command line: root=UUID=1 usbcore.quirks=1:2:3
2026-11-22T18:01:21,109886+00:00     --usb-secret
2026-11-22T18:01:22,000000+00:00 usb 1-4: new high-speed USB device number 5 using xhci_hcd
2026-11-22T18:01:22,500000+00:00 vhci_hcd vhci_hcd.0: pdev(0) rhport(0) sockfd(4)
2026-11-22T18:01:23,000000+00:00 [UFW BLOCK] IN=usb0 OUT= SRC=10.0.0.1
2026-11-22T18:01:24,000000+00:00 EXT4-fs (sda1): mounted filesystem
"""


class Programs:
    """Answers for some programs, and complaints of the others."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str]) -> str:
        name = command[0] if len(command) > 1 else f"plain_{command[0]}"
        self.asked.append(name)
        if name not in self.answers:
            raise Unavailable(f"{name}: Operation not permitted")
        return self.answers[name]


def test_of_the_kernel_s_messages_only_those_about_usb_are_taken() -> None:
    lines = kernel_messages(Programs(dmesg=MESSAGES)).splitlines()
    assert [line.split(" ", 1)[1][:9] for line in lines] == ["usb 1-4: ", "vhci_hcd "]


@pytest.mark.parametrize("name", ["dmesg", "plain_dmesg", "journalctl"])
def test_they_are_asked_of_whoever_tells_them(name: str) -> None:
    programs = Programs(**{name: MESSAGES})
    assert "usb 1-4" in kernel_messages(programs)
    assert programs.asked == ["dmesg", "plain_dmesg", "journalctl"][: programs.asked.index(name) + 1]


def test_where_nobody_tells_them_it_is_said_what_helps() -> None:
    with pytest.raises(Unavailable, match=r"Operation not permitted; .*sudo wslusb report"):
        kernel_messages(Programs())


def test_a_journal_without_entries_is_none() -> None:
    assert "serving" in journal(Programs(journalctl="2026-11-22T18:01:21 wslusb[1]: serving\n"))
    with pytest.raises(Unavailable, match="--log FILE"):
        journal(Programs(journalctl="-- No entries --\n"))


def test_programs_that_fail_or_are_not_there_say_why() -> None:
    assert run(["sh", "-c", "echo yes"]) == "yes\n"
    with pytest.raises(Unavailable, match=r"^sh: no such luck$"):
        run(["sh", "-c", "echo no such luck >&2; exit 3"])
    with pytest.raises(Unavailable, match="there is no wslusb-no-such-program here"):
        run(["wslusb-no-such-program"])


def test_versions_are_told_of_what_is_there_and_what_is_not() -> None:
    def broken() -> str:
        raise OSError("no library")

    lines = dict(line.split(": ", 1) for line in versions(broken).splitlines())
    assert lines["libusb"] == "not loaded: no library"
    assert lines["click"][0].isdigit()
    assert {"wslusb", "Python", "system", "kernel", "distribution"} <= set(lines)


def test_sysfs_shows_attributes_drivers_and_power(tmp_path: Path) -> None:
    device = tmp_path / "bus/usb/devices/1-4"
    for folder in (device / "power", device / "1-4:1.0", tmp_path / "drivers/usb-storage"):
        folder.mkdir(parents=True)
    for name, content in {
        "speed": b"480\n", "serial": b"SN77\n", "descriptors": b"\x12\x01\0", "power/control": b"auto\n",
        "1-4:1.0/bInterfaceClass": b"08\n", "uevent": b"MAJOR=189\nMINOR=4\n",
    }.items():  # fmt: skip
        (device / name).write_bytes(content)
    (device / "1-4:1.0/driver").symlink_to(tmp_path / "drivers/usb-storage")
    (device / "subsystem").symlink_to(tmp_path)
    assert device_in_sysfs("1-4", tmp_path).splitlines() == [
        "# 1-4", "serial: SN77", "speed: 480", "uevent: MAJOR=189; MINOR=4", "", "# power", "control: auto", "",
        "# 1-4:1.0", "bInterfaceClass: 08", "driver: usb-storage",
    ]  # fmt: skip
    for busid in ("9-9", "../../..", ""):
        with pytest.raises(Unavailable):
            device_in_sysfs(busid, tmp_path)
