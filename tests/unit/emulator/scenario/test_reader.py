"""emulator.scenario.reader: descriptors field by field, and complaints that say where."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.catalogue import kind_named
from emulator.options import Options
from emulator.scenario import reads
from emulator.scenario.data import Literal
from emulator.scenario.gadget import WrittenGadget
from wslusb.errors import LocalError
from wslusb.usb.ids import Speed

SOUND = """\
[device]
vendor = 0x1209
product = 1
[[configurations]]
[[configurations.interfaces]]
[[configurations.interfaces.endpoints]]
address = 0x81
transfer = "bulk"
max_packet_size = 512
[[configurations.interfaces.endpoints]]
address = 0x02
transfer = "interrupt"
max_packet_size = 8
interval = 4
[[configurations.interfaces.endpoints]]
address = 0x83
transfer = "isochronous"
max_packet_size = 64
interval = 4
"""


def complaint(text: str) -> str:
    with pytest.raises(LocalError) as caught:
        reads(text, Path("d.toml"))
    return str(caught.value)


RULES = {
    "[[in]]\nanswer = { hex = '0' }\nendpoint = 0x81": "d.toml:21: in[0].answer.hex: expected bytes of two hexadecimal",
    "[[in]]\nendpoint = 2": "d.toml:21: in[0].endpoint: expected a number from 0x81 to 0x8f, not 2",
    "[[in]]\nendpoint = 0x84": "d.toml:20: in[0]: endpoint: the device has no IN endpoint 0x84",
    "[[out]]\nendpoint = 3": "d.toml:20: out[0]: endpoint: the device has no OUT endpoint 0x03",
    "[[out]]": "d.toml:20: out[0]: endpoint is missing",
    "[[in]]\nendpoint = 0x83\nanswer = { delay = '1ms' }": "packets and messages are neither delayed nor refused",
    "[[in]]\nendpoint = 0x81\nanswer = { packet = 8 }": "answer: packet is for isochronous endpoints",
    "[[in]]\nendpoint = 0x81\nanswer = { status = 'standard' }": "status 'standard' is for control requests",
    "[[out]]\nendpoint = 2\nanswer = { hex = '00' }": "an OUT endpoint has no data to answer",
    "[[out]]\nendpoint = 2\nsend = { endpoint = 0x83 }": "no bulk or interrupt IN endpoint 0x83",
    "[messages]\n2 = '\\n'\n[[out]]\nendpoint = 2\nanswer = { status = 'stall' }": "d.toml:22: out[0]: answer:",
    "[messages]\n0x82 = 'x'": "d.toml:21: messages.0x82: the key of a message's end is the address of an OUT endpoint",
    "[messages]\n3 = 'x'": "d.toml:20: messages: the device has no bulk or interrupt OUT endpoint 0x03",
    "[messages]\n2 = ''": "d.toml:21: messages.2: expected at least one byte, not ''",
    "[[control]]\nafter = 'nobody'": "d.toml:20: control[0]: after: no rule is called 'nobody'",
    "[[control]]\nanswer = { echo = 'nobody' }": "echo: no rule is called 'nobody'",
    "[[control]]\nanswer = { zlp = true }": "packet and zlp are for IN endpoints",
    "[[control]]\nanswer = []": "d.toml:21: control[0].answer: expected at least one answer, not an array",
    "[[control]]\nanswer = { hex = '00', text = 'x' }": "pattern, echo, not hex and text",
    "[[control]]\nanswer = { status = 'stall', hex = '00' }": "an answer with status 'stall' has no data",
    "[[control]]\nanswer = { status = 'sulk' }": "expected 'ok', 'stall', 'nak' or 'standard', not 'sulk'",
    "[[control]]\nanswer = { seed = 1 }": "seed is for a pattern",
    "[[control]]\nanswer = { pattern = 'zeroes', seed = 1 }": "seed is for the random pattern",
    "[[control]]\nanswer = { file = 'nowhere' }": "control[0].answer.file: No such file or directory",
    "[[control]]\nanswer = { file = '/dev/null' }": "control[0].answer.file: it is not a file",
    "[[control]]\nanswer = { echo = false }": "expected true, or the name of a rule, not false",
    "[[control]]\nanswer = { delay = '1 hour' }": "such as '10ms', '250us' or '1.5s', not '1 hour'",
    "[[control]]\nanswer = { delay = 3 }": "expected a time up to a day",
    "[[control]]\nrequest = 'SET_FIRE'": "d.toml:21: control[0].request: expected 'GET_STATUS',",
    "[[control]]\nrequest_type = 'vendor device'": "three words such as 'vendor device in'",
    "[[control]]\nrequest_type = 'vendor in out'": "three words such as 'vendor device in'",
    "[[control]]\nvalue = 0x10000": "d.toml:21: control[0].value: expected a number from 0 to 0xffff, not 65536",
    "[[control]]\nvalue = { value = 1 }": "control[0].value: mask is missing",
    "[[control]]\nvalue = []": "expected at least one number",
    "[[control]]\nvalue = true": "expected a number from 0 to 0xffff, not true",
    "[[control]]\nmatches = '('": "d.toml:21: control[0].matches: not a regular expression:",
    "[[control]]\nnth = 0": "control[0].nth: expected a number from 1",
    "[[control]]\nnth = '0-3'": "a range such as '2-4' or '3-'",
    "[[control]]\nrepeat = 'twice'": "expected 'loop', 'last' or 'once', not 'twice'",
    "[[control]]\nreqest = 1": "d.toml:21: control[0].reqest: this key is unknown; there are after, answer, equals,",
    "[[controls]]": "d.toml:20: controls: this key is unknown",
    "[hid_reports]\nx = '00'": "d.toml:21: hid_reports.x: the key of a report descriptor is",
    "[strings]\n0 = 'x'": "d.toml:21: strings.0: the key of a string is its index, 1 to 255",
    "[strings]\n1 = 2": "d.toml:21: strings.1: expected a text, not 2",
    f"[strings]\n1 = '{'x' * 127}'": "expected a text of at most 126 UTF-16 units",
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_mistake_in_a_rule_is_named_with_its_place(rule: str) -> None:
    said = complaint(f"{SOUND}{rule}\n")
    assert said.startswith("d.toml:"), said
    assert RULES[rule] in said


CHANGES = {
    ("vendor = 0x1209", "vendor = 'x'"): "d.toml:2: device.vendor: expected a number from 0 to 0xffff, not 'x'",
    ("vendor = 0x1209", ""): "d.toml:1: device: vendor is missing",
    ("vendor = 0x1209", "vendor = 1\nclass = 'toaster'"): "d.toml:3: device.class: expected a number up to 0xff, or",
    ("vendor = 0x1209", "vendor = 1\nbcd_usb = '2'"): "expected a version such as '2.00', or 0x0200, not '2'",
    ("vendor = 0x1209", "vendor = 1\nserial = 256"): "device.serial: expected a number from 0 to 0xff, not 256",
    ("address = 0x81", "address = 0x80"): "d.toml:7: configurations[0].interfaces[0].endpoints[0].address:",
    ("address = 0x81", "address = 0x81\nattributes = 2"): "an endpoint has either transfer or attributes",
    ("interval = 4", ""): "d.toml:10: configurations[0].interfaces[0].endpoints[1]: interval is missing",
    ("address = 0x81", "address = 0x81\ndescriptors = ['0430']"): "descriptors[0]: a descriptor begins with its length",
    ("interfaces]]", "interfaces]]\nhid_report = 'joystick'"): "interfaces[0].hid_report: expected bytes",
    ("max_packet_size = 512", "max_packet_size = 1000"): "(checked = false is for devices that break rules on purpose)",
    ("[device]", "speed = 'warp'\n[device]"): "d.toml:1: speed: expected 'low', 'full', 'high',",
    ("[device]", "languages = [-1]\n[device]"): "d.toml:1: languages[0]: expected a number from 0 to 0xffff, not -1",
    ("[device]\n", "[device\n"): "d.toml: not TOML: ",
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_mistake_in_a_descriptor_is_named_with_its_place(change: tuple[str, str]) -> None:
    assert CHANGES[change] in complaint(SOUND.replace(*change, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "d.toml: configurations is missing"),
        ("configurations = []", "d.toml:1: configurations: expected at least one configuration"),
        ('configurations = ["09"]', "d.toml:1: configurations[0]: a configuration starts with"),
        (
            'device = "12 01"\nconfigurations = ["090209000101008032"]',
            "d.toml:1: device: a device descriptor has 18 bytes",
        ),
    ],
)
def test_a_mistake_in_bytes_is_named_with_its_place(text: str, said: str) -> None:
    assert said in complaint(text)


def test_fields_have_the_defaults_of_their_speed() -> None:
    gadget = reads(SOUND).gadget
    assert (gadget.speed, gadget.device.bcd_usb, gadget.device.max_packet_size0) == (Speed.HIGH, 0x0200, 64)
    gadget = reads("speed = 'super'\nchecked = false\n" + SOUND).gadget
    assert (gadget.speed, gadget.device.bcd_usb, gadget.device.max_packet_size0) == (Speed.SUPER, 0x0320, 9)
    assert (gadget.configurations[0].value, gadget.configurations[0].max_power) == (1, 50)


def test_a_text_in_place_gets_the_first_free_index_and_the_same_text_the_same() -> None:
    text = SOUND.replace("product = 1", "product = 1\nmanufacturer = 'A'\nproduct_string = 'B'\nserial = 'A'")
    gadget = reads(f"{text}\n[strings]\n1 = 'taken'\n[strings.0x0407]\n1 = 'belegt'\n").gadget
    assert isinstance(gadget, WrittenGadget)
    assert (gadget.device.manufacturer, gadget.device.product_string, gadget.device.serial) == (2, 3, 2)
    assert [gadget.string(index) for index in range(5)] == ["", "taken", "A", "B", ""]
    assert gadget.texts[0x0407, 1][2:].decode("utf-16-le") == "belegt"


def test_interfaces_are_numbered_and_alternates_belong_to_the_one_before() -> None:
    more = ("[[configurations.interfaces]]", "alternate = 1", "[[configurations.interfaces]]")
    association = ("[configurations.interfaces.association]", "count = 1", "")
    text = SOUND + "\n".join((*more, *association))
    settings = reads(text).gadget.configurations[0].interfaces
    assert [(each.number, each.alternate) for each in settings] == [(0, 0), (0, 1), (1, 0)]
    assert settings[2].association is not None
    assert settings[2].association.pack().hex() == "080b010100000000"


def test_a_file_of_data_is_looked_for_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"\0\1")
    scenario = reads(f"{SOUND}\n[[in]]\nendpoint = 0x81\nanswer = {{ file = 'data' }}\n", tmp_path / "d.toml")
    assert scenario.script.reads[0].answers[0].data == Literal(b"\0\1")


def test_a_file_that_is_not_there_not_text_or_too_large_is_said(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    with pytest.raises(LocalError, match=r"d\.toml: No such file"):
        kind_named(str(path))
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(LocalError, match=r"d\.toml: it is not UTF-8 at byte 5"):
        kind_named(str(path))
    path.write_bytes(b"#" * ((8 << 20) + 1))
    with pytest.raises(LocalError, match=r"d\.toml: it is larger than 8 MiB"):
        kind_named(str(path))


def test_the_serial_option_is_for_devices_that_have_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SOUND.replace("product = 1", "product = 1\nserial = 'S1'"))
    model = kind_named(str(path)).make(Options({"serial": "S2"}))
    assert model.gadget.info("9-1").serial == "S2"
    path.write_text(SOUND)
    options = Options({"serial": "S2"})
    kind_named(str(path)).make(options)
    assert options.left == ["serial"]
