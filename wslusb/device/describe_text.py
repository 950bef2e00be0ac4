"""A description as a scenario file (docs/scenarios.md): ``wslusb serve --device emulator:./FILE`` serves it again."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import LocalError
from ..printable import printable
from ..usb.descriptors import DeviceDescriptor, split
from ..usb.ids import ClassCode, DescriptorType, Speed
from .describe import Description

__all__ = ["device_part", "quoted", "to_toml"]

_ENGLISH = 0x0409
_INDENT = "    "
_ROW = 16
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def to_toml(found: Description) -> str:
    """The whole file."""
    head = "".join(f"{line}\n" for line in _head(found))
    return f"{head}\nsummary = {quoted(found.info.description)}\n{device_part(found)}"


def device_part(found: Description) -> str:
    """What a scenario says of descriptors and strings: keys first, then tables."""
    parts = [[*_speed(found), *_bytes_of_the_device(found)], list(_strings(found)), list(_reports(found))]
    return "\n".join("".join(f"{line}\n" for line in part) for part in parts if part)


def _head(found: Description) -> Iterator[str]:
    info = found.info
    yield _comment(f"{info.hardware_id} {info.description}, written by 'wslusb describe'.")
    if found.unread:
        yield "#"
        yield "# Not read:"
        for sentence in found.unread:
            yield _comment(f"- {sentence}")


def _speed(found: Description) -> Iterator[str]:
    if found.info.speed in (Speed.UNKNOWN, Speed.WIRELESS):
        yield "# The speed is not known; without one it is high."
    else:
        yield f"speed = {quoted(found.info.speed.name.lower())}"


def _bytes_of_the_device(found: Description) -> Iterator[str]:
    device = DeviceDescriptor.unpack(found.device)
    kind = f", class {_class_name(device.device_class)}" if device.device_class else ""
    yield _comment(f"USB {device.bcd_usb >> 8:x}.{device.bcd_usb & 0xFF:02x}{kind}, version {device.bcd_device:#06x}")
    yield f'device = "{found.device.hex(" ")}"'
    yield "configurations = ["
    for number, raw in enumerate(found.configurations):
        if raw[5:6] == bytes((found.info.active_configuration,)) and number:
            yield f"{_INDENT}# this one was active"
        yield f"{_INDENT}{_block(raw, _INDENT)},"
    yield "]"
    if found.bos:
        yield f"bos = {_block(found.bos)}"
    if found.qualifier is not None:
        yield f'qualifier = "{found.qualifier.hex(" ")}"{"" if found.qualifier else " # the device stalls this"}'
    if found.other_speeds == ():
        yield "other_speeds = []"
    elif found.other_speeds is not None:
        yield "other_speeds = ["
        for raw in found.other_speeds:
            yield f"{_INDENT}{_block(raw, _INDENT)},"
        yield "]"
    if found.languages is not None:
        yield f"languages = {_languages(found.languages)}"


def _languages(raw: bytes) -> str:
    plain = len(raw) >= 2 and len(raw) % 2 == 0 and raw[:2] == bytes((len(raw), DescriptorType.STRING))
    if not plain:
        return f'"{raw.hex(" ")}"'
    numbers = (int.from_bytes(raw[at : at + 2], "little") for at in range(2, len(raw), 2))
    return f"[{', '.join(f'{number:#06x}' for number in numbers)}]"


def _strings(found: Description) -> Iterator[str]:
    languages_known = (found.languages or b"")[2:4]
    first = int.from_bytes(languages_known, "little") if len(languages_known) == 2 else _ENGLISH
    languages = dict.fromkeys(language for language, _ in found.strings)
    if found.texts or first in languages:
        yield "[strings]"
    for index, text in sorted(found.texts.items()):
        yield f"{index} = {quoted(text)} # as the system shows it"
    yield from _strings_of(found, first)
    for language in languages:
        if language != first:
            yield ""
            yield f"[strings.{language:#06x}]"
            yield from _strings_of(found, language)


def _strings_of(found: Description, language: int) -> Iterator[str]:
    for (each, index), raw in sorted(found.strings.items()):
        if each == language:
            yield f"{index} = {_string(raw)}"


def _string(raw: bytes) -> str:
    """The text where that gives the same bytes again, else the bytes."""
    text = raw[2:].decode("utf-16-le", "replace")
    data = text.encode("utf-16-le")
    same = raw == bytes((len(data) + 2 & 0xFF, DescriptorType.STRING)) + data and len(data) <= 252
    return quoted(text) if same else f'{{ hex = "{raw.hex(" ")}" }}'


def _reports(found: Description) -> Iterator[str]:
    if found.hid_reports:
        yield "[hid_reports] # by interface"
    for number, raw in sorted(found.hid_reports.items()):
        yield f'{number} = """\n{_rows(raw, _INDENT)}{_INDENT}"""'


def _class_name(number: int) -> str:
    names = {int(code): code.name.lower() for code in ClassCode}
    return names.get(number, f"{number:#04x}")


def _block(raw: bytes, indent: str = "") -> str:
    """Bytes, a descriptor a line."""
    if not raw:
        return '""'
    try:
        lines = "".join(f"{indent}{_INDENT}{piece.hex(' ')}\n" for piece in split(raw))
    except LocalError:  # they do not follow each other to the end
        lines = _rows(raw, indent + _INDENT)
    return f'"""\n{lines}{indent}"""'


def _rows(raw: bytes, indent: str) -> str:
    return "".join(f"{indent}{raw[at : at + _ROW].hex(' ')}\n" for at in range(0, len(raw), _ROW))


def _comment(text: str) -> str:
    return "# " + printable(" ".join(text.split()))


def quoted(text: str) -> str:
    """A TOML basic string (TOML 1.0, "String")."""
    return '"' + "".join(_ESCAPES.get(letter) or _escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    number = ord(letter)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
