"""tshark's decode of ``wslusb capture``, on both sides, beside its decode of the kernel's own usbmon of the same run.

URB by URB: the same ones, on each endpoint submitted and completed in the same order, and every field of every layer
equal (the URB's, packet tables, SETUP packets, descriptors, the class down to SCSI), but for those of ``MAY_DIFFER``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil.requirements import WIRESHARK, require
from hil.vm.machine import PROJECT
from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.kernel.support import ENVIRONMENT, PROGRAMS, terminate, tools
from tests.support.tshark import Urb, differences, lanes, urbs

MAY_DIFFER = {
    r"usb\.(urb_id|urb_ts_u?sec)": "numbers and times are the capture's own",
    r"usb\.(src|dst|addr|bus_id|device_address)": "a capture's bus and address are made of the busid",
    r"usb\.(time|request_in|response_in)|scsi\.(time|request_frame|response_frame)": "tshark's, from numbers and times",
    r"usb\.transfer_flags\.(no_transfer_dma_map|no_interrupt|free_buffer)": "a driver's dealings with its own memory",
    r"usb\.copy_of_transfer_flags": "the sum of the flags, which are compared one by one",
}
UNLINKED = {
    r"usb\.urb_status": "for a URB that was unlinked the kernel has but one status, even if it had completed before;"
    " usb_kill_urb (-2) and usb_unlink_urb (-104) look the same from outside",
    r"usb\.(start_frame|iso\.error_count)": "nor does it take over what else the device said",
}
CLOSED = {r".*": "the kernel closed the port, and took no answer any more that was on its way"}
OF_STATUS = {-2: UNLINKED, -104: UNLINKED, -108: CLOSED}
ON_THE_HOST = {
    r"usb\.transfer_flags\.short_not_ok": "what the guest wants; usbfs is not told of it (wslusb/device/libusb.py)",
}
SHORT_ON_THE_HOST = {r"usb\.urb_status": "so a read that came short has failed for the guest, and not for usbfs"}
SHORT = -121
SERIAL = "BESIDE"
SET_ADDRESS = {"Setup Data/usb.bmRequestType": "0x00", "Setup Data/usb.setup.bRequest": "5"}
"""vhci_hcd keeps it to itself."""

Fields = Mapping[str, str]
Use = Callable[[Lab, Sequence[str]], None]


def allowed(*tables: Fields) -> Callable[[str], bool]:
    return re.compile("|".join(rf"(?:^|/)(?:{name})$" for table in tables for name in table)).search  # type: ignore[return-value]


@dataclass(frozen=True)
class Place:
    """Where a kernel has the device."""

    bus: int
    device: int

    @property
    def filter(self) -> str:
        """Its URBs, also those of before it had an address."""
        return f"usb.bus_id == {self.bus} && usb.device_address in {{0, {self.device}}}"


class Files:
    """The four captures of a run. ``place`` is noted on each side while the device is there."""

    def __init__(self, lab: Lab) -> None:
        self.machines = {"host": lab.host, "guest": lab.guest}
        self.places: dict[str, Place] = {}
        self._folder = Path(lab.rig.shared)

    def ours(self, side: str) -> Path:
        return self._folder / f"beside-{side}.pcapng"

    def usbmon(self, side: str) -> Path:
        return self._folder / f"beside-{side}.pcap"

    def note_places(self) -> None:
        """The one device of each machine that is no root hub; a virtual device is on no bus of the host."""
        script = "for d in /sys/bus/usb/devices/*-*; do [ ! -e $d/devnum ] || cat $d/busnum $d/devnum; done"
        for side, machine in self.machines.items():
            if numbers := machine.run(script).stdout.split():
                bus, device = map(int, numbers)
                self.places[side] = Place(bus, device)


@contextmanager
def usbmon(lab: Lab) -> Iterator[Files]:
    """Both kernels write down what goes over their buses."""
    files = Files(lab)
    monitors = []
    for side, machine in files.machines.items():
        files.ours(side).unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.support.usbmon", str(files.usbmon(side))]
        monitors.append(machine.start(command, env={"PYTHONPATH": str(PROJECT)}))
    for monitor in monitors:
        monitor.wait_for_output("recording")
    yield files
    for monitor in monitors:
        assert "0 events lost" in terminate(monitor).output


@contextmanager
def capturing(files: Files) -> Iterator[None]:
    """And so do we, on the service and on the agent."""
    captures = []
    for side, machine in files.machines.items():
        command = [sys.executable, "-m", "wslusb", "capture", "--all", "--raw", "-o", str(files.ours(side))]
        captures.append(machine.start(command, env=ENVIRONMENT))
    for side in files.machines:
        poll(files.ours(side).exists, 30, "a capture has begun")
    yield
    for capture in captures:
        assert ", 0 records dropped" in terminate(capture).output


# -- what a device is used for


def node_of(nodes: Sequence[str], prefix: str) -> str:
    return next(node for node in nodes if node.startswith(prefix))


def write_and_read_blocks(lab: Lab, nodes: Sequence[str]) -> None:
    disk = node_of(nodes, "/dev/sd")
    lab.guest.run(
        f"dd if=/dev/urandom of={disk} bs=64k count=2 oflag=direct status=none;"
        f" dd if={disk} of=/dev/null bs=32k count=5 iflag=direct status=none"
    )


def read_keys(lab: Lab, nodes: Sequence[str]) -> None:
    keys = lab.python(lab.guest, str(PROGRAMS / "keys.py"), node_of(nodes, "/dev/input/event"))
    poll(lambda: keys.output.count("key") == 2 * len("hello"), 30, "all keys, down and up")


def talk(lab: Lab, nodes: Sequence[str]) -> None:
    lab.run(lab.guest, "hil.clients.terminal", node_of(nodes, "/dev/ttyACM"), "both", "4096", "7")


def open_and_write(lab: Lab, nodes: Sequence[str]) -> None:
    """An open port has reads in flight, which its closing unlinks."""
    port = node_of(nodes, "/dev/ttyACM")
    with lab.host.start("exec cat /dev/ttyGS0 >/dev/null"):  # else the closing waits for what was written
        lab.guest.run(f"stty -F {port} 57600 raw -echo; echo hello >{port}")


def unlink(lab: Lab, nodes: Sequence[str]) -> None:
    """Control requests, unlinked reads, unlinked writes, queues of writes with some unlinked."""
    lab.run(lab.guest, "usbtest", SERIAL, "9:2", "11:5:4096", "12:5:4096", "24:2:4096:512:8")


def play_and_record(lab: Lab, nodes: Sequence[str]) -> None:
    tools("aplay")
    (card,) = set(re.findall(r"pcmC(\d+)D", " ".join(nodes)))
    lab.guest.run(
        f"head -c 100000 /dev/urandom | aplay -q -D hw:{card},0 -t raw -f S16_LE -c 2 -r 48000;"
        f" arecord -q -D hw:{card},0 -f S16_LE -c 1 -r 48000 -s 24000 /dev/null"
    )


STALLS = """
[[fault]]
where = { endpoint = 0x81, length = 32768 }
when = { nth = 2 }
what = "stall"

