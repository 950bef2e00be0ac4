"""wslusb.device.registry: names, entry points, packages of a checkout."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from wslusb.device import registry
from wslusb.device.provider import LibusbProvider
from wslusb.device.registry import known_providers, load_provider
from wslusb.errors import LocalError, LocalReason


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_package_with_a_function(packages: Path) -> None:
    (packages / "made_up_devices.py").write_text("def device_provider(argument): return ['made up', argument]\n")
    made: list[Any] = [load_provider("made_up_devices:a:b"), load_provider("made_up_devices")]
    assert made == [["made up", "a:b"], ["made up", ""]]


def test_entry_point_comes_first(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (packages / "plugin_of_libusb.py").write_text("def make(argument): return argument.upper()\n")
    point = EntryPoint("libusb", "plugin_of_libusb:make", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **wanted: EntryPoints([point]).select(**wanted))
    made: Any = load_provider("libusb:x")
    assert made == "X"
    assert known_providers() == ["libusb", "replay"]


@pytest.mark.skipif(sys.platform != "linux", reason="there is no other host system yet")
def test_libusb_is_there_without_an_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda **_: EntryPoints([]))
    provider = load_provider("libusb")
    assert isinstance(provider, LibusbProvider)
    assert provider.name == "libusb"
    provider.close()


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("", LocalReason.BAD_ADDRESS),
        (":x", LocalReason.BAD_ADDRESS),
        ("../x", LocalReason.BAD_ADDRESS),
        (".x", LocalReason.BAD_ADDRESS),
        ("no_such_provider", LocalReason.NOT_FOUND),
        ("no_such.provider", LocalReason.NOT_FOUND),
        ("json", LocalReason.NOT_FOUND),
        ("libusb:argument", LocalReason.BAD_ADDRESS),
    ],
)
def test_errors_are_one_line_and_name_what_there_is(spec: str, reason: LocalReason) -> None:
    with pytest.raises(LocalError) as caught:
        load_provider(spec)
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)
    assert "libusb" in str(caught.value) + caught.value.hint


def test_package_that_lacks_something_is_not_called_unknown(packages: Path) -> None:
    (packages / "needs_more.py").write_text("import not_there_at_all\n")
    with pytest.raises(LocalError, match="not_there_at_all") as caught:
        load_provider("needs_more")
    assert caught.value.reason == LocalReason.MISSING


def test_without_a_checkout_the_emulator_says_where_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "emulator", None)
    monkeypatch.setattr(registry, "entry_points", lambda **_filter: EntryPoints())
    with pytest.raises(LocalError, match="no device provider 'emulator'") as caught:
        load_provider("emulator:storage")
    assert "python -m wslusb serve" in caught.value.hint
    assert "pip install -e ." in caught.value.hint
