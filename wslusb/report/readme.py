"""The README of a bundle: what is in it, what is not, and what to do with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["NAME", "readme", "words"]

NAME = "README.md"
_HEAD = """# Bug bundle of wslusb

Device: {device}

## What is in it

{contents}
"""
_MISSING = """
## What is missing

{missing}
"""
_REDACTED = """
## What was taken out

Other devices' traffic, keys that were typed, and the contents of disks, networks, serial lines and everything else that
is not understood for certain: they are zeroes. Serial numbers, hardware addresses, container ids, UUIDs, IP addresses,
names of machines and users, and home directories: upper-case hexadecimal digits (bytes, in binary data) of the same
length stand in their place, the same ones wherever the same value stood. docs/capture.md of wslusb has what becomes of
each kind of data, and what stays: lengths, times, SETUP packets, strings that are no serial numbers.

Every file was searched again for the original values when all was written: **{scan}**.
"""
_RAW = """
## Nothing was taken out

This bundle was made with --raw: it has serial numbers, keys, file contents and names in it. It is not for strangers.
"""
_USE = """
## What to do with it

The reporter: look through it, then attach it to the bug report, with a sentence on what you did and what you saw.

The maintainer, with a checkout of wslusb:

```sh
{commands}
```
"""
_WITH_CAPTURE = """# what went on
unzip -p {file} capture.pcapng | wireshark -k -i -
# its capture, served as a device (docs/replay.md)
wslusb replay {file}
# its capture, as a regression test
wslusb replay {file} --to-test tests/regressions
"""
_WITH_DESCRIPTORS = """# its descriptors, as a virtual device: a file that can be changed, and the device itself
python -m emulator import {file} -o device.toml
python -m emulator run ./{file}
"""
_ALWAYS = """# what the machine says
unzip -p {file} doctor.txt kernel.txt versions.txt | less
"""


def readme(
    device: str, contents: Sequence[tuple[str, str]], missing: Mapping[str, str], *, raw: bool, scan: str, file: str,
    capture: bool, descriptors: bool,
) -> str:  # fmt: skip
    """The text. ``contents``: files and what they are; ``missing``: what is not there, and why; ``file``: the name."""
    text = _HEAD.format(device=device, contents=_table(contents))
    if missing:
        text += _MISSING.format(missing="\n".join(f"- {what}: {why}" for what, why in missing.items()))
    text += _RAW if raw else _REDACTED.format(scan=scan)
    commands = (_WITH_CAPTURE if capture else "") + (_WITH_DESCRIPTORS if descriptors else "")
    return text + _USE.format(commands=(commands + _ALWAYS).format(file=file).rstrip("\n"))


def _table(contents: Sequence[tuple[str, str]]) -> str:
    return "\n".join(("| file | what |", "| --- | --- |", *(f"| `{name}` | {what} |" for name, what in contents)))


def words() -> frozenset[str]:
    """The words of every README, in lower case: a user with such a name is not told by it."""
    whole = _HEAD + _MISSING + _REDACTED + _RAW + _USE + _WITH_CAPTURE + _WITH_DESCRIPTORS + _ALWAYS
    return frozenset(re.findall(r"[a-z0-9]+", whole.lower()))
