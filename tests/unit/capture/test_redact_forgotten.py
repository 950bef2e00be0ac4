"""Places that look harmless and have had something in them: what follows a field, what was cut, what is asked oddly."""

from __future__ import annotations

import dataclasses
import errno
import struct
import uuid
from pathlib import Path

import pytest

from emulator import catalogue
from tests.unit.capture.test_redact import (
    BULK,
    CONTROL,
    SECRET,
    TestMessages,
    command,
    control,
    get_string,
    known_of,
    string,
)  # fmt: skip
from tests.unit.capture.test_redact_places import described, file_of, leaks, moved
from wslusb.capture.known import Known
from wslusb.capture.redact import UrbRedactor
from wslusb.capture.redact_file import redact_file
from wslusb.capture.secrets import Secrets
from wslusb.usb import bos
from wslusb.usb.descriptors import Endpoint
from wslusb.usb.ids import TransferType
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Urb
from wslusb.wire.messages import AttachAnswer
from wslusb.wire.urbs import encode_request

POINTER = bytes.fromhex("05010902a10105091901290315002501950375018102c0")
KEYS = bytes.fromhex("05010906a1010507190029ff150026ff00750895068100c0")


def capability(kind: int, body: bytes) -> bytes:
    return bytes((len(body) + 3, 16, kind)) + body


class TestStrings:
    def test_what_stands_behind_a_string_is_not_of_it(self) -> None:
        """A device that answers from a buffer has the rest of a longer string there."""
        answer = string("Disk") + string("SERIAL99")[10:]
        assert control(UrbRedactor(known_of("storage")), get_string(2), answer) == string("Disk").ljust(18, b"\0")

    def test_only_what_microsoft_asks_for_stays_of_that_string(self) -> None:
        """Devices that do not know the index answer with the string that they told last."""
        redactor = UrbRedactor(known_of("storage"))
        assert control(redactor, get_string(0xEE), string("MSFT100\x20")) == string("MSFT100\x20")
        assert "SERIAL" not in control(redactor, get_string(0xEE), string("SERIAL99")).decode("utf-16-le")

    def test_the_list_of_languages_is_one(self) -> None:
        redactor = UrbRedactor(known_of("storage"))
        assert control(redactor, get_string(0), b"\x06\x03\x09\x04\x07\x04") == b"\x06\x03\x09\x04\x07\x04"
        assert "SERIAL" not in control(redactor, get_string(0), string("SERIAL99")).decode("utf-16-le")

    def test_no_string_stays_while_a_configuration_may_have_named_it_a_hardware_address(self) -> None:
        known = Known(Secrets())
        gadget = catalogue.parse_models("ethernet")[0].gadget
        known.learn_device(gadget.device.pack())
        whole = gadget.configurations[0].pack()
        known.learn_configuration(whole[:20])
        assert control(UrbRedactor(known), get_string(4), string("0200DEADBEEF")) != string("0200DEADBEEF")
        known.learn_configuration(whole)
        assert control(UrbRedactor(known), get_string(2), string("Card")) == string("Card")

    @pytest.mark.parametrize("written", ["ab12cd34", "AB12CD34"])
    def test_case_does_not_hide_a_serial_number(self, written: str) -> None:
        known = known_of("storage")
        known.secrets.add_text("aB12cD34")
        shown = control(UrbRedactor(known), get_string(2), string(f"Disk {written}"))
        assert written not in shown.decode("utf-16-le")

    @pytest.mark.parametrize("mark", [":", "-"])
    def test_a_hardware_address_with_marks_between(self, mark: str) -> None:
        known = known_of("ethernet")
        known.secrets.add_text("0200DEADBEEF")
        written = mark.join(("02", "00", "de", "ad", "be", "ef"))
        assert written not in control(UrbRedactor(known), get_string(2), string(f"Card {written}")).decode("utf-16-le")

    def test_a_serial_number_that_begins_like_another(self) -> None:
        secrets = Secrets()
        secrets.add_text("AB12")
        secrets.add_text("AB12CD34EF")
        assert b"CD34EF" not in secrets.replace(b"it is AB12CD34EF")


class TestWords:
    """A device whose serial number is a word of ours, so that no capture of it would pass the second scan."""

    @pytest.mark.parametrize("serial", ["wslusb", "redaction", "second scan clean", "messages", "told by the host"])
    def test_the_copy_is_made(self, tmp_path: Path, serial: str) -> None:
        source, target = tmp_path / "in", tmp_path / "out"
        gadget = catalogue.parse_models("storage")[0].gadget
        records = [
            *described(1, 0, gadget.device.pack()), *described(2, 0, gadget.configurations[0].pack()),
            *described(3, gadget.device.serial, string(serial)),
        ]  # fmt: skip
        source.write_bytes(file_of([(220, records)]))
        redact_file(source, target)
        assert serial.encode("utf-16-le") not in target.read_bytes()

    def test_what_has_no_small_letters_is_looked_for(self) -> None:
        secrets = Secrets()
        secrets.add_text("QWERTYUI")
        secrets.add_text("generation")
        assert b"QWERTYUI" in secrets.originals
        assert b"generation" not in secrets.originals
        assert b"generation" not in secrets.replace(b"the generation")


