"""What stays of captured URBs and messages, and what does not."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence

import pytest

from emulator import catalogue
from wslusb.capture import treatments
from wslusb.capture.known import Known
from wslusb.capture.redact import UrbRedactor
from wslusb.capture.redact_wire import WireRedactor
from wslusb.capture.secrets import Secrets
from wslusb.usb import bos
from wslusb.usb.info import DeviceInfo
from wslusb.usb.setup import Setup
from wslusb.usb.urb import Buffer, Completion, Urb
from wslusb.wire.messages import AttachAnswer
from wslusb.wire.urbs import encode_request, encode_response

SECRET = b"the secret that nobody may read "
CONTROL, ISO, BULK, INTERRUPT = range(4)


def known_of(kind: str, **options: bool) -> Known:
    known = Known(Secrets(b"salt"), **options)
    gadget = catalogue.parse_models(kind)[0].gadget
    known.learn_device(gadget.device.pack())
    for configuration in gadget.configurations:
        known.learn_configuration(configuration.pack())
    return known


def string(text: str) -> bytes:
    data = text.encode("utf-16-le")
    return bytes((len(data) + 2, 3)) + data


def control(redactor: UrbRedactor, setup: Setup, data: bytes, key: int = 1) -> bytes:
    redactor.submitted(key, 0x80, CONTROL, setup.pack(), b"")
    return redactor.completed(key, 0x80, CONTROL, data)


def get_string(index: int) -> Setup:
    return Setup(0x80, 6, 0x0300 | index, 0x0409, 255)


class TestStrings:
    def test_the_serial_number_becomes_a_token_of_its_length_and_other_strings_stay(self) -> None:
        redactor = UrbRedactor(known_of("storage"))
        shown = control(redactor, get_string(3), string("AB12CD34"))
        assert len(shown) == 18
        assert shown[:2] == b"\x12\x03"
        assert "AB12CD34" not in shown.decode("utf-16-le")
        assert shown == control(redactor, get_string(3), string("AB12CD34"))
        assert shown != control(redactor, get_string(3), string("AB12CD35"))
        assert control(redactor, get_string(2), string("Disk")) == string("Disk")

    def test_every_string_is_a_secret_until_the_device_descriptor_is_known(self) -> None:
        assert control(UrbRedactor(Known(Secrets())), get_string(2), string("Disk")) != string("Disk")

    def test_a_serial_number_that_is_known_is_replaced_wherever_it_stands(self) -> None:
        redactor = UrbRedactor(known_of("storage"))
        control(redactor, get_string(3), string("AB12CD34"))
        assert "AB12CD34" not in control(redactor, get_string(2), string("Disk AB12CD34")).decode("utf-16-le")

    def test_two_salts_give_two_tokens(self) -> None:
        assert Secrets().text_token("AB12CD34") != Secrets().text_token("AB12CD34")

    @pytest.mark.parametrize("serial", ["000000000001", "020000000001"])
    def test_numbers_that_stand_everywhere_are_no_address(self, serial: str) -> None:
        """A READ(10) of block 0 has them, and so has every second header."""
        secrets = Secrets()
        secrets.add_text(serial)
        assert bytes.fromhex(serial) not in secrets.originals
        read = bytes.fromhex("28000200000000010000")
        assert secrets.replace(read) == read
        assert secrets.replace(serial.encode("utf-16-le")) != serial.encode("utf-16-le")

    def test_the_hardware_address_of_a_network_card_is_a_secret(self) -> None:
        known = known_of("ethernet")
        index = max(known.serials)
        shown = control(UrbRedactor(known), get_string(index), string("0200DEADBEEF"))
        assert "0200DEADBEEF" not in shown.decode("utf-16-le")
        assert b"\x02\x00\xde\xad\xbe\xef" in known.secrets.originals

    def test_container_ids_in_a_binary_object_store(self) -> None:
        box = uuid.UUID("11223344-5566-7788-99aa-bbccddeeff00")
        store = bos.bos(bos.usb_2_0_extension(), bos.container_id(box))
        shown = control(UrbRedactor(known_of("storage")), Setup(0x80, 6, 0x0F00, 0, 255), store)
        assert len(shown) == len(store)
        assert box.bytes_le not in shown
        assert shown[:16] == store[:16]
        cut = control(UrbRedactor(known_of("storage")), Setup(0x80, 6, 0x0F00, 0, 30), store[:30])
        assert store[20:26] not in cut


class TestKeyboards:
    def test_all_keys_are_one_and_their_number_stays(self) -> None:
        treat = known_of("keyboard").treatment(0x81)
        assert treat(True, bytes((0x20, 0, 0, 0x17, 0, 0x2C, 0, 0))) == bytes((1, 0, 4, 4, 0, 0, 0, 0))
        assert treat(True, bytes(8)) == bytes(8)

    def test_a_report_that_is_no_boot_report_is_blanked(self) -> None:
        assert treatments.keyboard(True, b"\x01\x02\x00\x04\x05\x06\x07\x08\x09") == bytes(9)

    def test_a_report_that_is_fetched_is_treated_alike(self) -> None:
        redactor = UrbRedactor(known_of("keyboard"))
        assert control(redactor, Setup(0xA1, 1, 0x0100, 0, 8), bytes((0, 0, 9, 0, 0, 0, 0, 0)))[2] == 4


class TestOtherReports:
    def test_a_security_key_is_blanked_with_and_without_its_report_descriptor(self) -> None:
        known = known_of("fido")
        address = next(a for a in range(0x81, 0x90) if known.interface_of(a) is not None)
        assert known.treatment(address)(True, SECRET) == bytes(32)
        known.learn_report(0, bytes.fromhex("06d0f10901a10115002508750895 4081020ac0".replace(" ", "")))
        assert known.treatment(address)(True, SECRET) == bytes(32)

    def test_a_gamepad_stays_once_its_report_descriptor_has_gone_by(self) -> None:
        known = known_of("gamepad")
        assert known.treatment(0x81)(True, b"\x01\x02") == bytes(2)
        known.learn_report(0, bytes.fromhex("05010905a1010509190129081500250175019508 8102c0".replace(" ", "")))
        assert known.treatment(0x81)(True, b"\x01\x02") == b"\x01\x02"

    def test_a_report_descriptor_that_is_cut_off_proves_nothing(self) -> None:
        known = known_of("gamepad")
        known.learn_report(0, bytes.fromhex("05010905a10105"))
        assert known.treatment(0x81)(True, b"\x01\x02") == bytes(2)


def command(opcode: int, length: int, *, is_in: bool, tag: int = 7, second: int = 0) -> bytes:
    head = struct.pack("<4sIIBBB", b"USBC", tag, length, 0x80 if is_in else 0, 0, 10)
    return (head + bytes((opcode, second, 1, 2, 3, 4, 5, 6, 7, 8))).ljust(31, b"\xee")


class TestStorage:
    def test_commands_and_statuses_stay_and_data_do_not(self) -> None:
        known = known_of("storage")
        out, into = known.treatment(0x02), known.treatment(0x81)
        write = command(0x2A, 512, is_in=False)
        assert out(False, write) == write[:25] + bytes(6)
        assert out(False, SECRET * 16) == bytes(512)
        status = struct.pack("<4sIIB", b"USBS", 7, 0, 0)
        assert into(True, status) == status
        assert out(False, command(0x28, 64, is_in=True))[:4] == b"USBC"
        assert into(True, SECRET * 2) == bytes(64)

    def test_data_that_look_like_a_command_are_data(self) -> None:
        out = known_of("storage").treatment(0x02)
        out(False, command(0x2A, 62, is_in=False))
        assert out(False, command(0x2A, 0, is_in=False)) == bytes(31)

    def test_an_inquiry_stays_without_its_vendor_area_and_serial_number_pages_do_not(self) -> None:
        known = known_of("storage")
        out, into = known.treatment(0x02), known.treatment(0x81)
        out(False, command(0x12, 96, is_in=True))
        assert into(True, b"x" * 96) == b"x" * 36 + bytes(60)
        assert into(True, b"x" * 96) == bytes(96)
        out(False, command(0x12, 96, is_in=True, second=1))
        assert into(True, b"x" * 96) == bytes(96)

    def test_a_status_that_no_command_was_seen_for_is_data(self) -> None:
        assert known_of("storage").treatment(0x81)(True, struct.pack("<4sIIB", b"USBS", 7, 0, 0)) == bytes(13)


@pytest.mark.parametrize(
    "kind", ["serial", "printer", "ethernet", "ncm", "ftdi", "midi", "audio", "webcam", "loopback"]
)
def test_what_endpoints_of_these_move_is_blanked(kind: str) -> None:
    known = known_of(kind)
    for address in (*range(1, 16), *range(0x81, 0x90)):
        assert known.treatment(address)(address > 0x80, SECRET) == bytes(32)


def test_vendor_specific_bytes_stay_where_that_is_wanted() -> None:
    known = known_of("ftdi", keep_vendor=True)
    assert known.treatment(0x81)(True, SECRET) == SECRET
    assert control(UrbRedactor(known), Setup(0xC0, 0x90, 0, 0, 2), b"ab") == b"ab"
    assert control(UrbRedactor(known_of("ftdi")), Setup(0xC0, 0x90, 0, 0, 2), b"ab") == bytes(2)


def test_a_smart_card_message_keeps_its_header() -> None:
    message = struct.pack("<BIBBBBB", 0x6F, 32, 0, 1, 0, 0, 0) + SECRET
    assert treatments.ccid(False, message) == message[:10] + bytes(32)
    assert treatments.ccid(False, SECRET) == bytes(32)
    assert treatments.ccid(False, message[:-1]) == bytes(41)


def test_line_coding_stays_and_encapsulated_commands_do_not() -> None:
    redactor = UrbRedactor(known_of("serial"))
    assert control(redactor, Setup(0xA1, 0x21, 0, 0, 7), b"\x80\x25\0\0\0\0\x08") == b"\x80\x25\0\0\0\0\x08"
    assert control(redactor, Setup(0xA1, 0x01, 0, 0, 32), SECRET) == bytes(32)
    assert redactor.submitted(1, 0, CONTROL, Setup(0x21, 0x00, 0, 0, 32).pack(), SECRET) == bytes(32)


def test_an_answer_whose_request_is_not_there_is_blanked() -> None:
    redactor = UrbRedactor(known_of("storage"))
    assert redactor.completed(9, 0x80, CONTROL, SECRET) == bytes(32)
    assert redactor.completed(9, 0x85, BULK, SECRET) == bytes(32)


def whole(buffers: Sequence[Buffer]) -> bytes:
    return b"".join(bytes(each) for each in buffers)


class TestMessages:
    def info(self) -> DeviceInfo:
        gadget = catalogue.parse_models("storage")[0].gadget
        return DeviceInfo(
            busid="1-1", vendor=1, product=2, serial="SERIAL99", device_descriptor=gadget.device.pack(),
            configurations=tuple(each.pack() for each in gadget.configurations),
        )  # fmt: skip

    def attached(self) -> tuple[WireRedactor, bytes, bytes]:
        payload = AttachAnswer(0, "", 5, 8, 4096, self.info()).pack()
        frame = struct.pack("<IIII", 2, len(payload), 1, 0) + payload
        redactor = WireRedactor(Known(Secrets()))
        return redactor, frame, redactor.frame(True, frame)

    def test_the_serial_number_of_the_device_that_was_attached(self) -> None:
        _, frame, shown = self.attached()
        assert len(shown) == len(frame)
        answer = AttachAnswer.unpack(shown[16:])
        assert answer.info is not None
        assert answer.info.serial != "SERIAL99"
        assert answer.info.configurations == self.info().configurations

    def test_urbs_are_treated_as_their_endpoint_is(self) -> None:
        redactor, _, _ = self.attached()
        write = Urb(1, 0x02, BULK, 32, data=SECRET)
        request = whole(encode_request(write, 9, 5))
        assert redactor.frame(False, request) == request[:-32] + bytes(32)
        ask = Urb(2, 0x80, CONTROL, 255, setup=get_string(3))
        asked = whole(encode_request(ask, 10, 5))
        assert redactor.frame(False, asked) == asked
        answer = whole(encode_response(Completion(ask, 0, 18, string("SERIAL99")), 10, 5))
        shown = redactor.frame(True, answer)
        assert len(shown) == len(answer)
        assert shown[:36] == answer[:36]
        assert "SERIAL99".encode("utf-16-le") not in shown

    @pytest.mark.parametrize(
        ("from_host", "kind"),
        [(True, 7), (False, 7), (True, 1), (True, 6), (True, 0xFF), (True, 0x41), (False, 5), (True, 4), (True, 2)],
    )
    def test_what_is_not_expected_on_a_data_connection_is_blanked(self, from_host: bool, kind: int) -> None:
        redactor, _, _ = self.attached()
        frame = struct.pack("<IIII", kind, 32, 1, 0) + SECRET
        assert redactor.frame(from_host, frame) == frame[:16] + bytes(32)
