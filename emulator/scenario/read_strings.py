"""String descriptors of a scenario file, by index and language, or where they are used."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from ..gadget import ENGLISH
from .gadget import LANGUAGES, languages_descriptor, text_descriptor
from .tree import Fields, Node

__all__ = ["Strings"]

_LANGUAGE = re.compile(r"0x[0-9a-fA-F]{4}")


class Strings:
    """String descriptors: those that the file gives an index, and those that stand where they are used."""

    def __init__(self, fields: Fields) -> None:
        self.texts: dict[tuple[int, int], bytes] = {}
        languages = self._languages(fields.get("languages"))
        self._language = languages[0] if languages else ENGLISH
        node = fields.get("strings")
        for key, value in node.entries() if node else ():
            if isinstance(value.value, dict) and _LANGUAGE.fullmatch(key):
                self._read(int(key, 16), value)
            else:
                self._read_one(self._language, key, value)
        if languages is not None:
            self.texts[LANGUAGES] = self.texts.get(LANGUAGES, languages_descriptor(languages))
        self._indices = {value: index for (language, index), value in self.texts.items() if language == self._language}

    def _languages(self, node: Node | None) -> Sequence[int] | None:
        """None where the file does not say. Odd bytes are kept as they are."""
        if node is None:
            return None
        if not isinstance(node.value, str):
            return [item.integer(0, 0xFFFF) for item in node.items()]
        raw = self.texts[LANGUAGES] = node.hexadecimal()
        return [language for (language,) in struct.iter_unpack("<H", raw[2 : len(raw) & ~1])]

    def _read(self, language: int, table: Node) -> None:
        for key, value in table.entries():
            self._read_one(language, key, value)

    def _read_one(self, language: int, key: str, value: Node) -> None:
        if not re.fullmatch(r"[0-9]{1,3}", key) or not 0 < int(key) <= 0xFF:
            value.complain("the key of a string is its index, 1 to 255, or a table of strings is that of a LANGID")
        if isinstance(value.value, dict):
            raw = value.fields("hex").need("hex").hexadecimal()
        else:
            raw = text_descriptor(_unicode(value))
        self.texts[language, int(key)] = raw

    def index(self, fields: Fields, key: str) -> int:
        """A string field: an index, or a text that gets one."""
        node = fields.get(key)
        if node is None or isinstance(node.value, int):
            return 0 if node is None else node.integer(0, 0xFF)
        text = text_descriptor(_unicode(node))
        if text not in self._indices:
            free = next((number for number in range(1, 0x100) if (self._language, number) not in self.texts), 0)
            if not free:
                node.complain("a device has at most 255 strings")
            self._indices[text] = free
            self.texts[self._language, free] = text
        return self._indices[text]

    def finish(self) -> dict[tuple[int, int], bytes]:
        """All of them, and the list of languages if the file has none."""
        if self.texts and LANGUAGES not in self.texts:
            self.texts[LANGUAGES] = languages_descriptor((self._language,))
        return dict(sorted(self.texts.items()))


def _unicode(node: Node) -> str:
    text = node.text()
    if len(text.encode("utf-16-le", "surrogatepass")) > 2 * 126:
        node.expected("a text of at most 126 UTF-16 units")
    return text