[[fault]]
where = { endpoint = 0x02, length = 65536 }
when = { nth = 1 }
what = "protocol"
"""


@dataclass(frozen=True)
class Case:
    """A device, what is done with it, and layers that tshark has to find."""

    device: str
    use: Use
    layers: set[str]
    faults: str = ""
    statuses: frozenset[int] = frozenset()


VIRTUAL = {
    "storage": Case("storage:size=2M", write_and_read_blocks, {"usbms", "scsi"}),
    "storage with faults": Case(
        "storage:size=2M", write_and_read_blocks, {"usbms", "scsi"}, STALLS, frozenset({-32, -71})
    ),
    "keyboard": Case("keyboard:text=hello,wait=4000,pace=20", read_keys, {"usbhid"}),
    "serial": Case("serial", talk, {"usbcom"}),
    "audio 1": Case("audio:uac=1,tone=1500", play_and_record, {"usbaudio"}),
    "audio 2": Case("audio:uac=2,tone=1500", play_and_record, {"usbaudio"}),
}
HARDWARE = {
    "mass-storage": Case("mass-storage", write_and_read_blocks, {"usbms", "scsi"}),
    "source-sink": Case("source-sink", unlink, {"usb"}),
    "acm": Case("acm", open_and_write, {"usbcom"}, statuses=frozenset({-2})),
}


@pytest.fixture(autouse=True)
def _tshark() -> None:
    require(WIRESHARK)


@pytest.mark.parametrize("case", VIRTUAL.values(), ids=list(VIRTUAL))
def test_of_a_virtual_device_both_captures_are_what_the_guest_s_kernel_saw(
    lab: Lab, kernel: UmlMachine, case: Case
) -> None:
    plan = lab.rig.shared / "beside.toml"
    plan.write_text(case.faults)
    with usbmon(lab) as files, lab.plug(case.device, *(("--faults", str(plan)) if case.faults else ()), attach=False):
        (listed,) = lab.json(lab.host, "list")["devices"]
        use(lab, files, case, listed["busid"])
    in_guest(files, case)


@pytest.mark.parametrize("case", HARDWARE.values(), ids=list(HARDWARE))
def test_of_hardware_the_service_s_capture_is_what_the_host_s_kernel_saw_too(
    lab: Lab, kernel: UmlMachine, case: Case
) -> None:
    with ExitStack() as stack:
        files = stack.enter_context(usbmon(lab))
        stack.enter_context(lab.gadget(case.device, "--serial", SERIAL))
        stack.enter_context(lab.physical(SERIAL))
        use(lab, files, case, SERIAL)
    in_guest(files, case)
    ours, theirs = urbs(files.ours("host"), "usb"), urbs(files.usbmon("host"), files.places["host"].filter)
    end = max(urb.done.time for urb in ours if urb.done)
    # The host's kernel enumerates the device, and its own driver has it before and afterwards.
    compare(ours, [urb for urb in theirs if ours[0].asked.time <= urb.asked.time <= end], ON_THE_HOST, of_a_short_read)


def use(lab: Lab, files: Files, case: Case, name: str) -> None:
    """From before its attach until after its detach."""
    with capturing(files):
        nodes = lab.attach(name)
        files.note_places()
        case.use(lab, nodes)
        lab.release()


def in_guest(files: Files, case: Case) -> None:
    theirs = [
        urb
        for urb in urbs(files.usbmon("guest"), files.places["guest"].filter)
        if any(urb.asked.fields.get(name) != value for name, value in SET_ADDRESS.items())
    ]
    for side in files.machines:
        ours = urbs(files.ours(side), "usb")
        assert case.layers <= {layer for urb in ours for half in (urb.asked, urb.done) if half for layer in half.layers}
        assert case.statuses <= {urb.status for urb in ours}
        compare(ours, theirs, {}, of_unlinking)


def of_a_short_read(our: Urb, their: Urb) -> Fields:
    return SHORT_ON_THE_HOST if (our.status, their.status) == (SHORT, 0) else {}


def of_unlinking(_our: Urb, their: Urb) -> Fields:
    return OF_STATUS.get(their.status, {})


def compare(ours: list[Urb], theirs: list[Urb], table: Fields, of_completion: Callable[[Urb, Urb], Fields]) -> None:
    """AssertionError with the first differences, as ``endpoint, number, half, field: ours, theirs``."""
    mine, kernels = lanes(ours), lanes(theirs)
    assert {each: len(lane) for each, lane in mine.items()} == {each: len(lane) for each, lane in kernels.items()}
    assert {each: order(lane) for each, lane in mine.items()} == {each: order(lane) for each, lane in kernels.items()}
    found = []
    for endpoint, lane in mine.items():
        for number, (our, their) in enumerate(zip(lane, kernels[endpoint], strict=True)):
            asked = differences(our.asked, their.asked, allowed(MAY_DIFFER, table))
            done = differences(our.done, their.done, allowed(MAY_DIFFER, table, of_completion(our, their)))
            found += [f"{endpoint:#04x} #{number} S {each}" for each in asked]
            found += [f"{endpoint:#04x} #{number} C {each}" for each in done]
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:30])


def order(lane: Sequence[Urb]) -> list[int]:
    """In which order a lane's URBs were completed."""
    done = [(urb.done.number, number) for number, urb in enumerate(lane) if urb.done]
    return [number for _, number in sorted(done)]
