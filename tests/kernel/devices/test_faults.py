"""The list of faults gone through one by one: what usbfs and the drivers of a real kernel saw of each.

A fault is chosen by the length of a read, so that one plan and one attached device do for many. What was seen is the
two tables of docs/faults.md; a test fails when the kernel says something else than is written there.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hil.vm.machine import PROJECT
from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.kernel.devices.test_keyboard import spell
from tests.kernel.devices.test_serial import SEED, SIZE, digest
from tests.kernel.support import PROGRAMS, terminate
from wslusb.device.faults import (
    Babble,
    Bandwidth,
    BitStuff,
    Corrupt,
    Crc,
    Delay,
    Disconnect,
    Duplicate,
    Fault,
    IsoErrors,
    Late,
    Nak,
    Plan,
    Protocol,
    Reenumerate,
    Reset,
    Short,
    Stall,
    Timeout,
    UnlinkRace,
    What,
    When,
    Where,
    ZeroLength,
    plan_text,
    read_record,
)
from wslusb.device.faults.record import same_faults

DOCS = PROJECT / "docs" / "faults.md"
ONCE = When(nth=(1,))

CASES: Mapping[str, What] = {
    "stall": Stall(),
    "stall, device done": Stall(reaches=True),
    "short": Short(),
    "zero-length": ZeroLength(),
    "babble": Babble(),
    "crc": Crc(),
    "protocol": Protocol(),
    "protocol, half moved": Protocol(bytes=1024),
    "bit-stuff": BitStuff(),
    "timeout": Timeout(),
    "delay": Delay(seconds=0.2),
    "late": Late(seconds=0.2),
    "duplicate": Duplicate(),
    "nak": Nak(seconds=0.2),
    "bandwidth": Bandwidth(bytes_per_second=25_000),
    "corrupt": Corrupt(bit=801),
    "unlink-race, completion wins": UnlinkRace(winner="completion"),
    "unlink-race, cancel wins": UnlinkRace(winner="cancel"),
    "nak, for ever": Nak(),
    "reset": Reset(),
    "disconnect, half moved": Disconnect(bytes=1024),
}
USBFS_CASES = [name for name in CASES if name != "nak, for ever"]
SLOW = {"delay", "late", "nak", "bandwidth"}


def lengths(cases: Sequence[str]) -> dict[str, int]:
    """A length for each case that no kernel would read by itself: an odd number of sectors."""
    return {name: 512 * (9 + 2 * number) for number, name in enumerate(cases)}


def save(lab: Lab, name: str, faults: Sequence[Fault], seed: int = 1) -> list[str]:
    """Put a plan where the machine can read it; the options of ``wslusb serve``."""
    folder = Path(lab.rig.shared)
    folder.joinpath(f"{name}.jsonl").unlink(missing_ok=True)
    folder.joinpath(f"{name}.toml").write_text(plan_text(Plan(faults, seed)))
    return ["--faults", str(folder / f"{name}.toml"), "--faults-log", str(folder / f"{name}.jsonl")]


def record(lab: Lab, name: str) -> list[dict[str, Any]]:
    return read_record(Path(lab.rig.shared) / f"{name}.jsonl")


def by_length(cases: Sequence[str]) -> list[Fault]:
    sizes = lengths(cases)
    return [Fault(CASES[name], Where(endpoint=0x81, length=sizes[name]), ONCE, name) for name in cases]


def call(number: int) -> str:
    return f"-{errno.errorcode[-number]}" if number else "0"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def check_documented(lab: Lab, name: str, text: str) -> None:
    """The docs say what was seen. What they should say is left in the rig's folder."""
    seen = Path(lab.rig.directory) / f"{name}.md"
    seen.write_text(text)
    assert text in DOCS.read_text(), f"docs/faults.md does not have what was seen ({seen}):\n{text}"


def test_what_usbfs_sees_of_each_fault(lab: Lab) -> None:
    names = USBFS_CASES
    iso = Fault(IsoErrors(packets=(1, 5)), Where(transfer="isochronous"), ONCE)
    options = save(lab, "usbfs", [*by_length(names), iso])
    sizes = lengths(names)
    steps = [f"{name}:{sizes[name]}" for name in names]
    steps.insert(-2, "iso:0")
    with lab.plug("loopback:pattern=1,serial=FAULTS", *options):
        said = lab.run(lab.guest, "faults", "FAULTS", *steps)
        lab.no_ghost()
    seen = {each["case"]: each for each in map(json.loads, said.splitlines())}
    print(said)
    iso_seen = seen.pop("iso")
    assert [tuple(each) for each in iso_seen["packets"]] == [
        (-errno.EILSEQ, 0) if number in (1, 5) else (0, 64) for number in range(8)
    ]
    assert {name for name, each in seen.items() if each.get("after")} == set(), "a plain read afterwards"
    assert {name for name, each in seen.items() if each["wrong"]} == {"corrupt"}
    assert seen["corrupt"]["wrong"] == 1
    assert seen["reset"]["before"] == -errno.EPROTO
    assert all(seen[name]["seconds"] >= 0.19 for name in SLOW)
    injected = [event["fault"] for event in record(lab, "usbfs") if event["event"] == "injected"]
    assert sorted(injected) == sorted([*names, f"iso-errors {len(names) + 1}"])
    rows = [[f"`{name}`", f"`{call(each['errno'])}`", share(each["bytes"], sizes[name])] for name, each in seen.items()]
    rows.append(["`iso-errors`", f"`{call(iso_seen['errno'])}`", "all but those of the packets, which have `-EILSEQ`"])
    check_documented(lab, "usbfs", table(["fault", "errno of the URB", "bytes that arrived"], rows))


