"""What a virtual rig needs of the machine it runs on, and the one command that brings it (Debian's package names)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from hil.errors import RequirementsError

COMMON = {"busybox": "busybox-static", "bash": "bash", "modprobe": "kmod"}
"""Used inside of every machine."""

UML_BUILD = {
    "gcc": "build-essential",
    "make": "build-essential",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "xz": "xz-utils",
    "apt-get": "apt",
    "dpkg": "dpkg",
    "/usr/include/gelf.h": "libelf-dev",
    "/usr/include/openssl/opensslv.h": "libssl-dev",
}
ARCHIVE = {"apt-cache": "apt"}
"""Both kernels come from Debian's archive, and the archive's version names the entry in the cache."""

STOCK_KERNEL = {"apt-get": "apt", "dpkg": "dpkg", "depmod": "kmod"}
QEMU = {"qemu-system-x86_64": "qemu-system-x86"}

TEST_TOOLS = {
    "usbip": "usbip",
    "aplay": "alsa-utils",
    "lsusb": "usbutils",
    "amidi": "alsa-utils",
    "ssh-keygen": "openssh-client",
    "pcscd": "pcscd",
    "scriptor": "pcsc-tools",
    "/usr/lib/pcsc/drivers/ifd-ccid.bundle": "libccid",
    "mkfs.vfat": "dosfstools",
    "mkfs.ext2": "e2fsprogs",
    "dfu-util": "dfu-util",
    "uhubctl": "uhubctl",
    "ip": "iproute2",
    "ping": "iputils-ping",
    "/usr/lib/x86_64-linux-gnu/libusb-1.0.so.0": "libusb-1.0-0",
}
"""Used by the kernel tests inside of the machines."""

SSH = {"/usr/sbin/sshd": "openssh-server", "ssh-keygen": "openssh-client"}
"""Used by the tests of places behind ssh, on this machine."""

WIRESHARK = {"tshark": "tshark"}
"""Used by the tests of the Wireshark dissector, on this machine."""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def present(program: str) -> bool:
    """Whether a program (or a file, by its absolute path) exists; sbin counts, whatever the user's PATH says."""
    if program.startswith("/"):
        return Path(program).exists()
    return shutil.which(program) is not None or shutil.which(program, path=SYSTEM_PATH) is not None


def require(*tables: dict[str, str], exists: Callable[[str], bool] = present) -> None:
    """Raise `RequirementsError` for all that these tables name and that is not here."""
    missing = {program: package for table in tables for program, package in table.items() if not exists(program)}
    if missing:
        raise RequirementsError(tuple(missing), _unique(missing.values()))


def _unique(packages: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(packages)))
