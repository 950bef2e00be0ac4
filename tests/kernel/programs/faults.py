"""Reads of the emulator's loopback device on bare usbfs, one for each fault that a plan has for a read of that length.

python faults.py SERIAL CASE:LENGTH ...      a bulk read; "iso" reads isochronous packets in place of it
python faults.py SERIAL chance:COUNT         so many bulk reads of 512 bytes; what each of them ended with

A line of JSON each: errno (0 or negative), bytes, seconds, how many bytes were wrong, and how a plain read went
afterwards, once a halt was cleared or, for "reset", the port was reset.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from dataclasses import dataclass

import usbfs

BULK_IN, ISO_IN = 0x81, 0x83
PATIENCE = 1.0
PLAIN = 512
PACKETS = 8
ISO_ASAP = 0x02
RACE_SECONDS = 0.3
GONE = (-19, -108)


class Packet(ctypes.Structure):
    """struct usbdevfs_iso_packet_desc."""

    _fields_ = (("length", ctypes.c_uint), ("actual", ctypes.c_uint), ("status", ctypes.c_int))


class IsoStruct(ctypes.Structure):
    """struct usbdevfs_urb with packets."""

    _fields_ = (*usbfs.UrbStruct._fields_, ("packets", Packet * PACKETS))


class IsoUrb(usbfs.Urb):
    """Eight packets of 64 bytes."""

    def __init__(self) -> None:
        super().__init__(ISO_IN, 64 * PACKETS, 0)
        struct = IsoStruct(
            type=0, endpoint=ISO_IN, flags=ISO_ASAP, buffer=ctypes.addressof(self.buffer), buffer_length=self.length,
            number_of_packets=PACKETS,
        )  # fmt: skip
        for packet in struct.packets:
            packet.length = 64
        self.struct = struct


def pattern(length: int) -> bytes:
    """What g_zero's source sends with pattern 1: counted within each packet."""
    return bytes(index % 512 % 63 for index in range(length))


@dataclass
class Bench:
    """The device, opened anew where a fault makes that necessary."""

    serial: str
    device: usbfs.Device | None = None

    def open(self, alternate: int = 0) -> usbfs.Device:
        """The device with its interface claimed."""
        if self.device is None:
            self.device = usbfs.Device(self.serial)
            self.device.free()
            self.device.number(usbfs.CLAIMINTERFACE, 0)
        if alternate:
            setting = (ctypes.c_uint * 2)(0, alternate)
            self.device.call(usbfs.SETINTERFACE, ctypes.addressof(setting))
        return self.device

    def close(self) -> None:
        """Close the node."""
        if self.device is not None:
            self.device.close()
            self.device = None

    def transfer(self, urb: usbfs.Urb, patience: float = PATIENCE) -> tuple[int, float]:
        """Submit, wait, and discard what is not answered; errno and seconds."""
        device = self.open()
        started = time.monotonic()
        try:
            device.submit(urb)
        except OSError as error:
            return -(error.errno or 0), 0.0
        if device.reap(patience) is None:
            device.discard(urb)
            if device.reap(5.0) is None:
                raise SystemExit("a discarded URB never came back")
        return urb.status, time.monotonic() - started

    def case(self, name: str, length: int) -> dict[str, object]:
        """One fault."""
        if name == "iso":
            return self.isochronous()
        urb = usbfs.Urb(BULK_IN, length)
        race = name.startswith("unlink-race")
        errno, seconds = self.transfer(urb, RACE_SECONDS if race else PATIENCE)
        wrong = sum(got != meant for got, meant in zip(urb.data, pattern(urb.actual), strict=True))
        result: dict[str, object] = {"errno": errno, "bytes": urb.actual, "seconds": round(seconds, 3), "wrong": wrong}
        return result if errno in GONE else {**result, **self.afterwards(name, errno)}

    def afterwards(self, name: str, errno: int) -> dict[str, object]:
        """Recover as a driver does, and read what is surely there."""
        device = self.open()
        if errno == -32:
            device.number(usbfs.CLEAR_HALT, BULK_IN)
        before = self.plain() if name == "reset" else 0
        if name == "reset":
            device.call(usbfs.RESET)
            self.close()
        return {"before": before, "after": self.plain()}

    def plain(self) -> int:
        """A read that no fault is for: errno, or 1 if its data are wrong."""
        urb = usbfs.Urb(BULK_IN, PLAIN)
        errno, _ = self.transfer(urb)
        return errno or int(urb.data != pattern(PLAIN))

    def isochronous(self) -> dict[str, object]:
        """The source at alternate setting 1."""
        self.open(1)
        urb = IsoUrb()
        errno, _ = self.transfer(urb)
        packets = [(packet.status, packet.actual) for packet in urb.struct.packets]
        return {"errno": errno, "packets": packets, "after": self.plain()}


def main() -> None:
    """Run what was asked for."""
    bench = Bench(sys.argv[1])
    for argument in sys.argv[2:]:
        name, _, number = argument.partition(":")
        if name == "chance":
            results = []
            for _ in range(int(number)):
                errno, _ = bench.transfer(urb := usbfs.Urb(BULK_IN, PLAIN))
                results.append([errno, urb.actual, bytes(urb.data) == pattern(urb.actual)])
                if errno == -32:
                    bench.open().number(usbfs.CLEAR_HALT, BULK_IN)
            print(json.dumps(results), flush=True)
        else:
            print(json.dumps({"case": name, **bench.case(name, int(number))}), flush=True)


if __name__ == "__main__":
    main()
