from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.report.moments import SECOND, Clocks, Source, faults, kernel_log, program_log

HOST = Source.HOST_KERNEL


@pytest.mark.parametrize(
    ("line", "time", "text"),
    [
        ("[    1.500000] usb 1-1: new device", 1_500_000_000, "usb 1-1: new device"),
        ("<6>[12345.000001] x", 12345_000_001_000, "x"),
        ("[    0.000042][    T1] with a caller", 42_000, "with a caller"),
        ("[    2.000000]", 2_000_000_000, ""),
    ],
)
def test_kernel_messages_have_seconds_since_boot(line: str, time: int, text: str) -> None:
    (found,) = kernel_log(line, HOST, 100.0)
    assert (found.time, found.text, found.source) == (100 * SECOND + time, text, HOST)


def test_a_line_without_a_stamp_belongs_to_the_one_before() -> None:
    found = kernel_log("lost start\n[ 1.0] Call Trace:\n dump_stack\n\n[ 2.0] end\n", HOST, 0)
    assert [each.text for each in found] == ["Call Trace:\n dump_stack", "end"]


def test_a_message_without_end_keeps_its_first_and_last_lines() -> None:
    (found,) = kernel_log("[ 1.0] first\n" + "".join(f"{n}\n" for n in range(500)), HOST, 0)
    lines = found.text.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (40, "first", "499")


def test_logs_are_in_local_time_with_milliseconds() -> None:
    (found,) = program_log("1970-01-01 02:00:01,250 INFO a.b: text", Source.AGENT, 7200)
    assert (found.time, found.text) == (1_250_000_000, "INFO a.b: text")


def test_a_traceback_belongs_to_its_message() -> None:
    text = "1970-01-01 00:00:01,000 ERROR a: b\nTraceback:\n  x\n1970-01-01 00:00:02,000 INFO a: c\n"
    assert [each.text for each in program_log(text, Source.AGENT)] == ["ERROR a: b\nTraceback:\n  x", "INFO a: c"]


@given(st.text(), st.floats(-1e9, 1e9))
def test_no_text_breaks_the_readers(text: str, boot: float) -> None:
    for found in (kernel_log(text, HOST, boot), program_log(text, Source.SERVICE)):
        assert all(each.text.count("\n") < 40 for each in found)


def test_a_date_that_there_is_not_does_not_break_the_reader() -> None:
    assert program_log("1970-13-45 99:00:01,250 INFO a.b: text", Source.AGENT)[0].time <= SECOND


INJECTED = {"event": "injected", "time": 2.5, "what": {"kind": "stall"}, "endpoint": 0x81, "nth": 3, "sequence": 9}
STARTED = {"event": "started", "date": "1970-01-01T00:01:00+00:00"}


def test_a_faults_time_is_counted_from_an_urb_that_the_capture_has() -> None:
    later = {**INJECTED, "time": 3.0, "sequence": 10, "note": "late"}
    found = faults([STARTED, INJECTED, later], {9: 100 * SECOND})
    assert [(each.time, each.urb) for each in found] == [(100 * SECOND, 9), (100 * SECOND + SECOND // 2, 10)]
    assert found[1].text == "injected stall: number 3 on endpoint 0x81 (late)"


def test_without_one_it_is_counted_from_the_records_beginning() -> None:
    assert [each.time for each in faults([STARTED, INJECTED], {})] == [62 * SECOND + SECOND // 2]
    assert faults([INJECTED], {}) == []


def test_the_rigs_facts_are_read() -> None:
    facts = {
        "offset": -0.5, "host": {"boot": 5, "utc_offset": 3600, "offset": 10}, "guest": {}, "started": 7, "failed": 8.5,
    }  # fmt: skip
    assert Clocks.of(facts) == Clocks(-0.5, {"host": 5.0}, {"host": 3600.0}, 17.0, 18.5)


@pytest.mark.parametrize("facts", [{}, {"offset": "x", "host": 3, "failed": True}, {"guest": {"boot": ""}}])
def test_what_is_no_fact_is_not_known(facts: dict[str, object]) -> None:
    assert Clocks.of(facts) == Clocks()