def share(count: int, length: int) -> str:
    return "all" if count == length else "none" if not count else "half" if count == length // 2 else str(count)


DISK_CASES = [
    "stall", "stall, device done", "short", "zero-length", "babble", "crc", "protocol", "protocol, half moved",
    "timeout", "late", "duplicate", "nak", "nak, for ever", "corrupt", "reset",
]  # fmt: skip
READ = """
dd if=/dev/urandom of=/dev/shm/ref bs=64k count=1 status=none
dd if=/dev/shm/ref of={disk} bs=64k oflag=direct status=none
echo 1 >/sys/block/{name}/device/timeout
while read -r size case; do
    echo "fault: $case." >/dev/kmsg
    if dd if={disk} of=/dev/shm/got bs=$size count=1 iflag=direct status=none 2>/dev/null
    then cmp -s -n $size /dev/shm/got /dev/shm/ref && saw=intact || saw=changed
    else saw=error
    fi
    dd if={disk} of=/dev/shm/got bs=64k count=1 iflag=direct status=none
    cmp -s /dev/shm/got /dev/shm/ref && after=intact || after=changed
    echo "$saw $after $case"
done <<'END'
{steps}
END
echo "fault: end." >/dev/kmsg
rm /dev/shm/got /dev/shm/ref
"""


def read_through_faults(guest: UmlMachine, disk: str, cases: Sequence[str]) -> dict[str, tuple[str, str]]:
    """What a program read of a disk at each fault, and after it."""
    steps = "\n".join(f"{size} {name}" for name, size in lengths(cases).items())
    script = READ.format(disk=disk, name=disk.rpartition("/")[2], steps=steps)
    said = [line.split(" ", 2) for line in guest.run(script, timeout=60).stdout.splitlines()]
    return {name: (saw, after) for saw, after, name in said}


def messages(log: str, case: str) -> list[str]:
    """What the kernel said at a fault: each line once, without what differs from run to run."""
    text = log.partition(f"fault: {case}.")[2].partition("fault: ")[0]
    lines = [re.sub(r"^(<\d+>)?\[ *[\d.]+\] ?", "", line) for line in text.splitlines()[1:]]
    lines = [re.sub(r"(number|seqnum|Request) \(?\d+\)?", r"\1 N", line) for line in lines if line.strip()]
    lines = [re.sub(r"^(usb|sd) [\d:-]+", r"\1", line) for line in lines]
    return list(dict.fromkeys(lines))


def test_what_usb_storage_makes_of_each_fault(lab: Lab, kernel: UmlMachine) -> None:
    options = save(lab, "disk", by_length(DISK_CASES))
    with lab.plug("storage:size=4M,serial=FAULTYDISK01", *options) as plugged:
        seen = read_through_faults(kernel, plugged.node("/dev/sd"), DISK_CASES)
        log = lab.kernel_said(kernel)
    print(seen, log)
    assert {name: after for name, (_, after) in seen.items()} == dict.fromkeys(DISK_CASES, "intact")
    assert {name for name, (saw, _) in seen.items() if saw != "intact"} == {"corrupt"}
    rows = [
        [f"`{name}`", seen[name][0], "; ".join(f"`{line}`" for line in messages(log, name)) or "nothing"]
        for name in DISK_CASES
    ]
    check_documented(lab, "disk", table(["fault", "what a program read", "what the kernel said"], rows))


STICK = "STICKWITHFAULTS"


@contextmanager
def serving_hardware(lab: Lab, *options: str) -> Iterator[None]:
    """The service with what is plugged into the host; the agent is connected to it."""
    mark = len(lab.agent.output) if lab.agent else 0
    service = lab.start_service("--device", "libusb", *options)
    try:
        if lab.agent is None:
            lab.start_agent()
        else:
            lab.wait_connected(mark)
        yield
    finally:
        terminate(service)


def test_a_gadget_under_libusb_fails_in_the_same_ways(lab: Lab, kernel: UmlMachine) -> None:
    """A device that is none of ours: the kernel's own stick, claimed by libusb, with the same plan."""
    cases = ["stall, device done", "short", "protocol", "protocol, half moved", "timeout", "late", "corrupt", "reset"]
    options = save(lab, "gadget", by_length(cases))
    with lab.gadget("mass-storage", "--size", "4M", "--serial", STICK), serving_hardware(lab, *options):
        lab.share(STICK)
        seen = read_through_faults(kernel, lab.disk(STICK), cases)
        lab.release()
        lab.host_disk(STICK)  # its own driver has it back
    assert {name: after for name, (_, after) in seen.items()} == dict.fromkeys(cases, "intact")
    assert {name for name, (saw, _) in seen.items() if saw != "intact"} == {"corrupt"}
    injected = [event for event in record(lab, "gadget") if event["event"] == "injected"]
    assert [event["fault"] for event in injected] == cases


