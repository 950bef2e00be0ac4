"""Standard requests (USB 2.0, 9.4) answered from a capture's descriptors, and from what was asked since."""

from __future__ import annotations

from collections.abc import Callable

from ..usb.descriptors import Configuration
from ..usb.ids import DescriptorType
from ..usb.setup import Request, RequestType, Setup
from .facts import Facts

__all__ = ["Chapter9"]

_DONE = b""
_HALT = 0
_SELF_POWERED = 0x40


class Chapter9:
    """The state that standard requests change. ``miss`` is told what was asked for and the capture does not hold."""

    def __init__(self, facts: Facts, miss: Callable[[list[str]], None]) -> None:
        self._facts = facts
        self._miss = miss
        self._configurations = {each.value: each for each in facts.parsed()}
        self.configuration = facts.info().active_configuration
        self.halted: set[int] = set()
        self._alternates: dict[int, int] = {}
        self._table: dict[tuple[int, int], Callable[[Setup], bytes | None]] = {
            (0x80, Request.GET_DESCRIPTOR): self._descriptor,
            (0x81, Request.GET_DESCRIPTOR): self._descriptor,
            (0x80, Request.GET_STATUS): self._device_status,
            (0x81, Request.GET_STATUS): lambda _: b"\0\0",
            (0x82, Request.GET_STATUS): lambda setup: bytes((setup.index in self.halted, 0)),
            (0x80, Request.GET_CONFIGURATION): lambda _: bytes((self.configuration,)),
            (0x00, Request.SET_CONFIGURATION): self._set_configuration,
            (0x81, Request.GET_INTERFACE): lambda setup: bytes((self._alternates.get(setup.index, 0),)),
            (0x01, Request.SET_INTERFACE): self._set_interface,
            (0x02, Request.CLEAR_FEATURE): self._endpoint_feature,
            (0x02, Request.SET_FEATURE): self._endpoint_feature,
        }

    def knows(self, setup: Setup) -> bool:
        """Whether this is a request that is answered here."""
        return setup.kind == RequestType.STANDARD and (setup.request_type, setup.request) in self._table

    def answer(self, setup: Setup) -> bytes | None:
        """The data, cut to wLength; None to stall."""
        reply = self._table[setup.request_type, setup.request](setup)
        return None if reply is None else reply[: setup.length]

    def reset(self) -> None:
        """The port was reset, or a configuration chosen: no halts, all settings are 0."""
        self.halted.clear()
        self._alternates.clear()

    @property
    def active(self) -> Configuration | None:
        """The configuration that is chosen, if the capture holds its descriptor."""
        return self._configurations.get(self.configuration)

    def _descriptor(self, setup: Setup) -> bytes | None:
        found = self._facts.get(setup)
        if found is None and not self._facts.was_refused(setup):
            kind = setup.value >> 8
            name = DescriptorType(kind).name.lower() if kind in set(DescriptorType) else f"type {kind:#04x}"
            self._miss([f"descriptor {name} {setup.value & 0xFF}, index {setup.index:#06x} (stalled)"])
        return found

    def _device_status(self, _setup: Setup) -> bytes:
        active = self.active
        return bytes((active is not None and active.attributes & _SELF_POWERED != 0, 0))

    def _set_configuration(self, setup: Setup) -> bytes | None:
        if setup.value and self._configurations and setup.value not in self._configurations:
            return None
        self.configuration = setup.value
        self.reset()
        return _DONE

    def _set_interface(self, setup: Setup) -> bytes | None:
        interfaces = self.active.interfaces if self.active else ()
        chosen = [each for each in interfaces if (each.number, each.alternate) == (setup.index, setup.value)]
        if not chosen and self._configurations:
            return None
        self._alternates[setup.index] = setup.value
        self.halted -= {endpoint.address for each in chosen for endpoint in each.endpoints}
        return _DONE

    def _endpoint_feature(self, setup: Setup) -> bytes | None:
        if setup.value != _HALT:
            return None
        if setup.request == Request.SET_FEATURE:
            self.halted.add(setup.index)
        else:
            self.halted.discard(setup.index)
        return _DONE
