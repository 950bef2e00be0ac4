"""Where a virtual device writes down what it was told: the file of its ``record=`` option."""

from __future__ import annotations

from pathlib import Path

from .options import Options

__all__ = ["Record"]


class Record:
    """A file that others read, move or empty while the device runs: it is opened for each piece.

    What an earlier run left is gone from the first opening of the device on. Without a path, nothing is written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._begun = False

    @classmethod
    def from_options(cls, options: Options, name: str = "record") -> Record:
        """The file that the option names. LocalError if it cannot be written."""
        return cls(options.output(name))

    @property
    def wanted(self) -> bool:
        """Whether anything is written at all."""
        return self._path is not None

    def begin(self) -> bool:
        """An empty file, the first time: for ``attached``. Whether this was that time. OSError as the file has it."""
        first, self._begun = not self._begun, True
        if first and self._path is not None:
            self._path.write_bytes(b"")
        return first

    def line(self, text: str) -> None:
        """Add a line of text."""
        self.data(f"{text}\n".encode())

    def data(self, data: bytes) -> None:
        """Add bytes."""
        self.begin()
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(data)
