"""A failure's folder, made up: two captures of the same URBs with clocks apart, logs, and a record of faults."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path

from wslusb.capture import pcapng, usbmon, vsockmon
from wslusb.capture.vsockmon import End
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Status, Urb, UrbFlag
from wslusb.wire.urbs import encode_request, encode_response

__all__ = ["FAILED", "GUEST_AHEAD", "OFFSET", "Tape", "a_failure", "pass_through"]

SECOND, MS, US = 1_000_000_000, 1_000_000, 1000
FAILED = 1_795_400_000 * SECOND
GUEST_AHEAD = 250 * MS
"""How far the guest's clock is ahead of the host's."""
OFFSET = GUEST_AHEAD / SECOND
_PLACE, _GUEST, _HANDLE = (1, 4), End(3, 1024), 9
_STEP = 40 * US
"""Between two stages of a URB's way."""


@dataclass
class Tape:
    """One side's capture as it grows. ``ahead``: of the host's clock, in nanoseconds."""

    ahead: int = 0
    packets: list[tuple[int, int, bytes]] = field(default_factory=list)

    def urb(self, time: int, parts: list[Buffer]) -> None:
        self.packets.append((time + self.ahead, 0, b"".join(parts)))

    def message(self, time: int, parts: list[Buffer], *, from_host: bool) -> None:
        head = (vsockmon.from_host if from_host else vsockmon.from_guest)(_GUEST)
        self.packets.append((time + self.ahead, 1, b"".join((head, *parts))))

    def write(self, path: Path) -> None:
        head = pcapng.section() + pcapng.interface(pcapng.LINK_USB, "u") + pcapng.interface(pcapng.LINK_VSOCK, "v")
        body = (pcapng.packet(number, time, [data]) for time, number, data in sorted(self.packets, key=lambda p: p[0]))
        path.write_bytes(head + b"".join(body))


def pass_through(
    host: Tape, guest: Tape, begin: int, sequence: int, urb: Urb, answer: Completion | None, *, device: int = 100 * US,
    heard: Completion | None = None, received: Completion | None = None, completed: Completion | None = None,
) -> None:  # fmt: skip
    """One URB's way from ``begin``; without an answer it stays with the device.

    What each of the next ones gets, where that is not the answer: ``heard`` the service's message and all after it,
    ``received`` the agent's and after it, ``completed`` the guest's kernel alone.
    """
    times = [begin + _STEP * stage for stage in range(4)]
    kernel = Urb(7000 + sequence, *_fields(urb))
    wire = Urb(sequence, *_fields(urb))
    guest.urb(times[0], usbmon.submitted(kernel, _PLACE, times[0]))
    request = encode_request(wire, sequence, _HANDLE)
    guest.message(times[1], request, from_host=False)
    host.message(times[2], request, from_host=False)
    host.urb(times[3], usbmon.submitted(wire, _PLACE, times[3]))
    if answer is None:
        return
    back = [times[3] + device + _STEP * stage for stage in range(4)]
    told = heard or answer
    got = received or told
    host.urb(back[0], usbmon.completed(_of(answer, wire), _PLACE, back[0]))
    host.message(back[1], encode_response(_of(told, wire), sequence, _HANDLE), from_host=True)
    guest.message(back[2], encode_response(_of(got, wire), sequence, _HANDLE), from_host=True)
    guest.urb(back[3], usbmon.completed(_of(completed or got, kernel), _PLACE, back[3]))


def _fields(urb: Urb) -> tuple[int, int, int, int, Buffer, Setup | None]:
    return urb.endpoint, urb.transfer, urb.length, urb.flags, urb.data, urb.setup


def _of(answer: Completion, urb: Urb) -> Completion:
    return Completion(urb, answer.status, answer.actual_length, answer.data)


def _in(length: int, endpoint: int = 0x81) -> Urb:
    return Urb(0, endpoint, TransferType.BULK, length, UrbFlag.SHORT_OK)


def _out(data: bytes, endpoint: int = 0x02) -> Urb:
    return Urb(0, endpoint, TransferType.BULK, len(data), 0, data)


