"""Endpoint zero: the standard requests of USB 2.0 and 3.2, 9.4, answered from the description and the device's state.

One method a request; what is not in the table, and what the table's method has no answer to, goes to the firmware, and
what that does not know is stalled. An answer is never longer than wLength.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from wslusb.usb.ids import DescriptorType, Speed
from wslusb.usb.setup import Request, RequestType, Setup
from wslusb.usb.urb import Buffer

from .core import Core
from .features import ENDPOINT_HALT
from .firmware import PASS, Deferred, Pass

__all__ = ["ControlEndpoint"]

_log = logging.getLogger(__name__)
_EXIT_LATENCIES_SIZE = 6
_DONE = b""
_Reply = Buffer | Deferred | Pass | None


class ControlEndpoint:
    """Answers SETUP packets for a :class:`Core`. Called with the device's lock held."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._table: dict[tuple[int, int], Callable[[Setup], bytes | None]] = {
            (0x80, Request.GET_STATUS): self._device_status,
            (0x81, Request.GET_STATUS): self._interface_status,
            (0x82, Request.GET_STATUS): self._endpoint_status,
            (0x80, Request.GET_DESCRIPTOR): self._descriptor,
            (0x80, Request.GET_CONFIGURATION): self._get_configuration,
            (0x00, Request.SET_CONFIGURATION): self._set_configuration,
            (0x81, Request.GET_INTERFACE): self._get_interface,
            (0x01, Request.SET_INTERFACE): self._set_interface,
            (0x00, Request.SET_FEATURE): self._device_feature,
            (0x00, Request.CLEAR_FEATURE): self._device_feature,
            (0x01, Request.SET_FEATURE): self._interface_feature,
            (0x01, Request.CLEAR_FEATURE): self._interface_feature,
            (0x02, Request.SET_FEATURE): self._endpoint_feature,
            (0x02, Request.CLEAR_FEATURE): self._endpoint_feature,
            (0x00, Request.SET_ISOCH_DELAY): self._set_isoch_delay,
        }

    def answer(self, setup: Setup, data: Buffer = b"") -> Buffer | None:
        """The IN bytes, ``b""`` for a request without, or None to stall (USB 2.0, 9.2.7). ``data``: the OUT stage.

        Where the firmware would answer later, this stalls; :meth:`begin` is for boards that can wait.
        """
        reply = self.begin(setup, data)
        return None if isinstance(reply, Deferred) else reply

    def begin(self, setup: Setup, data: Buffer = b"") -> Buffer | Deferred | None:
        """As :meth:`answer`, or what the answer is to come by; that one is not yet cut to wLength."""
        reply: _Reply = PASS
        if setup.kind == RequestType.STANDARD:
            reply = self._ask(self._core.firmware.override, setup, data)
            if reply is PASS:
                known = self._standard(setup, data)
                reply = PASS if known is None else known
        if reply is PASS:
            reply = self._ask(self._core.firmware.control, setup, data)
        if reply is None or reply is PASS:
            return None
        return reply if isinstance(reply, Deferred) or len(reply) <= setup.length else memoryview(reply)[: setup.length]

    def _standard(self, setup: Setup, data: Buffer) -> bytes | None:
        if (setup.request_type, setup.request) == (0x00, Request.SET_SEL):  # the only one with an OUT stage
            return self._set_exit_latencies(setup, data)
        handler = self._table.get((setup.request_type, setup.request))
        return handler(setup) if handler else None

    def _ask(self, firmware: Callable[[Setup, memoryview], _Reply], setup: Setup, data: Buffer) -> _Reply:
        try:
            return firmware(setup, memoryview(data))
        except Exception:  # noqa: BLE001 - a bug in a firmware is a broken device, not a broken program
            _log.exception("the firmware failed on %s", setup)
            return None

    def _device_status(self, setup: Setup) -> bytes | None:
        if setup.value or setup.index:
            return None
        return self._core.features.device_status().to_bytes(2, "little")

    def _interface_status(self, setup: Setup) -> bytes | None:
        if setup.value or self._core.alternate(setup.index) is None:
            return None
        return self._core.features.interface_status(setup.index).to_bytes(2, "little")

    def _endpoint_status(self, setup: Setup) -> bytes | None:
        if setup.value:
            return None
        if setup.index & 0xFF7F == 0:
            return b"\0\0"
        pipe = self._core.pipes.get(setup.index)
        return None if pipe is None else bytes((pipe.halted, 0))

    def _descriptor(self, setup: Setup) -> bytes | None:
        kind, index, gadget = setup.value >> 8, setup.value & 0xFF, self._core.gadget
        if kind == DescriptorType.STRING:
            return gadget.string_descriptor(index, setup.index)
        if kind == DescriptorType.CONFIGURATION:
            return gadget.configurations[index].pack() if index < len(gadget.configurations) else None
        if kind == DescriptorType.OTHER_SPEED_CONFIGURATION:
            return gadget.other_speed(index)
        if index:
            return None
        if kind == DescriptorType.DEVICE:
            return gadget.device.pack()
        if kind == DescriptorType.DEVICE_QUALIFIER:
            return gadget.qualifier()
        return gadget.bos or None if kind == DescriptorType.BOS else None

    def _get_configuration(self, setup: Setup) -> bytes | None:
        return None if setup.value or setup.index else bytes((self._core.configuration,))

    def _set_configuration(self, setup: Setup) -> bytes | None:
        return _DONE if not setup.index and self._core.configure(setup.value) else None

    def _get_interface(self, setup: Setup) -> bytes | None:
        alternate = self._core.alternate(setup.index)
        return None if setup.value or alternate is None else bytes((alternate,))

    def _set_interface(self, setup: Setup) -> bytes | None:
        return _DONE if self._core.choose(setup.index, setup.value) else None

    def _device_feature(self, setup: Setup) -> bytes | None:
        on = setup.request == Request.SET_FEATURE
        return _DONE if self._core.features.change(setup.value, setup.index, on=on) else None

    def _interface_feature(self, setup: Setup) -> bytes | None:
        on = setup.request == Request.SET_FEATURE
        return _DONE if self._core.features.suspend_function(setup.value, setup.index, on=on) else None

    def _endpoint_feature(self, setup: Setup) -> bytes | None:
        if setup.value != ENDPOINT_HALT:
            return None
        if setup.index & 0xFF7F == 0:  # endpoint zero recovers by itself with the next SETUP (9.4.5)
            return _DONE if setup.request == Request.CLEAR_FEATURE else None
        pipe = self._core.pipes.get(setup.index)
        if pipe is None:
            return None
        if setup.request == Request.SET_FEATURE:
            pipe.halt()
        elif not self._core.attempt(pipe.clear_halt):
            pipe.halt()
            return None
        return _DONE

    def _set_isoch_delay(self, setup: Setup) -> bytes | None:
        """USB 3.2, 9.4.11: wValue is the time that packets take, in nanoseconds."""
        if self._core.gadget.speed < Speed.SUPER or setup.index or setup.length:
            return None
        self._core.isoch_delay = setup.value
        return _DONE

    def _set_exit_latencies(self, setup: Setup, data: Buffer) -> bytes | None:
        """SET_SEL (USB 3.2, 9.4.12): kept for the firmware to look at."""
        wrong = setup.value or setup.index or setup.length != _EXIT_LATENCIES_SIZE
        if self._core.gadget.speed < Speed.SUPER or wrong:
            return None
        self._core.exit_latencies = bytes(data)
        return _DONE
