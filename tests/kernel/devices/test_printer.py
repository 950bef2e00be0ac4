"""The virtual printer under usblp."""

from __future__ import annotations

import errno
import os

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab

ASK = """
import fcntl, os, struct, sys
printer = os.open(sys.argv[1], os.O_RDWR)
def ioc(number, size):  # _IOC(_IOC_READ, 'P', number, size): drivers/usb/class/usblp.c
    return 2 << 30 | size << 16 | ord("P") << 8 | number
identity = fcntl.ioctl(printer, ioc(1, 1024), bytes(1024))
print(identity[2:int.from_bytes(identity[:2], "big")].decode())
print("protocols", *struct.unpack("ii", fcntl.ioctl(printer, ioc(2, 8), bytes(8))))
LPGETSTATUS = 0x060B
print("status", hex(struct.unpack("i", fcntl.ioctl(printer, LPGETSTATUS, bytes(4)))[0]))
os.write(printer, b"@PJL INFO ID\\r\\n")
print(os.read(printer, 1024))
"""

WRITE_ON = """
import errno, fcntl, os, sys
printer = os.open(sys.argv[1], os.O_WRONLY)
LPABORT = 0x0604
fcntl.ioctl(printer, LPABORT, 1)
try:
    while True:
        os.write(printer, bytes(1024))
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def test_usblp_prints_and_asks(lab: Lab, kernel: UmlMachine) -> None:
    file = lab.rig.shared / "printed"
    with lab.plug(f"printer:file={file},serial=PR77") as plugged:
        node = plugged.node("/dev/usb/lp")
        said = kernel.python("-c", ASK, node).stdout
        assert "MFG:wslusb;" in said
        assert "SN:PR77;" in said
        assert "protocols 2 6" in said, "it has both protocols, and usblp took the bidirectional one"
        assert "status 0x18" in said
        assert "Virtual printer" in said.splitlines()[-1]
        job = os.urandom(100_000)
        (lab.rig.shared / "job").write_bytes(job)
        file.write_bytes(b"")
        kernel.run(f"cat {lab.rig.shared}/job >{node}")
        poll(lambda: file.stat().st_size >= len(job), 10, "all is printed")
        assert file.read_bytes() == job
        lab.wait_driver_in_guest("usblp")


def test_a_job_waits_for_paper(lab: Lab, kernel: UmlMachine) -> None:
    file = lab.rig.shared / "printed"
    with lab.plug(f"printer:file={file},paper=4K,refill=100,speed=full") as plugged:
        node = plugged.node("/dev/usb/lp")
        kernel.run(f"dd if=/dev/zero bs=1k count=20 status=none | tr '\\0' x >{node}")
        poll(lambda: file.read_bytes() == b"x" * 20480, 10, "all is printed, on five sheets")


def test_usblp_tells_a_program_that_wants_to_know_that_paper_is_out(lab: Lab, kernel: UmlMachine) -> None:
    with lab.plug("printer:paper=4K") as plugged:
        said = kernel.python("-c", WRITE_ON, plugged.node("/dev/usb/lp")).stdout
        assert said.split() == [errno.errorcode[errno.ENOSPC]]
        assert "out of paper" in lab.kernel_said(kernel)
