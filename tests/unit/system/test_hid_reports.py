"""HID report descriptors in a made sysfs."""

from __future__ import annotations

from tests.unit.system.sysfs import Tree, configuration
from wslusb.system.linux_sysfs import hid_reports


def test_report_descriptors_by_interface(tree: Tree) -> None:
    folder = tree.add("1-4", 2, configurations=(configuration(1, 2),), drivers={0: "cdc_acm", 1: "usbhid"})
    (node,) = folder.glob("1-4:*.1")
    (node / "0003:1209:0001.0001").mkdir()
    (node / "0003:1209:0001.0001" / "report_descriptor").write_bytes(b"\x05\x01")
    assert hid_reports("1-4", tree.root) == {1: b"\x05\x01"}
    assert hid_reports("1-5", tree.root) == {}
