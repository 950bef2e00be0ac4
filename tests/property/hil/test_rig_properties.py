"""Rig files: no text does worse than a RigFileError of lines, and no device makes a suggestion that is none."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hil.errors import RigFileError
from hil.rig import keys
from hil.rig.matching import find
from hil.rig.reading import read_rig, reads_rig
from hil.rig.safety import Facts
from hil.rig.suggest import Source, suggest
from hil.rig.traits import TRAITS, recognised
from tests.support.strategies import texts, whole_infos
from wslusb.device.describe_text import quoted
from wslusb.usb.info import DeviceInfo

LINE = re.compile(r"rig\.toml(:[1-9]\d*)?: [^\n]+")


def attempt(read: Callable[[], object]) -> tuple[str, ...]:
    """What is wrong with a rig file; nothing for one that can be read."""
    try:
        read()
    except RigFileError as error:
        return error.problems or ("",)
    return ()


def attempt_text(text: str) -> None:
    for problem in attempt(lambda: reads_rig(text)):
        assert LINE.fullmatch(problem), problem


@given(st.text())
@example("a = " + "[" * 5000)
@example("a = " + "9" * 5000)
@example("[device.a]\nvid = 0x" + "f" * 5000)
@example("[device.a]\nlimits = { latency = 0x" + "f" * 5000 + " }")
@example("[device.a]\nserial = 99999-99-99")
@example('[device."a\\nb"]\nvid = 1\n"c\\u2028" = 2')
@example('[device.a]\nvid = 1\ntraits = ["a\\nb"]')
@example("a.b.c = 1\na.b.c.d = 2")
def test_any_text_is_a_rig_or_an_error_with_lines(text: str) -> None:
    attempt_text(text)


names = st.sampled_from([
    "rig", "host", "guest", "device", "kind", "name", "a", *keys.DEVICE, *TRAITS, *keys.POWER["uhubctl"], *keys.LIMITS,
]) | st.text(max_size=4)  # fmt: skip
words = st.sampled_from([*keys.HOSTS, *keys.GUESTS, *keys.POWER, *TRAITS, "1-2", "read-only", "destructive"])
scalars = words | st.text(max_size=8) | st.integers() | st.floats() | st.booleans()
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))
devices = st.dictionaries(names, st.dictionaries(names, values, max_size=5) | values, max_size=3)
documents = st.dictionaries(names, values | devices, max_size=5) | devices.map(lambda found: {"device": found})


def toml(value: Any) -> str:
    match value:
        case dict():
            return f"{{ {', '.join(f'{quoted(key)} = {toml(each)}' for key, each in value.items())} }}"
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case _:
            return str(value)


@given(documents)
def test_any_values_at_known_keys_are_a_rig_or_an_error_with_lines(document: dict[str, Any]) -> None:
    text = "".join(f"{quoted(key)} = {toml(value)}\n" for key, value in document.items())
    tomllib.loads(text)
    attempt_text(text)


@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_rig_or_an_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "rig.toml"
    path.write_bytes(data)
    assert all(problem.startswith(str(path)) for problem in attempt(lambda: read_rig(path)))


@given(st.lists(whole_infos, max_size=4, unique_by=lambda info: info.busid), st.sampled_from(["", "emulated"]), texts)
def test_a_suggestion_is_a_rig_whose_entries_fit_one_device_each(
    plugged: list[DeviceInfo], virtual: str, name: str
) -> None:
    numbered = [_at(info, number) for number, info in enumerate(plugged, 1)]
    source = Source(virtual, [f"kind{number}" for number in range(len(plugged))]) if virtual else Source()
    rig = reads_rig(suggest(numbered, Facts(), name.strip() or "rig", source), Path("rig.toml"))
    found = [find(entry, numbered) for entry in rig.devices]
    assert len({info.busid for info in found}) == len(found)
    for entry, info in zip(rig.devices, found, strict=True):
        assert entry.traits == {"any", *recognised(info)}


def _at(info: DeviceInfo, number: int) -> DeviceInfo:
    return replace(info, busid=f"1-{number}", port_path=f"pci-usbv2-{number}")
