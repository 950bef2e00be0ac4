"""Makes an initramfs by hand: busybox, a script, and the few modules that reach the root file system.

The cpio "newc" format is simple enough (Linux: Documentation/driver-api/early-userspace/buffer-format.rst) to need
no program, and the same inputs give the same bytes.
"""

from __future__ import annotations

import lzma
import stat
from collections.abc import Iterable
from pathlib import Path

from hil.errors import BuildError

BUSYBOX_APPLETS = ("sh", "mount", "insmod", "mkdir", "switch_root", "ln", "cat", "uname", "poweroff", "echo")
DIRECTORIES = ("bin", "modules", "proc", "sys", "dev", "run", "root", "lower")


def initramfs(busybox: Path, script: Path, modules: Iterable[Path]) -> bytes:
    """The archive: the kernel starts `script` as /init; /modules/load lists the modules in order."""
    archive = Cpio()
    for name in DIRECTORIES:
        archive.add(name, stat.S_IFDIR | 0o755)
    archive.add("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes())
    for applet in BUSYBOX_APPLETS:
        archive.add(f"bin/{applet}", stat.S_IFLNK | 0o777, b"busybox")
    names = []
    for module in modules:
        name = module.name.removesuffix(".xz")
        archive.add(f"modules/{name}", stat.S_IFREG | 0o644, read_module(module))
        names.append(name)
    archive.add("modules/load", stat.S_IFREG | 0o644, "".join(f"{name}\n" for name in names).encode())
    archive.add("init", stat.S_IFREG | 0o755, script.read_bytes())
    return archive.finish()


class Cpio:
    """An archive in the making."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._inode = 0

    def add(self, name: str, mode: int, content: bytes = b"") -> None:
        """Append one entry; its directory has to be there already."""
        self._inode += 1
        path = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        self._data += b"070701" + b"".join(b"%08x" % field for field in fields)
        for part in (path, content):
            self._data += part
            self._data += bytes(-len(self._data) % 4)

    def finish(self) -> bytes:
        """The archive with its trailer."""
        self.add("TRAILER!!!", 0)
        return bytes(self._data)


def read_module(path: Path) -> bytes:
    """A module's content, unpacked: busybox's insmod takes no xz."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def module_name(path: str) -> str:
    """The name by which a module is asked for."""
    return path.rsplit("/", 1)[-1].split(".ko", 1)[0].replace("-", "_")


def load_order(directory: Path, wanted: Iterable[str]) -> list[Path]:
    """The files of these modules and of all that they need, in an order that loads (from depmod's index)."""
    lines = (directory / "modules.dep").read_text().splitlines()
    needs = {file: rest.split() for file, _, rest in (line.partition(":") for line in lines)}
    files = {module_name(file): file for file in needs}
    builtin = {module_name(line) for line in (directory / "modules.builtin").read_text().splitlines()}
    order: dict[str, None] = {}
    for name in wanted:
        if name in files:
            # depmod lists the nearest need first, and the needs of the needs too.
            order.update(dict.fromkeys([*reversed(needs[files[name]]), files[name]]))
        elif name not in builtin:
            raise BuildError(f"{directory.name} has no module {name}")
    return [directory / file for file in order]
