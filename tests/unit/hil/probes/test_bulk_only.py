from __future__ import annotations

from hil.probes import bulk_only

READY, INQUIRY, CAPACITY = ["000000000000", 0], ["120000002400", 36], ["25000000000000000000", 8]


def test_answers_and_refusals_of_a_stick() -> None:
    unknown = ["ff0000000000", 512]
    found = bulk_only.run("emulator:storage:size=1M,serial=S1", "9-1", [INQUIRY, unknown, CAPACITY, READY])
    assert found is not None
    inquiry, refused, capacity, ready = found
    assert bytes.fromhex(inquiry["data"])[4] == 31
    assert refused == {"passed": False, "data": "", "sense": [5, 0x20, 0]}  # INVALID COMMAND OPERATION CODE
    assert bytes.fromhex(capacity["data"]) == (2047).to_bytes(4, "big") + (512).to_bytes(4, "big")
    assert ready["passed"]


def test_a_uas_disk_is_asked_by_its_bulk_only_setting() -> None:
    assert bulk_only.run("emulator:uas:serial=S1", "9-1", [INQUIRY]) is not None


def test_what_is_no_disk_does_not_answer() -> None:
    assert bulk_only.run("emulator:keyboard", "9-1", [INQUIRY]) is None
