"""hil.report.typical: how most URBs go."""

from __future__ import annotations

from pathlib import Path

from hil.report.flights import Stage
from hil.report.timeline import of_folder
from hil.report.typical import slowest
from tests.support import rig_failure
from tests.support.rig_failure import FAILED, GUEST_AHEAD, SECOND, Tape, a_failure, pass_through
from wslusb.usb.ids import TransferType
from wslusb.usb.urb import Completion, Status, Urb

READ = Urb(0, 0x81, TransferType.BULK, 4)
FINE = Completion(READ, Status.OK, 4, b"1234")


def test_the_typical_way_has_the_medians_of_what_most_urbs_are(tmp_path: Path) -> None:
    host, guest = Tape(), Tape(GUEST_AHEAD)
    for number in range(12):
        slow = rig_failure.MS * (20 if number else 900)
        pass_through(host, guest, FAILED - SECOND + number * rig_failure.MS, number, READ, FINE, device=slow)
    host.write(tmp_path / "capture.pcapng")
    guest.write(tmp_path / "capture-guest.pcapng")
    way = of_folder(tmp_path).typical
    assert way is not None
    assert way.name == "median of 12 times bulk IN 0x81, 4 bytes"
    assert list(way.stages) == list(Stage)
    assert slowest(way) == (Stage.ASKED, "a URB spends 20.00 ms of its 20.24 ms there")
    assert of_folder(a_failure(tmp_path / "few"), before=0.04).typical is None
