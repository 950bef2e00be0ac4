"""Device nodes of this machine that a ``WslusbDriver`` brings, as resources that labgrid's own drivers bind to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attr
from labgrid.factory import target_factory
from labgrid.resource.base import SerialPort
from labgrid.resource.common import ManagedResource, ResourceManager
from labgrid.resource.udev import USBMassStorage

__all__ = ["AttachedNode", "WslusbMassStorage", "WslusbSerialPort"]


@attr.s(eq=False)
class NodeManager(ResourceManager):
    """Looks for nothing: the driver says when there is a node."""


class AttachedNode:
    """What both have. ``prefix`` is how such nodes' names begin."""

    prefix: str
    device: str | None
    index: int

    def brought_by(self, device: Any) -> bool:
        """Whether the node is this device's: the one that is named, or any."""
        return self.device in (None, device.name)

    def offer(self, nodes: Sequence[str]) -> None:
        """The device is attached, or is not any more (no nodes)."""
        mine = [node for node in nodes if node.startswith(self.prefix)]
        self.appear(mine[self.index] if self.index < len(mine) else None)

    def appear(self, node: str | None) -> None:
        """Take the node, or be without one."""
        raise NotImplementedError


@target_factory.reg_resource
@attr.s(eq=False)
class WslusbSerialPort(ManagedResource, SerialPort, AttachedNode):
    """The tty of an attached device, for labgrid's SerialDriver.

    Args:
        device (str): name of the device's resource, if there are several
        index (int): which of its ttys, from 0
        speed (int): of the port, in baud
    """

    manager_cls = NodeManager
    prefix = "/dev/tty"
    device: str | None = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(str)))
    index: int = attr.ib(default=0, validator=attr.validators.instance_of(int))

    def appear(self, node: str | None) -> None:
        """See :class:`AttachedNode`."""
        self.port = node
        self.avail = node is not None


@target_factory.reg_resource
@attr.s(eq=False)
class WslusbMassStorage(USBMassStorage, AttachedNode):
    """The disk of an attached device, for labgrid's USBStorageDriver.

    Args:
        device (str): name of the device's resource, if there are several
        index (int): which of its disks (logical units), from 0
    """

    manager_cls = NodeManager
    prefix = "/dev/sd"
    device: str | None = attr.ib(default=None, validator=attr.validators.optional(attr.validators.instance_of(str)))
    index: int = attr.ib(default=0, validator=attr.validators.instance_of(int))
    node: str | None = None

    @property
    def path(self) -> str | None:
        """The node of the whole disk."""
        return self.node

    def appear(self, node: str | None) -> None:
        """See :class:`AttachedNode`."""
        self.node = node
