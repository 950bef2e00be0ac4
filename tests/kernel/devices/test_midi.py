"""The virtual instrument under snd-usb-audio, played and heard with amidi."""

from __future__ import annotations

import re

from hil.vm.uml import UmlMachine
from hil.waiting import poll
from tests.kernel.devices.lab import Lab
from tests.kernel.support import tools


def port_of(node: str) -> str:
    """The name that amidi has for /dev/snd/midiC1D0."""
    match = re.fullmatch(r"/dev/snd/midiC(\d+)D(\d+)", node)
    assert match, node
    return f"hw:{match[1]},{match[2]}"


def test_amidi_hears_the_melody(lab: Lab, kernel: UmlMachine) -> None:
    tools("amidi")
    with lab.plug("midi:melody=C4.E4.G4,tempo=1200,wait=100,every=100") as plugged:
        port = port_of(plugged.node("/dev/snd/midi"))
        with kernel.start(["amidi", "-p", port, "-d"]) as heard:
            poll(lambda: heard.stdout.split().count("804300") > 1, 15, "the last note, twice")
            notes = ["903C64", "803C00", "904064", "804000", "904364", "804300"]
            assert " ".join(notes * 2) in " ".join(heard.stdout.split())
        lab.wait_driver_in_guest("snd-usb-audio")


def test_what_amidi_plays_arrives_and_comes_back(lab: Lab, kernel: UmlMachine) -> None:
    tools("amidi")
    record = lab.rig.shared / "notes"
    with lab.plug(f"midi:echo=yes,ports=2,speed=high,record={record}") as plugged:
        port = port_of(plugged.node("/dev/snd/midi")) + ",1"
        sysex = bytes([0xF0, *range(100), 0xF7]).hex(" ")
        kernel.run(f"amidi -p {port} -S '90 3C 7F C0 05 {sysex} F8' -r {lab.rig.shared}/echo -c -t 1")
        lines = [line.split(": ") for line in record.read_text().splitlines()]
        assert {number for number, _ in lines} == {"2"}
        expected = bytes.fromhex(f"90 3C 7F C0 05 {sysex} F8")
        assert bytes.fromhex("".join(data for _, data in lines)) == expected
        assert (lab.rig.shared / "echo").read_bytes() == expected
