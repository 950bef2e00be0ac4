"""A gadget whose strings, and descriptors that a host asks for beside the ordinary ones, are written byte for byte."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wslusb.usb.ids import DescriptorType

from ..gadget import ENGLISH, Gadget

__all__ = ["LANGUAGES", "WrittenGadget", "languages_descriptor", "text_descriptor"]

LANGUAGES = (0, 0)
"""Where string descriptor 0, the list of languages, is among the texts."""

_TEXT_BYTES = 252
"""bLength is one byte, and a UTF-16 unit is two."""


def text_descriptor(text: str) -> bytes:
    """USB 2.0, 9.6.7: a string, cut to the 126 UTF-16 units that fit."""
    data = text.encode("utf-16-le", "surrogatepass")[:_TEXT_BYTES]
    return bytes((len(data) + 2, DescriptorType.STRING)) + data


def languages_descriptor(languages: Iterable[int]) -> bytes:
    """USB 2.0, 9.6.7: string descriptor 0."""
    data = b"".join(struct.pack("<H", language) for language in languages)
    return bytes((len(data) + 2, DescriptorType.STRING)) + data


@dataclass(slots=True, kw_only=True)
class WrittenGadget(Gadget):
    """A :class:`Gadget` that answers just what was written, sound or not.

    ``texts`` are whole string descriptors by language and index, and the languages at :data:`LANGUAGES`; ``strings``
    of the base are what they say in the first language. ``device_qualifier`` and ``other_speeds``: None to compute
    them, empty to stall. Nothing is checked.
    """

    texts: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    device_qualifier: bytes | None = None
    other_speeds: tuple[bytes, ...] | None = None

    def __post_init__(self) -> None:
        """The descriptor's bNumConfigurations stays as it was written."""
        self.checked = False
        self._decode()

    def _decode(self) -> None:
        language = next(iter(self.languages), ENGLISH)
        known = {index: raw for (each, index), raw in self.texts.items() if each == language}
        indices = range(1, max(known, default=0) + 1)
        self.strings = tuple(known.get(index, b"")[2:].decode("utf-16-le", "replace") for index in indices)

    def rewrite(self, index: int, text: str) -> None:
        """Put another text in place of a string, in all languages."""
        self.texts = {**self.texts, **{(language, index): text_descriptor(text) for language in self.languages}}
        self._decode()

    @property
    def languages(self) -> tuple[int, ...]:
        """LANGIDs, the first being the one that hosts use."""
        data = self.texts.get(LANGUAGES, b"")[2:]
        return struct.unpack(f"<{len(data) // 2}H", data[: len(data) & ~1])

    def string_descriptor(self, index: int, language: int) -> bytes | None:
        """The bytes that were written for this language."""
        return self.texts.get((language, index) if index else LANGUAGES)

    def qualifier(self) -> bytes | None:
        """What was written, or what the speed asks for."""
        return Gadget.qualifier(self) if self.device_qualifier is None else self.device_qualifier or None

    def other_speed(self, index: int) -> bytes | None:
        """What was written, or what the speed asks for."""
        if self.other_speeds is None:
            return Gadget.other_speed(self, index)
        return self.other_speeds[index] or None if index < len(self.other_speeds) else None
