"""Takes out of texts what captures are redacted of, and what only texts have: names, home directories, addresses.

First everything is learned, then everything is replaced: a value is found as well where nothing around it says what it
is. Some values must be nowhere in a bundle (the device's serial number, long names); others are known from texts and
looked for in texts alone (serial numbers of other devices, short names), for bytes would hold them by chance.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator

from ..capture.secrets import Secrets
from .names import own_names, pattern

__all__ = ["Redactor", "Tree"]

Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None
"""What JSON can say."""

_SALT_SIZE = 32
_IN_CONTEXT = tuple(re.compile(text, re.MULTILINE) for text in (
    r"\b\d+-\d[\d.]*(?::[\d.]+)?: SerialNumber: *(\S.{0,255}?)[ \t]*$",  # drivers/usb/core/hub.c; not "usb usb1"
    r"^(?:serial|uniq|iSerial): *(\S.{0,255}?)[ \t]*$",
    r"\biSerial +\d+ (\S.{0,255}?)[ \t]*$",  # lsusb
    r"\b(?:HID_UNIQ|uniq|ID_(?:USB_)?SERIAL_SHORT)=[\"']?([^\s\"']+)",  # udev
    r"/by-id/[a-z0-9]{1,9}-[^\s/]{1,255}_([^\s_/'\"]{1,255}?)(?=(?:-(?:\d+:\d+|if\d+|part\d+|port\d+|event|mouse)\S*)?(?:[\s'\",;)]|$))",
    r"USB\\VID_[0-9A-F]{4}&PID_[0-9A-F]{4}\\(?!\S*-usbv\d)([^\s'\"]+)",  # without a serial number: the port
    r"\bwslusb \S+ \(([^,()]+),",  # what peers call themselves: wslusb/guest/client.py, wslusb/host/guests.py
    r"(?:/home|/Users|/media|[A-Za-z]:\\+Users|\\home)[/\\]+([^/\\\s:'\",]+)",
))  # fmt: skip
_BY_FORM = tuple(re.compile(text, re.IGNORECASE) for text in (
    r"(?<=\benx)[0-9a-f]{12}\b",  # systemd's names of network cards
    r"(?<=\bnaa\.)[0-9a-f]{16,32}\b|(?<=\beui\.)[0-9a-f]{16,32}\b|(?<=\bwwn-0x)[0-9a-f]{16,32}\b",
    r"(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+(?!(?:service|socket|slice|mount|target|scope|device|timer)\b)[a-z]{2,}\b",
    r"(?<![\w:])(?:[0-9a-f]{2}[:-]){5,}[0-9a-f]{2}(?![\w:])",  # hardware addresses
    r"(?<!\w)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?!\w)",  # UUIDs: of file systems, machines, containers
    r"(?<![\w.:-])(?!127\.)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.-])",
    r"(?<![\w:])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6})(?![\w:])",
))  # fmt: skip
_SERIAL = "serial"
_LEAST_WORD, _LEAST_ANYWHERE = 4, 6
"""Characters: of what is replaced as a word, and of what is replaced within words as well. Both in texts."""


class Redactor:
    """``raw``: nothing is taken out. ``ordinary``: words that are no names here, in lower case."""

    def __init__(self, *, raw: bool = False, ordinary: Collection[str] = ()) -> None:
        self.raw = raw
        self.salt = os.urandom(_SALT_SIZE)
        self._ordinary = set(ordinary)
        names = [] if raw else own_names(ordinary)
        self.long_names = [name for name in names if len(name) >= _LEAST_ANYWHERE]
        """What captures and descriptions are to be redacted of, too."""
        self._everywhere: set[bytes] = set()
        self._words, self._values = set(names), set(self.long_names)
        self._settle()
        self.learn_originals(self._secrets.originals)

    def _settle(self) -> None:
        """Make use of what has been learned. Longer values first: what is left of one must not be half a token."""
        self._secrets = Secrets(self.salt)
        for value in sorted(self._telling(self._values), key=len, reverse=True):
            self._secrets.add_text(value)
        self._pattern = pattern(self._telling(self._words))
        self._settled = True

    def _telling(self, values: Iterable[str]) -> list[str]:
        return [value for value in values if value.lower() not in self._ordinary]

    # -- learning

    def learn_originals(self, values: Iterable[bytes]) -> None:
        """What a capture or a description was redacted of."""
        for value in values:
            self._everywhere.add(value)
            text = value.decode("utf-8", "replace")
            if text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text:
                self._learn(text)

    def learn(self, text: str) -> None:
        """What a text tells of others."""
        for expression in _IN_CONTEXT:
            for found in expression.finditer(text):
                self._learn(found[1])

    def learn_tree(self, tree: Tree) -> None:
        """Likewise, JSON. A device whose serial number is one of its keys has one that says nothing."""
        self._ordinary |= {key.lower() for key in _keys(tree)}
        self._settled = False
        for key, value in _strings(tree):
            self._learn(value) if key == _SERIAL else self.learn(value)

    def _learn(self, value: str) -> None:
        home = self._values if len(value) >= _LEAST_ANYWHERE else self._words
        if self.raw or not value.strip("0") or len(value) < _LEAST_WORD or value in home:
            return
        home.add(value)
        self._settled = False

    # -- replacing

    def text(self, text: str) -> str:
        """The text without what has been learned, and without addresses."""
        if self.raw:
            return text
        if not self._settled:
            self._settle()
        for expression in _IN_CONTEXT:
            text = expression.sub(self._in_context, text)
        for expression in _BY_FORM:
            text = expression.sub(lambda found: self._token(found[0]), text)
        text = self._secrets.replace(text.encode("utf-8", "replace")).decode("utf-8", "replace")
        return self._pattern.sub(lambda found: self._token(found[0]), text) if self._pattern else text

    def tree(self, tree: Tree, key: str = "") -> Tree:
        """JSON, likewise. Keys stay."""
        if isinstance(tree, dict):
            return {name: self.tree(value, name) for name, value in tree.items()}
        if isinstance(tree, list):
            return [self.tree(value, key) for value in tree]
        if isinstance(tree, str):
            return self._token(tree) if key == _SERIAL and not self.raw else self.text(tree)
        return tree

    def _in_context(self, found: re.Match[str]) -> str:
        start, end = (place - found.start() for place in found.span(1))
        return found[0][:start] + self._token(found[1]) + found[0][end:]

    def _token(self, value: str) -> str:
        """As captures have it; a short one may be the value itself, by chance."""
        token = self._secrets.text_token(value)
        return token if token.lower() != value.lower() else "X" * len(value)

    # -- the second look

    @property
    def needles(self) -> list[bytes]:
        """What must be in no file of a bundle."""
        return sorted(self._everywhere)

    def finds(self, text: str) -> bool:
        """Whether something that was learned is in a text that is done."""
        raw = text.encode("utf-8", "replace")
        return any(value in raw for value in self._secrets.originals) or bool(
            self._pattern and self._pattern.search(text)
        )


def _keys(tree: Tree) -> Iterator[str]:
    children: Iterable[Tree] = tree if isinstance(tree, list) else ()
    if isinstance(tree, dict):
        yield from tree
        children = tree.values()
    for child in children:
        yield from _keys(child)


def _strings(tree: Tree, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _strings(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from _strings(value, key)
    elif isinstance(tree, str):
        yield key, tree
