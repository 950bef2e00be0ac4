from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from hil.errors import BuildError
from hil.kernel import archive, initramfs

LISTING = """\
linux-image-6.12-amd64-dbg - Debugging symbols
linux-image-6.12.9+deb12-amd64 - Linux 6.12 for 64-bit PCs (signed)
linux-image-6.12.10+deb12-amd64 - Linux 6.12 for 64-bit PCs (signed)
linux-image-6.12.10+deb12-amd64-dbg - Debug symbols
linux-image-6.12.10+deb12-amd64-unsigned - Linux 6.12 for 64-bit PCs
linux-image-6.12.11+deb12-cloud-amd64 - Linux 6.12 for x86-64 cloud (signed)
linux-image-6.12.11+deb12-rt-amd64 - Linux 6.12 for 64-bit PCs (signed), PREEMPT_RT
"""


def test_newest_image_is_plain_and_signed_if_possible() -> None:
    assert archive.newest_image(LISTING) == "linux-image-6.12.10+deb12-amd64"
    newer = LISTING + "linux-image-6.12.12+deb12-amd64-unsigned - Linux 6.12 for 64-bit PCs\n"
    assert archive.newest_image(newer) == "linux-image-6.12.12+deb12-amd64-unsigned"


def test_without_package_lists_the_message_says_what_to_run() -> None:
    with pytest.raises(BuildError, match="apt-get update"):
        archive.newest_image("")


def test_a_build_step_that_fails_shows_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"ended with 3:\nfrom stdout\nfrom stderr"):
        archive.run("sh", "-c", "echo from stdout; echo from stderr >&2; exit 3", log=tmp_path / "log")
    assert "from stdout" in (tmp_path / "log").read_text()


def write_index(directory: Path) -> None:
    (directory / "modules.dep").write_text(
        "kernel/fs/9p.ko.xz: kernel/net/9pnet.ko.xz kernel/fs/net-fs.ko.xz\n"
        "kernel/net/9pnet.ko.xz: kernel/fs/net-fs.ko.xz\n"
        "kernel/fs/net-fs.ko.xz:\n"
    )
    (directory / "modules.builtin").write_text("kernel/drivers/virtio/virtio_pci.ko\n")


def test_modules_load_after_what_they_need(tmp_path: Path) -> None:
    write_index(tmp_path)
    order = initramfs.load_order(tmp_path, ["virtio-pci".replace("-", "_"), "9p", "net_fs"])
    assert [path.name for path in order] == ["net-fs.ko.xz", "9pnet.ko.xz", "9p.ko.xz"]
    with pytest.raises(BuildError, match="no module nothing"):
        initramfs.load_order(tmp_path, ["nothing"])


def test_the_archive_is_cpio_and_reproducible(tmp_path: Path) -> None:
    busybox, script, module = tmp_path / "busybox", tmp_path / "init", tmp_path / "a.ko.xz"
    busybox.write_bytes(b"ELF")
    script.write_bytes(b"#!/bin/sh\n")
    module.write_bytes(lzma.compress(b"module"))
    image = initramfs.initramfs(busybox, script, [module])
    assert image == initramfs.initramfs(busybox, script, [module])
    entries = dict(cpio_entries(image))
    assert entries["init"] == b"#!/bin/sh\n"
    assert entries["bin/sh"] == b"busybox"
    assert entries["modules/a.ko"] == b"module"
    assert entries["modules/load"] == b"a.ko\n"


def cpio_entries(image: bytes) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    at = 0
    while True:
        assert image[at : at + 6] == b"070701"
        fields = [int(image[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        name = image[at + 110 : at + 110 + fields[11] - 1].decode()
        start = at + -(-(110 + fields[11]) // 4) * 4
        if name == "TRAILER!!!":
            return found
        found.append((name, image[start : start + fields[6]]))
        at = start + -(-fields[6] // 4) * 4
