"""The text of ``lsusb -v``: fields back to bytes, as different versions of usbutils print them."""

from __future__ import annotations

import pytest

from emulator.importers import lsusb
from emulator.importers.evidence import Evidence
from emulator.importers.lsusb_fields import encode

DEVICE = """\
Bus 003 Device 007: ID 1209:0001
Device Descriptor:
  bLength                18
  bDescriptorType         1
  bcdUSB               2.00
  bDeviceClass          239 Miscellaneous Device
  bDeviceSubClass         2
  bDeviceProtocol         1
  bMaxPacketSize0        64
  idVendor           0x1209
  idProduct          0x0001
  bcdDevice           61.10
  iManufacturer           1 (error)
  iProduct                2 A thing: with a colon
  iSerial                 0
  bNumConfigurations      1
  Configuration Descriptor:
    bLength                 9
    bDescriptorType         2
    wTotalLength       {total}
    bNumInterfaces          1
    bConfigurationValue     1
    iConfiguration          0
    bmAttributes         0xa0
      (Bus Powered)
      Remote Wakeup
    MaxPower              500mA
    Interface Descriptor:
      bLength                 9
      bDescriptorType         4
      bInterfaceNumber        0
      bAlternateSetting       0
      bNumEndpoints           0
      bInterfaceClass       {kind}
      bInterfaceSubClass      1
      bInterfaceProtocol      0
      iInterface              0
{rest}Device Status:     0x0000
  (Bus Powered)
"""
HEAD = 18


def read(rest: str, total: str = "0x0000", kind: int = 14) -> Evidence:
    (evidence,) = lsusb.read(DEVICE.format(rest=rest, total=total, kind=kind))
    return evidence


def rest_of(evidence: Evidence) -> bytes:
    return evidence.configurations[0][HEAD:]


@pytest.mark.parametrize(
    ("name", "text", "data"),
    [
        ("bLength", "9", "09"),
        ("bcdUSB", "2.10", "1002"),
        ("idVendor", "0x1d6b Linux Foundation", "6b1d"),
        ("wMaxPacketSize", "0x1400  3x 1024 bytes", "0014"),
        ("bEndpointAddress", "0x81  EP 1 IN", "81"),
        ("dwClockFrequency", "48.000000MHz", "006cdc02"),
        ("tSamFreq", "44100", "44ac00"),
        ("bmControls", "0x0000000f", "0f000000"),
        ("bmVideoStandards", "0x 9", "09"),
        ("guidFormat", "{32595559-0000-0010-8000-00aa00389b71}", "5955593200001000800000aa00389b71"),
        ("dwFeatures", "00010030", "30000100"),
        ("bClassEnvelope", "echo", "ff"),
        ("wlcdLayout", "16 cols 2 lines", "1002"),
        ("Transfer", "Type            Bulk", ""),
    ],
)
def test_a_field(name: str, text: str, data: str) -> None:
    assert encode(name, text) == bytes.fromhex(data)


@pytest.mark.parametrize(("name", "text"), [("bLength", "900"), ("guidFormat", "{x}"), ("bcdUSB", "two")])
def test_a_field_that_the_text_does_not_hold(name: str, text: str) -> None:
    assert encode(name, text) is None


def test_strings_that_could_not_be_read_are_no_strings() -> None:
    evidence = read("")
    assert (evidence.name, evidence.strings) == ("3.7", {2: "A thing: with a colon"})


CARD_READER = """\
      ChipCard Interface Descriptor:
        bLength                54
        bDescriptorType        33
        bcdCCID              1.10  (Warning: Only accurate for version 1.0)
        nMaxSlotIndex           0
        bVoltageSupport         7  5.0V 3.0V 1.8V
        dwProtocols             3  T=0 T=1
        dwDefaultClock       4000
        dwMaxiumumClock      8000
        bNumClockSupported      0
        dwDataRate          10752 bps
        dwMaxDataRate      344086 bps
        bNumDataRatesSupp.      0
        dwMaxIFSD             254
        dwSyncProtocols  00000000
        dwMechanical     00000000
        dwFeatures       000100BA
          Auto voltage selection
          TPDU level exchange
        dwMaxCCIDMsgLen       271
        bClassGetResponse      00
        bClassEnvelope       echo
        wlcdLayout           none
        bPINSupport             0
        bMaxCCIDBusySlots       1
"""


def test_a_card_reader() -> None:
    found = rest_of(read(CARD_READER, "0x0048", 11))
    assert len(found) == 54
    assert found.hex().startswith("3621100100070300 0000a00f0000".replace(" ", ""))
    assert found[40:44] == bytes.fromhex("ba000100")
    assert found[48:54] == bytes.fromhex("00ff00000001")


