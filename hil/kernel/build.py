"""Builds the User-Mode Linux kernel of the virtual rigs from Debian's kernel source: minutes once, then from cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hil.kernel import archive
from hil.kernel.cache import cached, content_key
from hil.requirements import ARCHIVE, UML_BUILD, require

PACKAGE = f"linux-source-{archive.SERIES}"
CONFIG = Path(__file__).with_name("uml.config")
RECIPE = "1"
"""Change this when the steps below change what comes out."""

UNUSED = (
    "arch/[!ux]*", "Documentation/*", "drivers/gpu/*", "drivers/net/ethernet/*", "drivers/net/wireless/*",
    "drivers/media/[!cmuv]*", "drivers/media/common/[!uv]*", "drivers/media/usb/[!u]*", "drivers/infiniband/*",
    "drivers/staging/*", "drivers/iio/*", "drivers/scsi/*/*",
    "tools/testing/*", "tools/perf/*", "fs/xfs/*", "fs/btrfs/*", "sound/soc/*", "sound/pci/*",
)  # fmt: skip
"""Four fifths of the source tree, of which only the Kconfig files and Makefiles are read."""


def uml_kernel() -> Path:
    """The path of the UML binary; builds it when the cache has none for this source, configuration and recipe."""
    require(ARCHIVE)
    key = content_key(archive.version(PACKAGE), CONFIG.read_bytes(), RECIPE)
    return cached("uml", key, _build) / "linux"


def _build(out: Path) -> None:
    require(UML_BUILD)
    with tempfile.TemporaryDirectory(prefix="wslusb-uml-", ignore_cleanup_errors=True) as name:
        work = Path(name)
        tree, build, log = work / "tree", work / "build", out / "build.log"
        tree.mkdir()
        source = archive.unpack(PACKAGE, work) / f"usr/src/{PACKAGE}.tar.xz"
        _extract(source, tree)
        make = ("make", "-C", tree, "ARCH=um", f"O={build}")
        archive.run(*make, f"KCONFIG_ALLCONFIG={CONFIG}", "allnoconfig", log=log)
        archive.run(*make, f"-j{os.cpu_count() or 2}", "linux", log=log)
        archive.run("strip", "-o", out / "linux", build / "linux")
        shutil.copyfile(build / ".config", out / "config")


def _extract(source: Path, tree: Path) -> None:
    excluded = [
        f"--exclude=*/{pattern}.{kind}" for pattern in UNUSED for kind in ("c", "h", "S", "rst", "yaml", "json")
    ]
    archive.run("tar", "-C", tree, "--strip-components=1", "--wildcards", *excluded, "-xf", source)