def a_failure(folder: Path) -> Path:
    """Reads of a disk until one stalls 30 ms before the failure; one interrupt read waits all the time."""
    folder.mkdir(parents=True, exist_ok=True)
    host, guest = Tape(), Tape(GUEST_AHEAD)
    pass_through(host, guest, FAILED - 60 * SECOND, 1, Urb(0, 0x83, TransferType.INTERRUPT, 8), None)
    setup = Setup(0x80, 6, 0x0100, 0, 18)
    device = Urb(0, 0x80, TransferType.CONTROL, 18, UrbFlag.SHORT_OK, b"", setup)
    pass_through(host, guest, FAILED - 20 * SECOND, 2, device, Completion(device, Status.OK, 18, bytes(18)))
    sequence = 3
    for number in range(20):
        begin = FAILED - 80 * MS + number * 2 * MS
        for urb in (_out(b"USBC" + bytes(27)), _in(4096), _in(13)):
            moved = Completion(urb, Status.OK, urb.length, b"" if urb.data else bytes(urb.length))
            pass_through(host, guest, begin, sequence, urb, moved, device=(90 + 13 * (number % 3)) * US)
            begin, sequence = begin + 500 * US, sequence + 1
    read = _in(65536)
    pass_through(host, guest, FAILED - 30 * MS, sequence, read, Completion(read, Status.STALL), device=1800 * US)
    host.write(folder / "capture.pcapng")
    guest.write(folder / "capture-guest.pcapng")
    _logs(folder)
    _faults(folder, sequence)
    return folder


def _logs(folder: Path) -> None:
    boots = {"host": FAILED / SECOND - 1000, "guest": FAILED / SECOND + OFFSET - 500}
    runner_behind = 5.0
    facts = {
        "offset": OFFSET,
        "host": {"boot": boots["host"], "offset": runner_behind},
        "guest": {"boot": boots["guest"], "utc_offset": 3600},
        "test": "hil/suite/test_storage.py::test_what_is_written_is_read[stick]",
        "started": FAILED / SECOND - runner_behind - 0.2,
        "failed": FAILED / SECOND - runner_behind,
    }
    (folder / "rig.json").write_text(json.dumps(facts))
    (folder / "host.dmesg").write_text(
        "[    1.000000] usb 1-1: new high-speed USB device number 4 using ehci-pci\n"
        "[  999.900000] usb 1-1: usbfs: process 812 (wslusb) did not claim interface 0 before use\n"
    )
    (folder / "guest.dmesg").write_text(
        "[  499.973000] sd 0:0:0:0: [sda] tag#0 FAILED Result: hostbyte=DID_ERROR\n"
        "[  499.973100] I/O error, dev sda, sector 128 op 0x0:(READ)\n"
    )
    stamp = dt.datetime.fromtimestamp(FAILED / SECOND - 0.028, dt.UTC)
    (folder / "service.log").write_text(
        f"{stamp:%Y-%m-%d %H:%M:%S},{stamp.microsecond // 1000:03} WARNING wslusb.host.pump: URB 63 stalled\n"
    )
    later = stamp + dt.timedelta(hours=1, seconds=OFFSET, milliseconds=1)
    (folder / "agent.log").write_text(
        f"{later:%Y-%m-%d %H:%M:%S},{later.microsecond // 1000:03} ERROR wslusb.guest.relay: done() raised\n"
        "Traceback (most recent call last):\n  ...\nValueError: \x1b[31mno\n"
    )


def _faults(folder: Path, sequence: int) -> None:
    date = dt.datetime.fromtimestamp(FAILED / SECOND - 100, dt.UTC).isoformat(timespec="milliseconds")
    events = [
        {"event": "started", "schema": "wslusb.faults/1", "date": date, "seed": 7, "plan": "seed = 7\n"},
        {
            "event": "injected", "id": 1, "time": 12.5, "seed": 7, "fault": 0, "what": {"kind": "stall"},
            "device": "0951:1666", "serial": "60A4", "endpoint": 0x81, "nth": 41, "sequence": sequence,
            "length": 65536, "in": True,
        },
    ]  # fmt: skip
    (folder / "faults.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