PULLED, CHANGED = 512 * 101, 512 * 103


def test_a_disk_that_leaves_in_the_middle_of_a_read(lab: Lab, kernel: UmlMachine) -> None:
    """Once it comes back as itself, once as another device. No ghost, no hang, and its data are as they were."""
    faults = [
        Fault(Disconnect(bytes=4096, seconds=0.5), Where(endpoint=0x81, length=PULLED), ONCE),
        Fault(Reenumerate(become="loopback:serial=AFTERWARDS"), Where(endpoint=0x81, length=CHANGED), ONCE),
    ]
    with lab.plug("storage:size=4M,serial=LEAVINGDISK1", *save(lab, "leaving", faults)) as plugged:
        disk = plugged.node("/dev/sd")
        kernel.run(
            "dd if=/dev/urandom of=/dev/shm/ref bs=64k count=1 status=none;"
            f" dd if=/dev/shm/ref of={disk} bs=64k oflag=direct status=none"
        )
        assert "error" in read_of(kernel, disk, PULLED)
        lab.no_ghost()
        assert "USB disconnect" in lab.kernel_said(kernel)
        poll(lambda: listed(lab) == ["LEAVINGDISK1"], 10, "the disk is back")
        disk = lab.disk("LEAVINGDISK1")
        kernel.run(f"dd if={disk} bs=64k count=1 iflag=direct status=none | cmp - /dev/shm/ref; rm /dev/shm/ref")
        assert "error" in read_of(kernel, disk, CHANGED)
        lab.no_ghost()
        poll(lambda: listed(lab) == ["AFTERWARDS"], 10, "another device in its place")
        lab.cli(lab.host, "bind", "AFTERWARDS")
        lab.attach("AFTERWARDS")
        lab.wait_driver_in_guest("usbtest")


def read_of(guest: UmlMachine, disk: str, size: int) -> str:
    """What dd says of a direct read, which must end."""
    return guest.run(f"dd if={disk} of=/dev/null bs={size} count=1 iflag=direct", check=False, timeout=30).output


def listed(lab: Lab) -> list[str]:
    return [device["serial"] for device in lab.json(lab.host, "list")["devices"]]


CHANCES = [
    Fault(Stall(), Where(endpoint=0x81, length=512), When(probability=0.05)),
    Fault(Corrupt(), Where(endpoint=0x81, length=512), When(probability=0.2)),
    Fault(Short(), Where(endpoint=0x81, length=512), When(probability=0.1)),
]


def test_the_same_seed_does_the_same_again(lab: Lab, kernel: UmlMachine) -> None:
    seen, injected = [], []
    for name in ("chance", "again"):
        with lab.plug("loopback:pattern=1,serial=CHANCE", *save(lab, name, CHANCES, seed=11)):
            seen.append(lab.run(kernel, "faults", "CHANCE", "chance:150"))
        injected.append(same_faults(record(lab, name)))
    assert seen[0] == seen[1]
    assert len(injected[0]) > 30
    assert injected[0] == injected[1]


KEYBOARD, PORT = Where(device="KEYBOARD1", transfer="interrupt"), Where(device="PORT1", transfer="bulk", direction="in")
BAD_CABLE = [
    Fault(Stall(), KEYBOARD, When(nth=(9,)), "keyboard stalls"),
    Fault(Crc(), KEYBOARD, When(every=7), "keyboard errors"),
    Fault(Late(seconds=0, jitter=0.02), KEYBOARD, name="keyboard late"),
    Fault(Stall(), PORT, When(nth=(5, 20)), "port stalls"),
    Fault(Protocol(), PORT, When(every=9), "port errors"),
    Fault(Delay(seconds=0, jitter=0.003), PORT, When(probability=0.5), "port delays"),
    Fault(Bandwidth(bytes_per_second=1_000_000), PORT, name="port slow"),
]


def test_usbhid_and_cdc_acm_lose_nothing_that_was_not_sent(lab: Lab, kernel: UmlMachine) -> None:
    """Both try again after an error, and clear a halt by themselves; what only takes time is nothing to them."""
    devices = r"keyboard:serial=KEYBOARD1,text=Hello World\n,wait=200,pace=5,every=200,serial:serial=PORT1"
    with lab.plug(devices, *save(lab, "cable", BAD_CABLE)) as plugged:
        keys = lab.python(kernel, str(PROGRAMS / "keys.py"), plugged.node("/dev/input/event"))
        port = plugged.node("/dev/ttyACM")
        said = lab.run(kernel, "hil.clients.terminal", port, "both", str(SIZE), str(SEED), "115200")
        assert said.split()[0] == digest()
        poll(lambda: spell(keys.output).count("\nHello World\n") > 1, 30, "the text, in full, twice")
    injected = {event["fault"] for event in record(lab, "cable") if event["event"] == "injected"}
    assert injected == {fault.name for fault in BAD_CABLE}
