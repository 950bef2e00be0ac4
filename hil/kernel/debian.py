"""Fetches the stock Debian kernel: its image and modules for QEMU, unpacked once, and an initramfs for them."""

from __future__ import annotations

import functools
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hil.errors import RequirementsError
from hil.kernel import archive
from hil.kernel.cache import cached, content_key
from hil.kernel.initramfs import initramfs, load_order
from hil.requirements import ARCHIVE, STOCK_KERNEL, SYSTEM_PATH, require

RECIPE = "1"
INIT = Path(__file__).parents[1] / "vm" / "init" / "initramfs.sh"
MODULES = (
    "virtio_pci", "virtio_console", "virtio_rng", "9pnet_virtio", "9p", "overlay",
    "vmw_vsock_virtio_transport", "xhci_pci", "usb_storage", "uas", "sd_mod", "usbhid", "hid_generic", "evdev",
    "ftdi_sio", "snd_usb_audio", "usbmon", "usbip_host",
)  # fmt: skip
"""Root file system, channel, and the drivers of the rig's hardware (there is no udev in the machine). They are loaded
from the initramfs because they lie there unpacked: in software emulation, modprobe and xz take a third of a second
each. Others are found in /lib/modules."""


@dataclass(frozen=True)
class StockKernel:
    """A kernel that QEMU can start; `modules` is its directory below lib/modules."""

    image: Path
    modules: Path
    initramfs: Path


@functools.cache
def stock_kernel() -> StockKernel:
    """The newest stock kernel of the series, from the cache or the archive."""
    require(ARCHIVE)
    package = archive.newest_image(archive.apt_cache("search", "--names-only", f"^linux-image-{archive.SERIES}"))
    tree = cached("debian", content_key(package, archive.version(package), RECIPE), lambda out: _fetch(package, out))
    (image,) = tree.glob("boot/vmlinuz-*")
    (modules,) = tree.glob("lib/modules/*")
    busybox = _busybox()
    key = content_key(str(modules), busybox.read_bytes(), INIT.read_bytes(), " ".join(MODULES), RECIPE)
    made = cached(
        "initramfs", key, lambda out: _write(out / "image", initramfs(busybox, INIT, load_order(modules, MODULES)))
    )
    return StockKernel(image, modules, made / "image")


def _fetch(package: str, out: Path) -> None:
    require(STOCK_KERNEL)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=out.parent) as name:
        tree = archive.unpack(package, Path(name))
        (modules,) = tree.glob("lib/modules/*")
        archive.run("depmod", "-b", tree, modules.name)
        for part in ("boot", "lib"):
            (tree / part).rename(out / part)


def _busybox() -> Path:
    found = shutil.which("busybox") or shutil.which("busybox", path=SYSTEM_PATH)
    if found is None:
        raise RequirementsError(("busybox",), ("busybox-static",))
    return Path(found)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
