"""Where a virtual device writes down what it was told: the file of its ``record=`` option."""

from __future__ import annotations

from pathlib import Path

from .options import Options, bad

__all__ = ["Record"]


class Record:
    """A file that others read, move or empty while the device runs: it is opened for each piece.

    Without a path, nothing is written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    @classmethod
    def from_options(cls, options: Options, name: str = "record") -> Record:
        """The file that the option names, emptied. LocalError if it cannot be written."""
        path = options.path(name)
        try:
            if path is not None:
                path.write_bytes(b"")
        except OSError as error:
            raise bad(f"{name}: {error}") from error
        return cls(path)

    @property
    def wanted(self) -> bool:
        """Whether anything is written at all."""
        return self._path is not None

    def line(self, text: str) -> None:
        """Add a line of text."""
        self.data(f"{text}\n".encode())

    def data(self, data: bytes) -> None:
        """Add bytes."""
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(data)