class TestStore:
    """The binary object store."""

    def ask(self, redactor: UrbRedactor, store: bytes) -> bytes:
        return control(redactor, Setup(0x80, 6, 0x0F00, 0, 255), store)

    def test_the_serial_number_of_a_battery(self) -> None:
        """USB Power Delivery, battery info capability: iBattery, iSerial, iManufacturer."""
        redactor = UrbRedactor(known_of("storage"))
        self.ask(redactor, bos.bos(capability(7, bytes((8, 9, 10)) + bytes(18))))
        assert "BATT4711" not in control(redactor, get_string(9), string("BATT4711")).decode("utf-16-le")
        assert control(redactor, get_string(8), string("Cell")) == string("Cell")

    def test_what_a_platform_that_nobody_knows_is_told(self) -> None:
        known = bos.platform(uuid.UUID("3408b638-09a9-47a0-8bfd-a0768815b665"), b"\0\1\x21\1")
        store = bos.bos(known, bos.platform(uuid.UUID(int=7), SECRET), capability(0x42, SECRET))
        shown = self.ask(UrbRedactor(known_of("storage")), store)
        assert len(shown) == len(store)
        assert known in shown
        assert SECRET[:6] not in shown
        assert len(bos.split_bos(shown)) == 3

    def test_it_is_told_alike_in_the_attach_message(self) -> None:
        store = bos.bos(bos.platform(uuid.UUID(int=7), SECRET))
        info = dataclasses.replace(TestMessages().info(), bos=store)
        payload = AttachAnswer(0, "", 5, 8, 4096, info).pack()
        frame = struct.pack("<IIII", 2, len(payload), 1, 0) + payload
        shown = TestMessages().attached()[0].frame(True, frame)
        assert len(shown) == len(frame)
        assert SECRET[:6] not in shown


class TestDescriptors:
    @pytest.mark.parametrize(("kind", "size"), [(1, 18), (6, 10), (0x30, 6)])
    def test_what_is_longer_than_a_descriptor_is_not_of_it(self, kind: int, size: int) -> None:
        data = bytes((size, kind)).ljust(size, b"\1")
        shown = control(UrbRedactor(known_of("storage")), Setup(0x80, 6, kind << 8, 0, 255), data + SECRET)
        assert shown == data + bytes(32)

    def test_what_is_longer_than_a_configuration_is_not_of_it(self) -> None:
        data = catalogue.parse_models("storage")[0].gadget.configurations[0].pack()
        shown = control(UrbRedactor(known_of("storage")), Setup(0x80, 6, 0x0200, 0, 255), data + SECRET)
        assert shown == data + bytes(32)

    @pytest.mark.parametrize("request_number", [0, 8, 10, 12])
    def test_an_answer_of_a_few_bytes_has_no_more(self, request_number: int) -> None:
        shown = control(UrbRedactor(known_of("storage")), Setup(0x80, request_number, 0, 0, 255), SECRET)
        assert SECRET[4:10] not in shown


class TestReports:
    def test_a_report_descriptor_of_which_only_the_start_is_there(self) -> None:
        """Old captures have 32 bytes of it: a pointer, and the keys come after."""
        known = known_of("gamepad")
        known.learn_report(0, POINTER, whole=False)
        assert known.treatment(0x81)(True, b"\1\2") == bytes(2)

    def test_its_length_is_what_was_captured_of_what_there_is(self) -> None:
        setup = Setup(0x81, 6, 0x2200, 0, len(POINTER + KEYS))
        known = known_of("gamepad")
        redactor = UrbRedactor(known)
        redactor.submitted(1, 0x80, CONTROL, setup.pack(), b"")
        redactor.completed(1, 0x80, CONTROL, POINTER)
        assert known.treatment(0x81)(True, b"\1\2") == bytes(2)

    def test_a_feature_that_no_descriptor_tells_of(self) -> None:
        """Game controllers have the address of their console in one."""
        known = known_of("gamepad")
        known.learn_report(0, POINTER)
        redactor = UrbRedactor(known)
        assert control(redactor, Setup(0xA1, 1, 0x03F2, 0, 32), SECRET) == bytes(32)
        assert control(redactor, Setup(0xA1, 1, 0x0100, 0, 2), b"\1\2") == b"\1\2"
        known.learn_report(0, POINTER[:-1] + b"\xb1\x02\xc0")
        assert control(redactor, Setup(0xA1, 1, 0x0301, 0, 2), b"\1\2") == b"\1\2"

    def test_the_number_of_a_wireless_device(self) -> None:
        """HUT 1.12, generic device controls: wireless id, security code character."""
        known = known_of("gamepad")
        known.learn_report(0, bytes.fromhex("05010902a10105060922150026ff00750895018102c0"))
        assert known.treatment(0x81)(True, b"\1\2") == bytes(2)


