"""Rig files: what is read, and that everything that is wrong is said with its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hil.errors import RigError, RigFileError
from hil.rig import keys
from hil.rig.model import DeviceEntry, Match, PlaceEntry, PowerEntry, Rig, Safety
from hil.rig.reading import read_rig, reads_rig
from hil.rig.traits import TRAITS

FINGERPRINT = "sha256:" + "0a" * 32
WHOLE = f"""
[rig]
name = "bench-1"

[host]
kind = "ssh"
address = "root@lab-3"
listen = ["vsock:"]

[guest]
kind = "wsl"
distribution = "Debian"

[device.stick]
vid = 0x0951
pid = 0x1666
serial = "60A4"
port = "1-2"
traits = ["storage"]
safety = "destructive"
power = {{ kind = "uhubctl", location = "1-1", port = 2 }}
fingerprint = "{FINGERPRINT}"
limits = {{ latency = 3, throughput = 0.4 }}
allow = ["mounted"]
storage = {{ start = "1M", size = 65536 }}

[device.port]
port = "0000:00:14.0-usbv2-1.4"
"""


def problems(text: str) -> list[str]:
    with pytest.raises(RigFileError) as caught:
        reads_rig(text)
    assert "\n".join(caught.value.problems) == str(caught.value)
    return list(caught.value.problems)


def device(line: str, where: str = "vid = 1") -> list[str]:
    """What is said of a line of a device: it is the third."""
    return problems(f"[device.a]\n{where}\n{line}\n")


def test_everything_that_a_file_says_is_in_the_model() -> None:
    stick = DeviceEntry(
        name="stick", match=Match(0x0951, 0x1666, "60A4", "1-2"), traits=frozenset({"any", "storage"}),
        safety=Safety.DESTRUCTIVE, power=PowerEntry("uhubctl", {"location": "1-1", "port": 2}), fingerprint=FINGERPRINT,
        limits={"latency": 3.0, "throughput": 0.4}, options={"storage": {"start": 1 << 20, "size": 65536}},
        allow=frozenset({"mounted"}), line=14,
    )  # fmt: skip
    port = DeviceEntry(name="port", match=Match(port="0000:00:14.0-usbv2-1.4"), line=27)
    assert reads_rig(WHOLE, Path("here.toml")) == Rig(
        name="bench-1", host=PlaceEntry("ssh", {"address": "root@lab-3", "listen": ("vsock:",)}),
        guest=PlaceEntry("wsl", {"distribution": "Debian"}), devices=(stick, port), path=Path("here.toml"),
    )  # fmt: skip


def test_a_virtual_host_has_no_guest_of_another_s() -> None:
    (said,) = problems("[host]\nkind = 'qemu'\n[guest]\nkind = 'ssh'\naddress = 'a'\n[device.a]\nsource = 'usb-kbd'\n")
    assert said.startswith("rig.toml:4: guest.kind: a host of kind 'qemu' is made for the run")


@pytest.mark.parametrize(
    ("host", "example"), [("qemu", "usb-tablet,serial=T1"), ("emulated", "storage:size=64M"), ("replay", "bug.pcapng")]
)
def test_what_is_plugged_in_has_an_example_of_that_host(host: str, example: str) -> None:
    (said,) = problems(f"[host]\nkind = '{host}'\n[device.a]\nsafety = 'read-only'\n")
    assert said == f"rig.toml:3: device.a: nothing says what is plugged in; give source, such as '{example}'"


def test_a_virtual_host_listens_where_it_is_told_by_nobody() -> None:
    (said,) = problems("[host]\nkind = 'qemu'\nlisten = ['vsock:']\n[device.a]\nsource = 'usb-kbd'\n")
    assert said.startswith("rig.toml:3: host.listen: this key is unknown; there is memory")


def test_what_a_file_does_not_say_is_careful() -> None:
    rig = reads_rig("[device.a]\nvid = 1\n", Path("bench.toml"))
    (entry,) = rig.devices
    assert (rig.name, rig.host, rig.guest) == ("bench", PlaceEntry("local"), PlaceEntry("local"))
    assert (entry.traits, entry.safety, entry.power.kind) == (frozenset({"any"}), Safety.READ_ONLY, "none")


def test_the_guest_of_a_virtual_host_is_a_virtual_machine() -> None:
    rig = reads_rig('[host]\nkind = "emulated"\n[device.a]\nsource = "storage"\n')
    assert (rig.guest.kind, rig.devices[0].source) == ("uml", "storage")


def test_a_virtual_host_has_to_be_told_what_to_plug_in() -> None:
    (said,) = problems('[host]\nkind = "emulated"\n[device.a]\nvid = 0x1234\npid = 0x5678\n')
    assert said == "rig.toml:3: device.a: nothing says what is plugged in; give source, such as 'storage:size=64M'"


def test_an_empty_file_is_a_rig_without_devices() -> None:
    assert reads_rig("").devices == ()


def test_the_rigs_of_the_project_can_be_read() -> None:
    for path in (Path(__file__).parents[4] / "hil" / "rigs").glob("*.toml"):
        assert read_rig(path).devices


def test_all_mistakes_are_said_at_once_in_the_order_of_their_lines() -> None:
    found = problems('[device.a]\nvdi = 1\nsafety = "safe"\n[rig]\nnam = "x"\n')
    assert [problem.partition(": ")[0] for problem in found] == [
        "rig.toml:1", "rig.toml:2", "rig.toml:3", "rig.toml:5"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("vdi = 1", "device.a.vdi: this key is unknown; is it 'vid'?"),
        ("pid = 0x10000", "device.a.pid: expected a number such as 0x1d6b, not 65536"),
        ("pid = true", "device.a.pid: expected a number such as 0x1d6b, not true"),
        ("pid = '1666'", "device.a.pid: expected a number such as 0x1d6b, not '1666'"),
        ("serial = 7", "device.a.serial: expected a text, not 7"),
        ("serial = ' '", "device.a.serial: expected a text, not ' '"),
        ("traits = 'storage'", "device.a.traits: expected a list of texts, not 'storage'"),
        ("allow = [3]", "device.a.allow: expected a text, not 3"),
        ("traits = ['storge']", "device.a.traits: there is no trait 'storge'; is it 'storage'?"),
        ("safety = 'destructiv'", "device.a.safety: there is no safety 'destructiv'; is it 'destructive'?"),
        ("safety = 2", "device.a.safety: expected a safety, one of read-only, reversible, destructive, not 2"),
        ("power = 'manual'", "device.a.power: expected a table such as { kind = 'manual' }, not 'manual'"),
        ("power = { kind = 'uhub' }", "device.a.power.kind: there is no kind 'uhub'; is it 'uhubctl'?"),
        ("power = { kind = 'uhubctl', location = '1', port = 0 }",
         "device.a.power.port: expected a number from 1 to 255, not 0"),
        ("power = { kind = 'ykush' }", "device.a.power: port is missing: the port of the YKUSH"),
        ("power = { kind = 'manual', port = 1 }", "device.a.power.port: this key is unknown; there is kind"),
        ("fingerprint = 'sha256:0'",
         "device.a.fingerprint: expected 'sha256:' and 64 hexadecimal digits, not 'sha256:0'"),
        ("limits = { latency = 0 }", "device.a.limits.latency: expected a number greater than 0, not 0"),
        ("limits = { latency = nan }", "device.a.limits.latency: expected a number greater than 0, not nan"),
        ("limits = { latnecy = 1 }", "device.a.limits.latnecy: this key is unknown; is it 'latency'?"),
        ("limits = 3", "device.a.limits: expected a table, not 3"),
        ("storage = { start = 1 }",
         "device.a.storage: the device has no trait 'storage'; add it to traits, or remove its options"),
        ("source = 'usb-tablet'", "device.a.source: only virtual hosts plug something in; remove it,"
         " or give the host one of the kinds emulated, qemu, replay, uml"),
        ("allow = ['keyboard']",
         "device.a.allow: a keyboard is allowed on virtual hosts alone: people type on the others"),
        ("allow = ['keybaord']", "device.a.allow: there is no word for what is refused 'keybaord'; is it 'keyboard'?"),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_is_said_with_its_number_its_key_and_what_it_should_be(line: str, said: str) -> None:
    assert device(line) == [f"rig.toml:3: {said}"]


@pytest.mark.parametrize("port", ["1", "1:2", "usb1", "1-2:1.0", "1-", "1-2.", "a b-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    (said,) = device(f"port = '{port}'")
    assert said.startswith("rig.toml:3: device.a.port: expected a port such as '1-2' or '1-4.1'")


@pytest.mark.parametrize("port", ["1-2", "3-1.4.2", "0000:00:14.0-usbv2-1.4", "emulator-9-1"])
def test_busids_and_port_paths_are_ports(port: str) -> None:
    assert reads_rig(f"[device.a]\nport = '{port}'\n").devices[0].match == Match(port=port)


@pytest.mark.parametrize("value", ["{ start = 'big' }", "{ start = -1 }", "{ start = '1X' }"])
def test_options_of_a_trait_are_checked(value: str) -> None:
    (said,) = problems(f"[device.a]\nvid = 1\ntraits = ['storage']\nstorage = {value}\n")
    assert "rig.toml:4: device.a.storage.start: expected a size such as 65536, '64K' or '16M'" in said


def test_options_of_a_trait_may_be_a_table_of_their_own() -> None:
    rig = reads_rig("[device.a]\nvid = 1\ntraits = ['storage']\n[device.a.storage]\nsize = '64KiB'\n")
    assert rig.devices[0].options == {"storage": {"size": 65536}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[device.a]\ntraits = ['hid']\n", "rig.toml:1: device.a: nothing says which device this is; give vid and pid"),
        ("[device.'a b']\nvid = 1\n", "rig.toml:1: device.'a b': expected a name of letters, digits"),
        (f"[device.{'a' * 65}]\nvid = 1\n", "rig.toml:1: device.aaaaa"),
        ("[device]\na = 3\n", "rig.toml:2: device.a: expected a table"),
        ("device = 3\n", "rig.toml:1: device: expected a table, as [device.NAME], not 3"),
        ("[[device]]\nvid = 1\n", "rig.toml:1: device: expected a table, as [device.NAME], not a list"),
        ("[devices.a]\nvid = 1\n", "rig.toml:1: devices: this key is unknown; is it 'device'?"),
        ("[host]\nkind = 'ssh'\n", "rig.toml:1: host: address is missing: what ssh is called with"),
        ("[host]\nkind = 7\n", "rig.toml:2: host.kind: expected a kind, one of local, ssh,"),
        ("[guest]\nkind = 'qemu'\n", "rig.toml:2: guest.kind: there is no kind 'qemu'; there is uml, local, ssh"),
        ("[guest]\nkind = 'command'\nrun = 'docker exec x'\n", "rig.toml:3: guest.run: expected a list of texts"),
        (
            "[device.a]\nvid = 1\nleave_out = ['test_sleep']\n",
            "rig.toml:3: device.a.leave_out: expected a table",
        ),
        ("[device.a]\nvid = 1\npower = { kind = 'bench' }\n", "rig.toml:3: device.a.power.kind: that is the port of a"),
        ("[host]\nlisten = []\n", "rig.toml:2: host.listen: expected at least one text, not an empty list"),
        ("[device.a]\nvid = 1\n[device.b]\nvid = 1\n", "rig.toml:3: device.b: this is the same device as 'a'"),
    ],
)
def test_tables_that_are_wrong(text: str, said: str) -> None:
    (found,) = problems(text)
    assert found.startswith(said)


def test_a_byte_order_mark_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_bytes(b"\xef\xbb\xbf[rig]\nname = 'bench'\n")
    assert read_rig(path).name == "bench"


def test_a_device_that_stands_there_twice_is_found_by_the_format_itself() -> None:
    (said,) = problems("[device.a]\nvid = 1\n[device.a]\nvid = 2\n")
    assert said.startswith("rig.toml:3: not TOML: Cannot declare ('device', 'a') twice")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[device\n", "rig.toml:1: not TOML: "),
        ("a = \n", "rig.toml:1: not TOML: Invalid value"),
        (
            "[device.a]\nvid = 0951\n",
            "rig.toml:2: not TOML: Expected newline or end of document after a statement; a hex",
        ),
        ("[device.a]\npid = a4a0\n", "rig.toml:2: not TOML: Invalid value; a hexadecimal number starts with 0x"),
        ("a = " + "[" * 5000, "rig.toml: not TOML: "),
        ("a = " + "9" * 5000, "rig.toml: not TOML: "),
    ],
)
def test_what_is_no_toml_is_said_with_its_line_where_that_is_known(text: str, said: str) -> None:
    (found,) = problems(text)
    assert found.startswith(said)
    assert "\n" not in found


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"a = 1\n\xff", ":2: it is not UTF-8"), (b"#" * (1 << 19), ": it is larger than 256 KiB")],
)
def test_files_that_are_no_text(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "rig.toml"
    path.write_bytes(data)
    with pytest.raises(RigFileError) as caught:
        read_rig(path)
    assert str(caught.value) == f"{path}{said}"


@pytest.mark.parametrize("name", ["none.toml", "", "a\0b"])
def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(RigFileError):
        read_rig(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_named_pipe_or_a_device_is_no_rig_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(RigFileError) as caught:
            read_rig(path)
        assert str(caught.value) == f"{path}: it is not a file"


def test_a_device_is_asked_for_by_its_name() -> None:
    rig = reads_rig("[device.a]\nvid = 1\n")
    assert rig.device("a") is rig.devices[0]
    with pytest.raises(RigError, match=r"rig.toml: there is no device 'b'") as caught:
        rig.device("b")
    assert caught.value.hint == "there is a"


def test_no_trait_with_options_has_the_name_of_another_key() -> None:
    assert not {name for name, trait in TRAITS.items() if trait.options} & keys.DEVICE.keys()
