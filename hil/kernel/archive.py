"""Debian's archive: which kernel packages there are, and their content, without installing anything."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

from hil.errors import BuildError
from hil.kernel.cache import cache_root

SERIES = "6.12"


def run(*command: str | Path, cwd: Path | None = None, log: Path | None = None) -> str:
    """Run a build step; its last words are in the error. With `log`, its output goes there."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if log is not None:
        with log.open("a") as file:
            file.write(f"$ {' '.join(words)}\n{done.stdout}{done.stderr}")
    if done.returncode:
        raise BuildError(f"`{' '.join(words)}` ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


@functools.cache
def apt_cache(*arguments: str) -> str:
    """Ask apt about packages. Container images switch its index off, so it gets one here: 0.2 s instead of 0.7."""
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    index = [f"-oDir::Cache::{name}={root}/apt-{name}.bin" for name in ("pkgcache", "srcpkgcache")]
    return run("apt-cache", *index, *arguments)


def version(package: str) -> str:
    """The newest version of a package that the archive offers."""
    found = re.search(r"^Version: (\S+)$", apt_cache("show", "--no-all-versions", package), re.MULTILINE)
    if found is None:
        raise BuildError(f"apt knows no version of {package}. Run: apt-get update")
    return found[1]


def newest_image(listing: str) -> str:
    """The newest plain amd64 image in the output of `apt-cache search`, a signed one before an unsigned one."""
    pattern = rf"^(linux-image-{re.escape(SERIES)}\.[0-9][^ ]*?-amd64(-unsigned)?) "
    images = [
        (natural(found[1].removesuffix("-unsigned")), not found[2], found[1])
        for found in re.finditer(pattern, listing, re.MULTILINE)
        if not re.search(r"-(cloud|rt)-", found[1])
    ]
    if not images:
        raise BuildError(f"apt knows no linux-image-{SERIES}.*-amd64. Run: apt-get update")
    return max(images)[2]


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A sort key that puts 6.12.9 before 6.12.10."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))


def unpack(package: str, work: Path) -> Path:
    """Download a package and unpack its files below `work`."""
    downloads = work / f"deb-{package}"
    downloads.mkdir()
    run("apt-get", "-o", "APT::Sandbox::User=root", "download", package, cwd=downloads)
    (deb,) = downloads.glob("*.deb")
    tree = work / package
    run("dpkg", "-x", deb, tree)
    deb.unlink()
    return tree