def video(guid: str) -> str:
    return f"""\
      VideoControl Interface Descriptor:
        bLength                26
        bDescriptorType        36
        bDescriptorSubtype      6 (EXTENSION_UNIT)
        bUnitID                 2
        guidExtensionCode         {guid}
        bNumControl             3
        bNrPins                 1
        baSourceID( 0)          1
        bControlSize            1
        bmControls( 0)       0xff
        iExtension              0
      VideoControl Interface Descriptor:
        bLength                11
        bDescriptorType        36
        bDescriptorSubtype      5 (PROCESSING_UNIT)
      Warning: Descriptor too short
        bUnitID                 3
        bSourceID               2
        wMaxMultiplier          0
        bControlSize            2
        bmControls     0x0000043f
          Brightness
        iProcessing             0
        bmVideoStandards     0x 9
          None
"""


GUID = "{00010203-0405-0607-0809-0a0b0c0d0e0f}"


@pytest.mark.parametrize(("total", "first"), [("0x0037", "03020100"), ("       55", "00010203")])
def test_guids_before_usbutils_9_stand_byte_by_byte(total: str, first: str) -> None:
    evidence = read(video(GUID), total)
    found = rest_of(evidence)
    assert (len(found), found[4:8].hex()) == (37, first)
    assert [line[:6] for line in evidence.missing] == (["GUIDs:"] if first == "00010203" else [])


def test_the_guid_of_a_video_format_tells_how_all_of_them_are_printed() -> None:
    text = video(GUID) + "        guidFormat  {32595559-0000-0010-8000-00aa00389b71}\n"
    assert rest_of(read(text, "       55"))[4:8].hex() == "03020100"


def test_a_guid_that_a_mail_program_has_wrapped() -> None:
    assert rest_of(read(video("\n" + GUID), "0x0037")) == rest_of(read(video(GUID), "0x0037"))


def test_a_descriptor_that_is_not_all_there_is_left_out_and_reported() -> None:
    evidence = read(video("{cut-off"), "0x0037")
    assert evidence.missing == [
        "VideoControl Interface Descriptor (26 bytes) of interface 0: not all in the text; left out",
        "configuration 1: the text holds 29 of wTotalLength 55 bytes; wTotalLength is 29",
    ]
    assert len(evidence.configurations[0]) == 29


def test_bytes_that_lsusb_did_not_understand() -> None:
    text = "      ** UNRECOGNIZED:  05 24 00 10 01\n      UNRECOGNIZED CDC:  04 24 33 01\n"
    assert rest_of(read(text, "0x001b")) == bytes.fromhex("05240010010424 3301".replace(" ", ""))


def test_the_companion_of_a_superspeed_endpoint() -> None:
    text = """\
      Endpoint Descriptor:
        bLength                 7
        bDescriptorType         5
        bEndpointAddress     0x81  EP 1 IN
        bmAttributes            2
          Transfer Type            Bulk
        wMaxPacketSize     0x0400  1x 1024 bytes
        bInterval               0
        bMaxBurst              15
        MaxStreams             16
"""
    assert rest_of(read(text, "0x001f"))[7:] == bytes((6, 0x30, 15, 4, 0, 0))


def test_what_a_periodic_endpoint_moves_is_not_printed_by_older_usbutils() -> None:
    text = """\
      Endpoint Descriptor:
        bLength                 7
        bDescriptorType         5
        bEndpointAddress     0x83  EP 3 IN
        bmAttributes            1
        wMaxPacketSize     0x0400  1x 1024 bytes
        bInterval               1
        bMaxBurst               1
        Mult                    2
"""
    evidence = read(text, "0x001f")
    assert rest_of(evidence)[7:] == bytes((6, 0x30, 1, 2)) + (6144).to_bytes(2, "little")
    assert evidence.missing == ["wBytesPerInterval of endpoint 0x83: not in the text; 6144, the most allowed"]
    assert read(text + "        wBytesPerInterval   3072\n", "0x001f").missing == []


def test_a_line_that_lsusb_does_not_print_costs_no_time() -> None:
    assert rest_of(read("A " * 1_000_000 + "\n" + " " * 1_000_000 + "\n", "0x0012")) == b""


def test_letters_where_lsusb_prints_decimal_numbers_are_not_read_as_such() -> None:
    text = "      CDC Union:\n        bMasterInterface        0\n        bSlaveInterface         e 1\n"
    assert rest_of(read(text, "0x0017")) == bytes((5, 0x24, 6, 0, 1))
