"""Redaction of anything at all: lengths stay, nothing raises, and what is not understood does not stay."""

from __future__ import annotations

import contextlib
import struct
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from emulator import catalogue
from tests.support.strategies import u8, u16, u32
from wslusb.capture import pcapng, treatments, vsockmon
from wslusb.capture.known import Known
from wslusb.capture.redact import UrbRedactor
from wslusb.capture.redact_file import redact_file
from wslusb.capture.redact_wire import WireRedactor
from wslusb.capture.secrets import Secrets
from wslusb.errors import LocalError

MARK = b"\xa5mark\x5a"
"""Six bytes that stand in everything that is fed in, at every distance from its start."""
marked = st.builds(lambda before, after: before + MARK + after, st.binary(max_size=80), st.binary(max_size=80))
datas = st.binary(max_size=200)
KINDS = "keyboard storage serial fido ccid printer ethernet ncm ftdi midi audio webcam gamepad"
kinds = st.sampled_from(KINDS.split())


def known_of(kind: str) -> Known:
    known = Known(Secrets())
    gadget = catalogue.parse_models(kind)[0].gadget
    known.learn_device(gadget.device.pack())
    for configuration in gadget.configurations:
        known.learn_configuration(configuration.pack())
    return known


@given(kinds, st.lists(st.tuples(u8, st.integers(1, 3), marked), max_size=8))
def test_bytes_of_an_endpoint_that_are_not_understood_do_not_stay(
    kind: str, moved: list[tuple[int, int, bytes]]
) -> None:
    redactor = UrbRedactor(known_of(kind))
    for endpoint, transfer, data in moved:
        if endpoint & 0x80:
            shown = redactor.completed(1, endpoint, transfer, data)
        else:
            shown = redactor.submitted(1, endpoint, transfer, b"", data)
        assert len(shown) == len(data)
        assert MARK not in shown


@given(kinds, u8.filter(lambda kind: kind & 0x60), u8, u16, u16, marked)
def test_class_and_vendor_requests_keep_their_length(
    kind: str, request_type: int, request: int, value: int, index: int, data: bytes
) -> None:
    redactor = UrbRedactor(known_of(kind))
    setup = struct.pack("<BBHHH", request_type, request, value, index, len(data))
    shown = redactor.submitted(1, 0, 0, setup, b"" if request_type & 0x80 else data)
    if request_type & 0x80:
        shown = redactor.completed(1, 0x80, 0, data)
    assert len(shown) == len(data)
    if request_type & 0x60 == 0x40:
        assert shown == bytes(len(data))


@given(st.lists(st.tuples(u8, u8, u16, u16, datas), max_size=6))
def test_standard_requests_that_answer_anything_raise_nothing(requests: list[tuple[int, int, int, int, bytes]]) -> None:
    redactor = UrbRedactor(Known(Secrets()))
    for request_type, request, value, index, data in requests:
        setup = struct.pack("<BBHHH", request_type & 0x9F, request, value, index, len(data))
        redactor.submitted(1, 0, 0, setup, b"")
        assert len(redactor.completed(1, 0x80, 0, data)) == len(data)


@given(st.booleans(), st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x40, 0xFF]) | u32, datas)
def test_messages_keep_their_length_and_header(from_host: bool, kind: int, payload: bytes) -> None:
    frame = struct.pack("<IIII", kind, len(payload), 1, 1) + payload
    redactor = WireRedactor(Known(Secrets()))
    shown = redactor.frames(from_host, frame * 2 + frame[:10])
    assert len(shown) == 2 * len(frame) + 10
    assert shown[:16] == frame[:16]
    assert shown[-10:] == bytes(10)


@given(st.text(min_size=1, max_size=40))
def test_tokens_are_as_long_as_what_they_stand_for(text: str) -> None:
    secrets = Secrets()
    secrets.add_text(text)
    assert len(secrets.text_token(text)) == len(text)
    units = text.encode("utf-16-le", "surrogatepass")
    assert len(secrets.units_token(text)) == len(units)
    for value in secrets.originals:
        assert value not in secrets.replace(b"--" + value + b"--")


@given(datas)
def test_keyboard_reports_have_no_other_key(data: bytes) -> None:
    shown = treatments.keyboard(True, data)
    assert len(shown) == len(data)
    assert set(shown) <= {0, 1, 4}


@given(st.lists(st.tuples(st.sampled_from([189, 220, 271, 249, 1]), st.booleans(), datas), max_size=6))
def test_files_of_anything_are_refused_or_copied(found: list[tuple[int, bool, bytes]]) -> None:
    guest = vsockmon.End(3, 5)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        blocks = [pcapng.section()]
        for number, (link, up, data) in enumerate(found):
            head = (vsockmon.from_guest if up else vsockmon.from_host)(guest) if link == 271 else b""
            blocks += [pcapng.interface(link, "x"), pcapng.packet(number, number, [head, data])]
        source.write_bytes(b"".join(blocks))
        with contextlib.suppress(LocalError):
            report = redact_file(source, target)
            assert report.written + report.left_out == len(found)
