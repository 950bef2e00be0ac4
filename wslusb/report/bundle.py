"""A bug bundle as it grows: files, and reasons why others are not there. It appears under its name when it is whole.

It is written under another name beside its place, searched for every value that was to be taken out, and then renamed:
an error, Ctrl-C or a kill leaves nothing that looks like a bundle.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from ..capture.bundle import CAPTURE, LSUSB
from ..errors import LocalError, LocalReason
from . import readme
from .redactor import Redactor, Tree

__all__ = ["Bundle"]

_CLEAN = "none was found"
_CHUNK = 1 << 20


@dataclass(slots=True)
class _Text:
    """A file of the bundle before it is redacted; ``tree`` in place of ``text`` where it is JSON."""

    name: str
    what: str
    text: str = ""
    tree: Tree = None

    def learn(self, redactor: Redactor) -> None:
        redactor.learn(self.text)
        redactor.learn_tree(self.tree)

    def shown(self, redactor: Redactor) -> str:
        if self.tree is None:
            return _visible(redactor.text(self.text))
        return _visible(json.dumps(redactor.tree(self.tree), indent=2, ensure_ascii=False) + "\n")


@dataclass(slots=True)
class _Done:
    """A file that is redacted already."""

    name: str
    what: str
    content: bytes | Path


def _visible(text: str) -> str:
    """What would move somebody's cursor or turn their text around, spelt out: a device chooses its own strings."""
    return "".join(c if c.isprintable() or c in "\n\t" else json.dumps(c)[1:-1] for c in text)


def _give_to_the_user(path: Path) -> None:
    """The file is of who typed the command, also behind sudo, and nobody else's."""
    path.chmod(0o600)
    if sys.platform != "win32" and os.getuid() == 0 and "SUDO_UID" in os.environ:
        with contextlib.suppress(OSError, ValueError):
            os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ.get("SUDO_GID", "-1")))


@dataclass(slots=True)
class Bundle:
    """With ``with``: what it keeps until it is written goes at the end.

    OSError if there is no folder for ``path``, LocalError if that is something else than a file.
    """

    path: Path
    redactor: Redactor
    device: str = "none was named"
    missing: dict[str, str] = field(default_factory=dict)
    """What is not in it, and why."""
    _texts: list[_Text] = field(default_factory=list)
    _done: list[_Done] = field(default_factory=list)
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        if self.path.exists() and not self.path.is_file():
            # Renamed over a device node, the bundle would take its place: root's -o /dev/null would be the end of that.
            raise LocalError(LocalReason.BAD_STATE, f"{self.path} is there, and is no file", hint="choose another name")
        # A folder, not only a file: the capture lies there as well, and both are the user's alone.
        try:
            self._folder = tempfile.TemporaryDirectory(
                prefix=f".{self.path.name}.", dir=self._target.parent, ignore_cleanup_errors=True
            )
        except OSError as error:
            error.filename = str(self.path)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._folder is not None  # noqa: S101 -- it was entered
        self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """Where files may lie until the bundle is written."""
        assert self._folder is not None  # noqa: S101 -- it was entered
        return Path(self._folder.name)

    @property
    def _target(self) -> Path:
        """Where a symbolic link leads, the file goes."""
        return self.path.resolve()

    # -- what is put in

    @property
    def names(self) -> list[str]:
        """The files that are in it so far."""
        return [name for name, _ in self._contents()]

    def _contents(self) -> Iterator[tuple[str, str]]:
        yield from ((each.name, each.what) for each in self._done)
        yield from ((each.name, each.what) for each in self._texts)

    def add_text(self, name: str, what: str, text: str) -> None:
        """A text, to be redacted."""
        self._texts.append(_Text(name, what, text))

    def add_json(self, name: str, what: str, tree: Tree) -> None:
        """Likewise, JSON."""
        self._texts.append(_Text(name, what, tree=tree))

    def add_redacted(self, name: str, what: str, content: str | Path) -> None:
        """What is redacted already. LocalError from :meth:`write` if it is not."""
        self._done.append(_Done(name, what, content.encode() if isinstance(content, str) else content))

    # -- the file

    def write(self) -> None:
        """Redact, write, search again, rename. LocalError(REFUSED) if a value is found that was to be taken out."""
        for text in self._texts:
            text.learn(self.redactor)
        part = self.folder / "bundle.zip"
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for each in self._done:
                if isinstance(each.content, Path):
                    archive.write(each.content, each.name)
                else:
                    archive.writestr(each.name, each.content)
            for text in self._texts:
                archive.writestr(text.name, text.shown(self.redactor))
        self._search(part)
        with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(readme.NAME, self._readme())
        self._search(part)
        _give_to_the_user(part)
        part.replace(self._target)

    def _readme(self) -> str:
        redacted = self.redactor.text
        return _visible(readme.readme(
            redacted(self.device), [(name, redacted(what)) for name, what in self._contents()],
            {what: redacted(why) for what, why in self.missing.items()}, raw=self.redactor.raw, scan=_CLEAN,
            file=redacted(self.path.name), capture=CAPTURE in self.names,
            descriptors=LSUSB in self.names,
        ))  # fmt: skip

    # -- the second look

    def _search(self, part: Path) -> None:
        if self.redactor.raw:
            return
        texts = {each.name for each in self._texts}
        with zipfile.ZipFile(part) as archive:
            for name in archive.namelist():
                if self._leaks(archive, name) or (
                    name in texts and self.redactor.finds(archive.read(name).decode("utf-8"))
                ):
                    text = f"a value that was to be taken out was found in {name}: no bundle was written"
                    raise LocalError(LocalReason.REFUSED, text, hint="please report this; it is a bug")

    def _leaks(self, archive: zipfile.ZipFile, name: str) -> bool:
        needles = self.redactor.needles
        overlap = max(map(len, needles), default=1) - 1
        before = b""
        with archive.open(name) as file:
            while piece := file.read(_CHUNK):
                window = before + piece
                if any(value in window for value in needles):
                    return True
                before = window[-overlap:] if overlap else b""
        return False
