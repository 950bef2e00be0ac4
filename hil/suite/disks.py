"""The disk of a device with the trait ``storage``, on either side, and the part of it that tests may write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from hil.errors import WantingError
from hil.live.device import LiveDevice
from hil.live.side import Side, probe

__all__ = ["MIB", "Disk", "Region", "disk", "needs", "reader_of", "units", "writer_of"]

MIB = 1 << 20
_DEFAULT_START, _DEFAULT_SIZE = 1 * MIB, 16 * MIB
"""As hil/rig/traits.py promises."""
_STEP_SECONDS = 300.0
_SUPERSPEED = 5000
_UAS = "62"
"""bInterfaceProtocol, as sysfs has it. A bridge that speaks Bulk-Only Transport, too, has that in setting 0."""


@dataclass(slots=True, frozen=True)
class Disk:
    """The first logical unit with a medium. ``facts`` are those of :mod:`hil.probes.disks`."""

    side: Side
    facts: dict[str, Any]

    @property
    def node(self) -> str:
        """As the kernel of its side calls it now."""
        return str(self.facts["node"])

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self.facts["size"])

    @property
    def block(self) -> int:
        """Bytes of a logical block."""
        return int(self.facts["block_size"])

    def do(self, *steps: Sequence[Any]) -> list[Any]:
        """Steps of :mod:`hil.probes.disk`; what each gives."""
        side = self.side
        found: list[Any] = probe(
            side.daemons, side.place, "disk", _STEP_SECONDS, side=side.name, node=self.node, steps=steps
        )  # fmt: skip
        return found


@dataclass(slots=True, frozen=True)
class Region:
    """What tests may write, in bytes; both numbers are multiples of ``block``."""

    start: int
    size: int
    block: int

    @classmethod
    def of(cls, device: LiveDevice, there: Disk) -> Region:
        """By the options of its entry, as far as the disk has it."""
        options = device.entry.options.get("storage", {})
        block = there.block
        start = -(-options.get("start", _DEFAULT_START) // block) * block
        size = min(options.get("size", _DEFAULT_SIZE), there.size - start) // block * block
        if size < 64 * block:
            pytest.skip(f"storage in the rig file leaves {max(0, size)} bytes to write from byte {start} on")
        return cls(start, size, block)


def units(side: Side) -> list[Disk]:
    """Every disk of a device on one side, with a medium or without."""
    found = side.probe("disks")
    if not found and _needs_streams(side):
        hint = "plug it into a port without SuperSpeed"
        raise WantingError(f"it speaks UAS alone, which needs bulk streams here, and vhci_hcd has none: {hint}")
    assert found, f"{side}: {side.place.name} has the device, and no disk of it; its nodes are {side.nodes}"
    return [Disk(side, facts) for facts in found]


def disk(side: Side) -> Disk:
    """The first disk on one side that has a medium. Skips a card reader without a card."""
    with_medium = [each for each in units(side) if each.size]
    if not with_medium:
        pytest.skip("there is no medium in it")
    return with_medium[0]


def _needs_streams(side: Side) -> bool:
    """Whether the guest has it at SuperSpeed with UAS and nothing else (drivers/usb/storage/uas-detect.h)."""
    if side.name != "passthrough":
        return False
    folder = f"/sys/bus/usb/devices/{side.busid}"
    speed, *protocols = side.place.run(f"cat {folder}/speed {folder}/*:*/bInterfaceProtocol").stdout.split()
    return float(speed) >= _SUPERSPEED and set(protocols) == {_UAS}


def writer_of(device: LiveDevice, where: str) -> Side:
    """The side that is to write: ``natively`` or ``in the guest``. Skips where no kernel has the device natively."""
    if where == "in the guest":
        return device.passthrough()
    side = device.native()
    if not side.has_kernel:
        pytest.skip("no kernel of the host has a device that is opened in process")
    return side


def reader_of(device: LiveDevice, writer: Side) -> Side:
    """The other side than the one that has written; where only the guest has a kernel, the guest attached anew."""
    other: Callable[[], Side] = device.native if writer.name == "passthrough" else device.passthrough
    side = other()
    return side if side.has_kernel else device.passthrough()


def needs(side: Side, *programs: str) -> None:
    """WantingError where a side lacks one of these."""
    script = f"PATH=$PATH:/usr/sbin:/sbin; for p in {' '.join(programs)}; do command -v $p >/dev/null || echo $p; done"
    if missing := side.place.run(script).stdout.split():
        raise WantingError(f"{side.place.name} lacks {', '.join(missing)}")