class TestStorage:
    def test_no_answer_is_longer_than_what_was_asked_for(self) -> None:
        """The records between were dropped: these are bytes of a file."""
        known = known_of("storage")
        known.treatment(0x02)(False, command(0x1A, 192, is_in=True))
        assert known.treatment(0x81)(True, SECRET * 16) == bytes(512)

    def test_sense_data_stay_as_long_as_they_have_a_form(self) -> None:
        known = known_of("storage")
        known.treatment(0x02)(False, command(0x03, 252, is_in=True))
        assert known.treatment(0x81)(True, b"x" * 252) == b"x" * 18 + bytes(234)

    @pytest.mark.parametrize("page", [0x00, 0x20, 0x3E])
    def test_mode_pages_that_vendors_made_up(self, page: int) -> None:
        known = known_of("storage")
        known.treatment(0x02)(False, command(0x1A, 192, is_in=True)[:17] + bytes((page,)) + bytes(13))
        assert SECRET[:6] not in known.treatment(0x81)(True, b"\x2f\0\0\0" + SECRET)

    def test_all_mode_pages_and_one_of_a_vendor_among_them(self) -> None:
        known = known_of("storage")
        pages = b"\x08\x0a" + bytes(range(10)) + bytes((0x20, 32)) + SECRET + b"\x1c\x06abcdef"
        answer = bytes((3 + 8 + len(pages), 0, 0x80, 8)) + bytes(8) + pages
        known.treatment(0x02)(False, command(0x1A, 192, is_in=True)[:17] + b"\x3f" + bytes(13))
        shown = known.treatment(0x81)(True, answer)
        assert shown == answer.replace(SECRET, bytes(32))


class TestSettings:
    def test_the_current_state_of_an_extension_unit_is_anything(self) -> None:
        redactor = UrbRedactor(known_of("audio"))
        assert control(redactor, Setup(0xA1, 0x81, 0x0100, 0x0500, 32), SECRET) == bytes(32)
        assert control(redactor, Setup(0xA1, 0x81, 0x0200, 0x0500, 2), b"\0\x80") == b"\0\x80"

    def test_a_negotiation_of_video_has_a_length(self) -> None:
        redactor = UrbRedactor(known_of("webcam"))
        assert SECRET[:6] not in control(redactor, Setup(0xA1, 0x81, 0x0100, 1, 96), SECRET * 3)

    def test_a_notification_is_as_long_as_it_says(self) -> None:
        known = known_of("serial")
        address = next(a for a in range(0x81, 0x90) if known.treatment(a)(True, b"\xa1\x20\0\0\0\0\2\0ab") != bytes(10))
        assert known.treatment(address)(True, b"\xa1secret of no") == bytes(13)


class TestHeaders:
    def test_the_bytes_of_a_record_that_are_no_field(self, tmp_path: Path) -> None:
        bulk = bytearray(moved(Endpoint(2, TransferType.BULK, 512), b"x")[0])
        bulk[40:48] = SECRET[:8]
        iso = bytearray(moved(Endpoint(0x83, TransferType.ISOCHRONOUS, 64), b"xx")[1])
        iso[64 + 12 : 64 + 16] = SECRET[:4]
        iso[64 + 28 : 64 + 32] = SECRET[:4]
        answer = bytearray(described(1, 0, bytes(18))[1])
        answer[40:48] = SECRET[:8]
        source, target = tmp_path / "in", tmp_path / "out"
        source.write_bytes(file_of([(220, [bytes(bulk), bytes(iso), bytes(answer)])]))
        redact_file(source, target)
        assert SECRET[:4] not in target.read_bytes()
        assert leaks(target) == []

    def test_a_message_has_a_setup_packet_for_control_transfers_alone(self) -> None:
        redactor, _, _ = TestMessages().attached()
        write = b"".join(map(bytes, encode_request(Urb(1, 0x02, BULK, 1, data=b"x"), 9, 5)))
        at = len(write) - 1 - 8
        shown = redactor.frame(False, write[:at] + SECRET[:8] + write[-1:])
        assert SECRET[:8] not in shown

    def test_why_a_device_was_not_attached(self) -> None:
        payload = AttachAnswer(13, "it is attached to planted-host (bob)").pack()
        frame = struct.pack("<IIII", 2, len(payload), 1, 0) + payload
        shown = TestMessages().attached()[0].frame(True, frame)
        assert len(shown) == len(frame)
        assert b"bob" not in shown


def test_a_copy_that_was_not_finished_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has looked through it."""
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(file_of([(220, list(described(1, 0, bytes(18))))]))
    monkeypatch.setattr("wslusb.capture.redact_file.pcapng.packet", _no_room)
    with pytest.raises(OSError, match="No space") as caught:
        redact_file(source, target)
    assert caught.value.filename == str(target)
    assert not target.exists()


def _no_room(*_: object, **__: object) -> bytes:
    raise OSError(errno.ENOSPC, "No space left on device")
