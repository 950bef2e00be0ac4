"""Captures made of any device: a Device that wraps a Device and writes down usbmon's records.

``wslusb serve --device tests.support.recording:FILE,emulator:storage`` does it to the devices of another provider.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from wslusb.capture import pcapng, usbmon
from wslusb.device.api import Device, DeviceProvider, Watcher
from wslusb.device.registry import load_provider
from wslusb.usb.ids import DescriptorType, TransferType
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Request, Setup
from wslusb.usb.urb import Buffer, Completion, Done, Status, Urb, UrbFlag

PLACE = (1, 4)


class Tape:
    """A capture that grows in a file. ``now``: nanoseconds since 1970."""

    def __init__(self, path: Path, now: Callable[[], int] = time.time_ns) -> None:
        self.now = now
        self._lock = threading.Lock()
        self._keys = itertools.count(0x1000)
        self._file = path.open("wb")
        self._file.write(pcapng.section() + pcapng.interface(pcapng.LINK_USB, "test"))
        self._file.flush()

    def key(self) -> int:
        return next(self._keys)

    def write(self, parts: list[Buffer]) -> None:
        with self._lock:
            if not self._file.closed:
                self._file.write(pcapng.packet(0, self.now(), parts))
                self._file.flush()

    def close(self) -> None:
        with self._lock:
            self._file.close()


class Recording:
    """A Device whose URBs are written to a tape, state changes as the requests that they are."""

    def __init__(self, device: Device, tape: Tape) -> None:
        self._device = device
        self._tape = tape
        self.cancel = device.cancel
        self.reset = device.reset
        self._descriptors()

    @property
    def info(self) -> DeviceInfo:
        return self._device.info

    def close(self) -> None:
        self._device.close()
        self._tape.close()

    def submit(self, urb: Urb, done: Done) -> None:
        key = self._begin(urb)

        def told(completion: Completion) -> None:
            self._end(key, completion)
            done(completion)

        self._device.submit(urb, told)

    def _begin(self, urb: Urb) -> int:
        key = self._tape.key()
        self._tape.write(usbmon.submitted(dataclasses.replace(urb, sequence=key), PLACE, self._tape.now()))
        return key

    def _end(self, key: int, completion: Completion) -> None:
        told = dataclasses.replace(completion, urb=dataclasses.replace(completion.urb, sequence=key))
        self._tape.write(usbmon.completed(told, PLACE, self._tape.now()))

    def _descriptors(self) -> None:
        """What the host asked the device before anybody could look on."""
        info = self._device.info
        configurations = [(DescriptorType.CONFIGURATION, index, raw) for index, raw in enumerate(info.configurations)]
        for kind, index, raw in [(DescriptorType.DEVICE, 0, info.device_descriptor), *configurations]:
            setup = Setup(0x80, Request.GET_DESCRIPTOR, kind << 8 | index, 0, len(raw))
            urb = Urb(0, 0x80, TransferType.CONTROL, len(raw), UrbFlag.SHORT_OK, b"", setup)
            self._end(self._begin(urb), Completion(urb, Status.OK, len(raw), raw))

    def _change(self, setup: Setup, change: Callable[[], None]) -> None:
        urb = Urb(0, 0, TransferType.CONTROL, 0, 0, b"", setup)
        key, status = self._begin(urb), Status.STALL
        try:
            change()
            status = Status.OK
        finally:
            self._end(key, Completion(urb, status))

    def select_configuration(self, value: int) -> None:
        setup = Setup(0x00, Request.SET_CONFIGURATION, value, 0, 0)
        self._change(setup, lambda: self._device.select_configuration(value))

    def select_interface(self, interface: int, alternate: int) -> None:
        setup = Setup(0x01, Request.SET_INTERFACE, alternate, interface, 0)
        self._change(setup, lambda: self._device.select_interface(interface, alternate))

    def clear_halt(self, endpoint: int) -> None:
        setup = Setup(0x02, Request.CLEAR_FEATURE, 0, endpoint, 0)
        self._change(setup, lambda: self._device.clear_halt(endpoint))


class RecordingProvider:
    """The devices of another provider, each opening of which is recorded anew."""

    name = "recording"

    def __init__(self, path: Path, provider: DeviceProvider) -> None:
        self._path, self._provider = path, provider

    def devices(self) -> Iterable[DeviceInfo]:
        return self._provider.devices()

    def open(self, info: DeviceInfo) -> Device:
        return Recording(self._provider.open(info), Tape(self._path))

    def watch(self, changed: Watcher) -> None:
        self._provider.watch(changed)

    def close(self) -> None:
        self._provider.close()


def device_provider(argument: str) -> RecordingProvider:
    path, _, spec = argument.partition(",")
    return RecordingProvider(Path(path), load_provider(spec))


def recorded(path: Path, spec: str = "emulator:loopback") -> Recording:
    """The first device of a provider, opened, with a tape."""
    provider = load_provider(spec)
    return Recording(provider.open(next(iter(provider.devices()))), Tape(path))
