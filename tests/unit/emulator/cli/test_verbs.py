"""python -m emulator, verb by verb."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.catalogue import kinds, parse_models
from emulator.cli.program import program
from tests.support import samples
from wslusb.usb.ids import Speed


@pytest.fixture(autouse=True)
def _no_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WSLUSB_DEBUG", raising=False)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program, [str(each) for each in arguments])


def test_list_has_a_line_for_every_kind_of_the_catalogue() -> None:
    result = run("list")
    lines = result.stdout.splitlines()
    assert (result.exit_code, lines[0].split()[0]) == (0, "NAME")
    assert [line.split()[0] for line in lines[1:]] == list(kinds())


def test_list_as_json() -> None:
    answer = json.loads(run("list", "--json").stdout)
    assert answer["schema"] == "emulator.list/1"
    storage = next(each for each in answer["kinds"] if each["name"] == "storage")
    assert (storage["driver"], sorted(storage["options"])) == ("usb-storage", ["file", "ro", "serial", "size"])


@pytest.mark.parametrize("name", kinds())
def test_every_kind_can_be_shown(name: str) -> None:
    result = run("show", name, "--hex")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{name}: ")


def test_show_has_all_bytes_in_their_order() -> None:
    (model,) = parse_models("storage")
    shown = run("show", "storage", "--hex").stdout.splitlines()
    data = [bytes.fromhex(line) for line in shown if line and set(line) <= set("0123456789abcdef ")]
    assert b"".join(data) == model.gadget.device.pack() + model.gadget.configurations[0].pack()


def test_show_a_tree() -> None:
    lines = run("show", "storage:serial=123456789012").stdout.splitlines()
    assert lines[-5].startswith("device 0525:a4a5, high speed, USB 2.00")
    assert lines[-5].endswith(": 'wslusb emulator', 'Memory stick', '123456789012'")
    assert lines[-4:] == [
        "  configuration 1, 100 mA, 32 bytes",
        "    interface 0, mass storage 08/06/50",
        "      endpoint 0x81 IN, bulk, 512 bytes",
        "      endpoint 0x02 OUT, bulk, 512 bytes",
    ]


def test_a_device_that_does_not_exist_is_wrong_usage() -> None:
    result = run("show", "nonsense")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("emulator: error: no virtual device is called 'nonsense'; there are ")
    assert result.stderr.endswith("emulator: hint: 'python -m emulator list' shows what there is.\n")


def test_two_devices_cannot_be_shown_at_once() -> None:
    result = run("show", "storage,loopback")
    assert (result.exit_code, "names 2 devices" in result.stderr) == (2, True)


def test_check_a_device_that_keeps_the_rules() -> None:
    result = run("check", "storage", "--descriptors-only")
    assert (result.exit_code, result.stdout) == (0, "descriptors: 0 rules broken, 0 warnings\n")


def test_check_names_the_field_of_a_broken_rule(tmp_path: Path) -> None:
    blob = tmp_path / "descriptors"
    data = bytearray(samples.descriptors("keyboard"))
    data[18 + 4] = 7  # bNumInterfaces
    blob.write_bytes(data)
    result = run("check", blob, "--descriptors-only")
    assert result.exit_code == 1
    assert "bNumInterfaces is 7" in result.stderr


def test_import_says_what_is_missing_and_shows_what_is_there() -> None:
    result = run("import", samples.SAMPLES / "acm/sysfs/descriptors")
    assert result.exit_code == 0
    said = "emulator: warning: string 1 (iManufacturer): not in the source; the request for it is stalled.\n"
    assert said in result.stderr
    assert result.stdout.startswith("device 1d6b:0104, high speed")


def test_import_lists_the_devices_of_a_capture() -> None:
    result = run("import", samples.CAPTURE)
    assert result.exit_code == 1
    assert "1.2 (1d6b:0104 wslusb gadget), 1.3 (1d6b:0105 wslusb gadget)" in result.stderr
    assert "choose one with device=NAME, or --device NAME" in result.stderr


def test_import_as_json() -> None:
    answer = json.loads(run("import", samples.CAPTURE, "--device", "1.4", "--json").stdout)
    assert bytes.fromhex(answer["device"] + "".join(answer["configurations"])) == samples.descriptors("zero")


@pytest.mark.parametrize("gadget", samples.GADGETS)
def test_an_imported_device_is_the_same_again_from_its_scenario(gadget: str, tmp_path: Path) -> None:
    target = tmp_path / "device.toml"
    result = run("import", samples.CAPTURE, "--device", samples.ADDRESSES[gadget], "-o", target)
    assert result.exit_code == 0, result.output
    (model,) = parse_models(str(target))
    raw = model.gadget.device.pack() + b"".join(each.pack() for each in model.gadget.configurations)
    assert raw == samples.descriptors(gadget)
    assert model.gadget.string(1) == "wslusb"


def test_a_scenario_on_standard_output_is_toml() -> None:
    result = run("import", samples.SAMPLES / "keyboard/lsusb.txt", "-o", "-")
    assert tomllib.loads(result.stdout)["strings"]["3"] == "KBD1"


def test_a_speed_that_the_source_does_not_hold_can_be_said() -> None:
    result = run("import", samples.CAPTURE, "--device", "1.3", "--speed", "high")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "high speed" in result.stdout
    (model,) = parse_models(f"{samples.CAPTURE}:device=1.3,speed=high")
    assert model.gadget.speed is Speed.HIGH


def test_a_file_that_is_in_no_format(tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"\0" * 100)
    result = run("import", junk)
    assert (result.exit_code, "is in none of the formats sysfs, lsusb," in result.stderr) == (1, True)


def test_a_file_of_the_current_directory_needs_no_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("blob").write_bytes(samples.descriptors("zero"))
    assert "device 0525:a4a0" in run("show", "blob").stdout


def test_without_a_verb_there_is_the_help() -> None:
    result = run()
    assert (result.exit_code, "Commands:" in result.stderr) == (2, True)


@pytest.mark.parametrize("device", ["storage:siez=64M", "storage:size=abc"])
def test_a_wrong_option_leads_to_the_options_of_its_kind(device: str) -> None:
    result = run("show", device)
    assert result.exit_code == 2
    assert result.stderr.endswith("emulator: hint: 'python -m emulator show storage' shows its options.\n")


NONE = "from emulator.model import Kind\nKIND = Kind(name='x', summary='x', make=lambda options: None)\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [("def", "SyntaxError"), ("import not_there", "not_there"), ("", "no KIND"), (NONE, "its make returned NoneType")],
)
def test_a_mistake_in_a_device_file_is_its_authors_and_no_matter_of_the_list(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    result = run("show", file)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert said in result.stderr


def test_a_source_in_no_known_format_leads_to_the_option_whose_choices_are_words(tmp_path: Path) -> None:
    source = tmp_path / "README.md"
    source.write_text("# Nothing of a device")
    assert "--format" in run("import", source).stderr.splitlines()[-1]
    assert "''" not in run("import", source, "--format", "nope").stderr.replace("'nope'", "")


def test_no_name_is_no_directory() -> None:
    result = run("show", "")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "descriptors" not in result.stderr


@pytest.mark.parametrize(
    ("source", "name", "error", "hint"),
    [
        ("zero", "lsusb", "is a directory, and lsusb is the format of a file", "leave --format out"),
        ("zero", "sysfs", "has no file 'descriptors'", "/sys/bus/usb/devices/1-4"),
        ("zero/lsusb.txt", "capture", "neither a pcap nor a pcapng file", "leave --format out"),
    ],
)
def test_a_source_that_is_not_of_the_named_format_ends_with_the_next_step(
    source: str, name: str, error: str, hint: str
) -> None:
    result = run("import", samples.SAMPLES / source, "--format", name)
    first, second = result.stderr.splitlines()
    assert result.exit_code == 1
    assert error in first
    assert second.startswith("emulator: hint: ")
    assert hint in second


def test_a_verb_that_does_not_exist_is_guessed_at() -> None:
    result = run("rnu")
    assert (result.exit_code, result.stderr.splitlines()) == (
        2,
        ["emulator: error: No such command 'rnu'.", "emulator: hint: did you mean 'run'? see 'emulator --help'."],
    )
