"""An imported device as a scenario file (docs/scenarios.md): its bytes, its strings, and what it said to requests."""

from __future__ import annotations

import json
from collections.abc import Iterator

from wslusb.usb.ids import Speed

from .evidence import Key
from .imported import Imported
from .replay import ReplayFirmware

__all__ = ["scenario_text"]

_SPEEDS = {Speed.LOW: "low", Speed.FULL: "full", Speed.HIGH: "high", Speed.SUPER: "super", Speed.SUPER_PLUS: "super"}
_REPORT = (0x81, 6, 0x2200)
_BYTES_A_LINE = 32


def scenario_text(imported: Imported, source: str) -> str:
    """The whole file. ``source`` is told in a comment, and so is everything that the source does not hold."""
    return "\n".join((*_head(imported, source), *_gadget(imported), *_answers(imported))) + "\n"


def _head(imported: Imported, source: str) -> Iterator[str]:
    yield _comment(f"Imported from {source}, device {imported.name}.")
    for line in imported.missing:
        yield _comment(line)
    gadget = imported.model.gadget
    yield f'name = "{gadget.device.vendor:04x}:{gadget.device.product:04x}"'
    yield f"summary = {_text(gadget.string(gadget.device.product_string) or 'a device without a name')}"


def _comment(line: str) -> str:
    return "# " + "".join(each if each.isprintable() else "?" for each in line)


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are among its own, and half a surrogate pair is no text to either."""
    return json.dumps(
        value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), ensure_ascii=False
    ).replace("\x7f", "\\u007f")


def _hex(data: bytes) -> str:
    if len(data) <= _BYTES_A_LINE:
        return f'"{data.hex(" ")}"'
    rows = (data[index : index + _BYTES_A_LINE].hex(" ") for index in range(0, len(data), _BYTES_A_LINE))
    return '"""\n' + "\n".join(rows) + '"""'


def _gadget(imported: Imported) -> Iterator[str]:
    gadget = imported.model.gadget
    yield f'speed = "{_SPEEDS.get(gadget.speed, "high")}"'
    yield f"device = {_hex(gadget.device.pack())}"
    yield "configurations = ["
    for each in gadget.configurations:
        yield f"{_hex(each.pack())},"
    yield "]"
    if gadget.bos:
        yield f"bos = {_hex(gadget.bos)}"
    if gadget.strings:
        yield "\n[strings]"
        yield from (f"{index} = {_text(text)}" for index, text in enumerate(gadget.strings, 1))
    if reports := {key[3]: answers[0] for key, answers in _requests(imported).items() if key[:3] == _REPORT}:
        yield "\n[hid_reports]"
        yield from (f"{interface} = {_hex(report)}" for interface, report in sorted(reports.items()))


def _requests(imported: Imported) -> dict[Key, tuple[bytes, ...]]:
    firmware = imported.model.firmware
    return firmware.answers if isinstance(firmware, ReplayFirmware) else {}


def _answers(imported: Imported) -> Iterator[str]:
    for (request_type, request, value, index), answers in _requests(imported).items():
        if (request_type, request, value) == _REPORT:
            continue
        yield "\n[[control]]"
        yield f"request_type = {request_type:#04x}"
        yield f"request = {int(request):#04x}"
        yield f"value = {value:#06x}"
        yield f"index = {index:#06x}"
        if request_type & 0x80:
            listed = ", ".join(f"{{ hex = {_hex(each)} }}" for each in answers)
            yield f"answer = [{listed}]"
            yield 'repeat = "last"'
