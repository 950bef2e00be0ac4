"""What ``source`` of a device says in a rig file with a host of kind ``qemu``, as a piece of hardware.

``DRIVER,property=value,...`` is what stands after QEMU's ``-device``, and what is behind the device follows after a
``+``: ``usb-uas + scsi-hd,size=8M + scsi-hd,size=1M``. A few words more are this rig's own: ``size``, ``seed`` and
``image`` of a disk, ``loop`` of a serial port.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hil.errors import RigError
from hil.vm.hardware import AnyHardware, Bridge, Disk, SerialPort, Speaker, UsbHardware
from wslusb.sizes import byte_count

__all__ = ["parse_hardware"]

_BEHIND = re.compile(r"\s+\+\s+")
_COMMA = re.compile(r"(?<!,),(?!,)")
_SWITCH = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}

Reader = Callable[[str], Any]
_DISK: Mapping[str, Reader] = {"size": byte_count, "seed": int, "image": Path}


def _switch(text: str) -> bool:
    if text not in _SWITCH:
        raise ValueError(f"{text!r} is neither on nor off")
    return _SWITCH[text]


_PIECES: Mapping[str, tuple[Callable[..., UsbHardware], Mapping[str, Reader]]] = {
    "usb-storage": (Disk, _DISK),
    "scsi-hd": (Disk, _DISK),
    "scsi-cd": (Disk, _DISK),
    "usb-uas": (Bridge, {}),
    "usb-bot": (Bridge, {}),
    "usb-serial": (SerialPort, {"loop": _switch}),
    "usb-audio": (Speaker, {}),
}
_PLACE = ("bus", "port")


def parse_hardware(name: str, text: str, folder: Path = Path()) -> UsbHardware:
    """The piece that a ``source`` means; `name` becomes its id. RigError for a word that cannot be read.

    `folder` is where the rig file is: images are seen from there.
    """
    first, *rest = _BEHIND.split(text.strip())
    if first.partition(",")[0] in ("usb-uas", "usb-bot") and not rest:
        first, disk = _with_one_disk(first)
        rest = [disk]
    piece = _piece(name, name, first, folder)
    for number, each in enumerate(rest):
        behind = _piece(name, f"{name}-{number}", each, folder)
        behind.bus = f"{name}.0"
        piece.behind.append(behind)
    return piece


def _with_one_disk(text: str) -> tuple[str, str]:
    """A bridge that is said to have nothing behind it has one disk, which the words about disks are for."""
    driver, *words = _COMMA.split(text)
    for_disk = [word for word in words if word.partition("=")[0] in _DISK]
    return ",".join([driver, *(word for word in words if word not in for_disk)]), ",".join(["scsi-hd", *for_disk])


def _piece(name: str, called: str, text: str, folder: Path) -> UsbHardware:
    driver, *words = (word.replace(",,", ",") for word in _COMMA.split(text))
    given = dict(word.partition("=")[::2] for word in words)
    make, readers = _PIECES.get(driver, (AnyHardware, {}))
    if driver == "usb-serial" and "chardev" in given:
        make, readers = AnyHardware, {}
    own = {key: _read(name, key, given.pop(key), readers[key]) for key in readers if key in given}
    if "image" in own:
        own["image"] = folder / own["image"]
    place = {key: given.pop(key) for key in _PLACE if key in given}
    return make(id=called, driver=driver, properties=given, **place, **own)


def _read(name: str, key: str, value: str, reader: Reader) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise RigError(f"{name}: {key} in its source: {error}") from error
