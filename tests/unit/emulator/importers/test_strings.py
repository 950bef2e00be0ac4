"""emulator.importers: strings are those of the source, byte for byte, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.importers import captures, import_device, umockdev
from emulator.importers.imported import Imported, assemble
from emulator.importers.scenario_text import scenario_text
from emulator.importers.transfers import Control
from emulator.scenario import reads
from tests.support import samples
from wslusb.usb.setup import Setup

LANGUAGES, ENGLISH, GERMAN, FRENCH = 0, 0x0409, 0x0407, 0x040C
MICROSOFT = bytes.fromhex("1203 4d0053004600540031003000300020 00")


def text(words: str) -> bytes:
    data = words.encode("utf-16-le")
    return bytes((len(data) + 2, 3)) + data


def captured(strings: dict[tuple[int, int], bytes]) -> Imported:
    """A device that was asked for these strings (language, index) while somebody looked on."""
    raw = samples.descriptors("acm")
    asked = {
        (1, 0, 0): raw[:18],
        (2, 0, 0): raw[18:],
        **{(3, index, each): data for (each, index), data in strings.items()},
    }
    (evidence,) = captures.read(
        Control(1, 2, Setup(0x80, 6, kind << 8 | index, language, 255).pack(), data, True)
        for (kind, index, language), data in asked.items()
    )
    return assemble(evidence)


def answers(imported: Imported) -> dict[tuple[int, int], bytes]:
    """Every string descriptor that the device gives."""
    gadget = imported.model.gadget
    places = [(language, index) for language in (LANGUAGES, ENGLISH, GERMAN, FRENCH) for index in range(1, 256)]
    given = {place: gadget.string_descriptor(place[1], place[0]) for place in [(0, 0), *places]}
    return {place: data for place, data in given.items() if data is not None}


def unknown(imported: Imported) -> list[str]:
    return [line for line in imported.missing if "string" in line]


def test_a_german_device_keeps_its_strings_though_windows_asked_for_its_own() -> None:
    strings = {
        (0, 0): b"\x04\x03\x07\x04", (GERMAN, 1): text("Firma"), (GERMAN, 2): text("Gerät"), (GERMAN, 3): text("1"),
        (0, 0xEE): MICROSOFT,
    }  # fmt: skip
    imported = captured(strings)
    assert answers(imported) == strings
    assert [imported.model.gadget.string(index) for index in (1, 2, 3)] == ["Firma", "Gerät", "1"]
    assert not [line for line in unknown(imported) if "iProduct" in line]


def test_all_languages_are_kept_and_gaps_stay_gaps() -> None:
    strings = {
        (0, 0): b"\x06\x03\x07\x04\x0c\x04", (GERMAN, 1): text("eins"), (FRENCH, 1): text("un"),
        (GERMAN, 5): text("cinq"),
    }  # fmt: skip
    imported = captured(strings)
    assert answers(imported) == strings
    assert "string 2 (iProduct): not in the source; the request for it is stalled" in imported.missing


def test_a_device_that_was_asked_for_no_string_has_none() -> None:
    imported = captured({})
    assert answers(imported) == {}
    assert "string 1 (iManufacturer): not in the source; the request for it is stalled" in imported.missing


def test_a_list_of_languages_that_was_not_seen_is_made_of_those_that_were_and_reported() -> None:
    imported = captured({(FRENCH, 1): text("un"), (ENGLISH, 1): text("one"), (0, 0xEE): MICROSOFT})
    assert answers(imported)[0, 0] == b"\x06\x03\x09\x04\x0c\x04"
    assert "string 0 (languages): not in the source; 0x0409, 0x040c, in which strings were read" in imported.missing


def test_a_string_that_is_cut_off_ends_there() -> None:
    imported = captured({(0, 0): b"\x04\x03\x09\x04", (ENGLISH, 1): text("cut off")[:7]})
    assert answers(imported)[ENGLISH, 1] == text("cu")
    assert "string 1: 7 of 16 bytes are in the source; it ends there" in imported.missing


def test_a_scenario_keeps_the_strings_of_a_capture() -> None:
    imported = captured({(0, 0): b"\x04\x03\x07\x04", (GERMAN, 1): text("Firma"), (0, 0xEE): MICROSOFT})
    again = reads(scenario_text(imported, "capture.pcap")).gadget
    gadget = imported.model.gadget
    for place in answers(imported):
        assert again.string_descriptor(place[1], place[0]) == gadget.string_descriptor(place[1], place[0])


def two_configurations() -> bytes:
    """The modem, with a second configuration that has a string of its own."""
    raw = bytearray(samples.descriptors("acm"))
    first = raw[18:]
    second = bytearray(first)
    raw[17], first[6], second[5], second[6] = 2, 9, 2, 10
    return bytes(raw[:18] + first + second)


@pytest.mark.parametrize(("active", "index"), [("1", 9), ("2", 10)])
def test_sysfs_names_the_string_of_the_active_configuration(active: str, index: int, tmp_path: Path) -> None:
    folder = samples.sysfs("acm", tmp_path)
    for name, content in (("bConfigurationValue", active), ("configuration", "Chosen")):
        (folder / name).write_text(content + "\n")
    (folder / "descriptors").write_bytes(two_configurations())
    gadget = import_device(folder).model.gadget
    assert [number for number in (9, 10) if gadget.string(number) == "Chosen"] == [index]


@pytest.mark.parametrize(("active", "index"), [("1", 9), ("2", 10), ("", None)])
def test_umockdev_names_the_string_of_the_active_configuration(active: str, index: int | None) -> None:
    (evidence,) = umockdev.read(
        f"P: /devices/usb1/1-2\nH: descriptors={two_configurations().hex()}\n"
        f"A: bConfigurationValue={active}\\n\nA: configuration=Chosen\\n\n"
    )
    assert [number for number, each in evidence.strings.items() if each == "Chosen"] == [index][: index is not None]


@pytest.mark.parametrize(
    ("written", "meant"),
    [(r"plain\n", "plain"), (r"a\nb", "a\nb"), (r"a\\b", r"a\b"), (r"a\\nb", r"a\nb"), (r"a\\\nb", "a\\\nb")],
)
def test_attributes_of_umockdev_are_escaped(written: str, meant: str) -> None:
    dump = f"P: /devices/usb1/1-2\nH: descriptors={samples.descriptors('acm').hex()}\nA: product={written}\n"
    (evidence,) = umockdev.read(dump)
    assert evidence.strings[samples.descriptors("acm")[15]] == meant
