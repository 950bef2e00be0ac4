"""Every key that a rig file may have, with what it is for: the reader and the reference page go by these tables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import fingerprint
from .checks import (
    Option,
    above_zero,
    choice,
    identifier,
    kind_table,
    matching,
    reasons,
    some_texts,
    table,
    text,
    texts,
    whole,
)
from .model import Safety

__all__ = ["ALLOW", "DEVICE", "GUESTS", "HOSTS", "LIMITS", "NAME", "POWER", "RIG", "VIRTUAL_GUEST", "VIRTUAL_HOSTS"]

_PORT = re.compile(r"\S+-\d+(\.\d+)*")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
NAME = matching(_NAME, "a name of letters, digits, '_', '-' and '.', 64 at most")
"""What a device may be called: it becomes a part of test ids and of file names."""

VIRTUAL_HOSTS: Mapping[str, str] = {
    "qemu": "usb-tablet,serial=T1", "uml": "mass-storage --serial S1", "emulated": "storage:size=64M",
    "replay": "bug.pcapng",
}  # fmt: skip
"""Hosts whose devices are made for the run: an entry says by ``source`` what is plugged in. Each with an example."""
VIRTUAL_GUEST = "uml"
"""The guest that goes with them: nobody else reaches the vsock of a virtual host."""

RIG: Mapping[str, Option] = {
    "name": Option("what the rig is called in reports; the file's name if it is not given", text)
}

_LISTEN = {"listen": Option("addresses that the service listens on, such as ['vsock:']", some_texts)}
_CONNECT = {"connect": Option("address of the service as the guest sees it, such as 'vsock:2'", text)}
_PYTHON = {
    "python": Option("a Python there that has wslusb installed, such as '/opt/wslusb/bin/python'", text),
    "directory": Option("a checkout of wslusb there", text),
}
_SSH = {"address": Option("what ssh is called with, such as 'root@lab-3'", text, needed=True), **_PYTHON}
_COMMAND = {
    "run": Option("the words before each command, such as ['docker', 'exec', '-i', 'x']", some_texts, needed=True),
    **_PYTHON,
}
_MEMORY = {"memory": Option("of the virtual machine, in MiB", whole(64, 1 << 20))}

HOSTS: Mapping[str, Mapping[str, Option]] = {
    "local": {**_PYTHON, **_LISTEN},
    "ssh": {**_SSH, **_LISTEN},
    "command": {**_COMMAND, **_LISTEN},
    "qemu": {
        **_MEMORY,
        "qemu_args": Option("more arguments of QEMU, such as ['-netdev', 'user,id=net0']", texts),
        "modules": Option("modules of its kernel to load beside the usual ones, such as ['cdc_ether']", texts),
    },
    "uml": _MEMORY,
    "emulated": {},
    "replay": {},
}
"""Where the hardware is: kinds, and the options of each."""

GUESTS: Mapping[str, Mapping[str, Option]] = {
    "uml": _MEMORY,
    "local": {**_PYTHON, **_CONNECT},
    "ssh": {**_SSH, **_CONNECT},
    "wsl": {"distribution": Option("as 'wsl --list' calls it", text, needed=True),
            **_PYTHON, **_CONNECT},
    "command": {**_COMMAND, **_CONNECT},
}  # fmt: skip
"""Whose kernel gets the device: kinds, and the options of each."""

POWER: Mapping[str, Mapping[str, Option]] = {
    "uhubctl": {
        "location": Option("the hub, as 'uhubctl' lists it, such as '1-1'", text, needed=True),
        "port": Option("the port of that hub", whole(1, 255), needed=True),
    },
    "ykush": {
        "port": Option("the port of the YKUSH", whole(1, 10), needed=True),
        "serial": Option("of the YKUSH, where there are several", text),
    },
    "command": {
        "off": Option("a shell command that cuts the power", text, needed=True),
        "on": Option("a shell command that gives it back", text, needed=True),
    },
    "manual": {},
    "bench": {},
    "none": {},
}
"""How power is switched: kinds, and the options of each."""

LIMITS: Mapping[str, Option] = {
    "latency": Option("passthrough to native: how many times slower a round trip may be", above_zero),
    "throughput": Option("passthrough to native: the least share of the bytes a second", above_zero),
}
"""What may be measured, and held against a limit."""

ALLOW: Mapping[str, str] = {
    "keyboard": "a boot keyboard; on a virtual host alone, where nobody types",
    "mounted": "a disk that is mounted below /media, /run/media or /mnt: tests take it away",
}
"""Words that lift a refusal."""

DEVICE: Mapping[str, Option] = {
    "vid": Option("idVendor", identifier),
    "pid": Option("idProduct", identifier),
    "serial": Option("the serial number, letter by letter", text),
    "port": Option("where it is plugged in: a busid such as '1-2', or a port path, which outlives a reboot",
                   matching(_PORT, "a port such as '1-2' or '1-4.1', or a port path as 'suggest' prints it")),
    "traits": Option("what tests may ask it for", texts),
    "safety": Option("the most that tests may do to it; read-only if it is not given",
                     choice((each.word for each in Safety), "safety")),
    "power": Option("how its power is switched: a table with a kind", kind_table),
    "fingerprint": Option("of its descriptors, as 'suggest' prints it: a device that has become another one fails",
                          matching(fingerprint.PATTERN, "'sha256:' and 64 hexadecimal digits")),
    "limits": Option("a table of what is measured", table),
    "allow": Option("what is refused otherwise", texts),
    "leave_out": Option("tests that it is known to fail, each with the reason: they are skipped", reasons),
    "source": Option("what a virtual host plugs in: 'storage:size=64M', 'usb-tablet', a capture", text),
}  # fmt: skip
"""Keys of a device; beside these, each trait that it has may have a table of options."""
