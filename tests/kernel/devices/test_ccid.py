"""The virtual card reader: by hand over usbfs, and under pcscd and libccid as applications use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hil.vm.remote import Process
from hil.vm.uml import UmlMachine
from tests.kernel.devices.lab import Lab
from tests.kernel.support import tools

SCRIPT = """
reset
FF CA 00 00 00
00 A4 04 00 07 F0 77 73 6C 75 73 62 00
00 A4 00 0C 02 00 01
00 D6 00 00 05 68 65 6C 6C 6F
00 B0 00 00 0B
00 B0 00 00 00
00 A4 00 0C 02 12 34
"""
"""UID; SELECT the application, a file; write to it, read some, read all; SELECT a file that is not there."""


DRIVERS = "/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents"
START = f"""
set -e
mkdir -p /run/pcscd
cp {DRIVERS}/Info.plist /dev/shm/Info.plist
sed -i '/<key>ifdVendorID/,/<string>/ s/0x[0-9A-F]*/0x1209/; /<key>ifdProductID/,/<string>/ s/0x[0-9A-F]*/0x0004/' \
    /dev/shm/Info.plist
busybox mount --bind /dev/shm/Info.plist {DRIVERS}/Info.plist
exec pcscd --foreground --debug --apdu
"""


@contextmanager
def pcscd(kernel: UmlMachine) -> Iterator[Process]:
    """The daemon, without systemd. It takes only readers that are on libccid's list: ours is, as the first."""
    try:
        with kernel.start(START) as daemon:
            yield daemon
    finally:
        kernel.run(f"busybox umount {DRIVERS}/Info.plist", check=False)


def test_pcscd_talks_to_the_card(lab: Lab, kernel: UmlMachine) -> None:
    tools("pcscd", "scriptor", "/usr/lib/pcsc/drivers/ifd-ccid.bundle")
    with lab.plug("ccid:uid=0411223344,text=Hello world"), pcscd(kernel) as daemon:
        daemon.wait_for_output("Card ATR: 3B 8B 01 77 73 6C 75 73 62 20 63 61 72 64", 20)
        result = kernel.run("scriptor -p T=1", stdin=SCRIPT.encode())
    answers = [line[2:].partition(" :")[0].strip() for line in result.stdout.splitlines() if line.startswith("< ")]
    assert answers == [
        "OK: 3B 8B 01 77 73 6C 75 73 62 20 63 61 72 64 B2",
        "04 11 22 33 44 90 00",
        "6F 09 84 07 F0 77 73 6C 75 73 62 90 00",
        "90 00",
        "90 00",
        "68 65 6C 6C 6F 20 77 6F 72 6C 64 90 00",
        "68 65 6C 6C 6F 20 77 6F 72 6C 64 90 00",
        "6A 82",
    ]


def test_pcscd_sees_the_card_come_and_go(lab: Lab, kernel: UmlMachine) -> None:
    tools("pcscd", "/usr/lib/pcsc/drivers/ifd-ccid.bundle")
    with lab.plug("ccid:insert=1000,remove=3000,speed=high"), pcscd(kernel) as daemon:
        daemon.wait_for_output("Card inserted into", 20)
        daemon.wait_for_output("Card Removed From", 20)


def test_usbfs_talks_ccid_by_hand(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("ccid:uid=0411223344,insert=1000,remove=3000"):
        assert lab.run(kernel, "ccid").splitlines() == [
            "status 81 0200 ",
            "power 80 42fe ",
            "change 5003",
            "power 80 0000 3b8b0177736c7573622063617264b2",
            "parameters 82 0000 1110004500fe00",
            "uid 80 0000 04112233449000",
            "change 5002",
            "status 81 0200 ",
            "clock a00f0000",
        ]
