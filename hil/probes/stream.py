"""Keeps reads going on every IN endpoint of the device until it is killed: for whoever kills it."""

from __future__ import annotations

import os
import threading

from hil.conformance.subject import Subject
from wslusb.device.api import Device
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import TransferType, is_in
from wslusb.usb.urb import Completion, Status, Urb, UrbFlag

from .opened import opened

__all__ = ["STREAMING", "run"]

STREAMING = r"streaming (\d+)"
"""What it says once reads are under way, with its process id."""
_READ = (TransferType.BULK, TransferType.INTERRUPT)
_DEPTH, _SIZE = 4, 4096


def run(target: str, busid: str) -> int:
    """How many endpoints were read from; it comes back at once only if there is none."""
    with opened(target, busid) as device:
        interfaces = Subject(device).current.interfaces
        endpoints = [
            endpoint
            for interface in interfaces
            if not interface.alternate
            for endpoint in interface.endpoints
            if is_in(endpoint.address) and endpoint.transfer in _READ
        ]
        readers = [threading.Thread(target=_read, args=(device, each), daemon=True) for each in endpoints]
        for reader in readers:
            reader.start()
        print(f"streaming {os.getpid()}", flush=True)  # noqa: T201
        for reader in readers:
            reader.join()
    return len(endpoints)


def _read(device: Device, endpoint: Endpoint) -> None:
    """Depth reads at a time, until one fails."""
    free = threading.Semaphore(_DEPTH)
    failed = threading.Event()

    def done(completion: Completion) -> None:
        if completion.status != Status.OK:
            failed.set()
        free.release()

    while free.acquire() and not failed.is_set():
        device.submit(Urb(0, endpoint.address, endpoint.transfer, _SIZE, UrbFlag.SHORT_OK), done)
