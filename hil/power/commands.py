"""Running a program that switches power, on the machine that the hub is plugged into."""

from __future__ import annotations

from collections.abc import Sequence

from hil.errors import CommandFailedError, CommandTimeoutError
from hil.places.place import Place
from hil.vm.remote import Command, Result
from wslusb.printable import printable

from .switch import PowerError

__all__ = ["first_line", "last_line", "run"]

_SECONDS = 30.0
_NOT_FOUND = 127
_MOST_TOLD = 300


def run(place: Place, command: Command, program: str, install: str) -> Result:
    """How it ended. PowerError if it could not be started (``install``: what to do then), did not end, or babbled."""
    try:
        result = place.run(command, check=False, timeout=_SECONDS)
    except CommandTimeoutError as error:
        hint = f"run it by hand on {place.name}: a hub that hangs has to be unplugged once"
        raise PowerError(f"{program} did not end within {_SECONDS:g} s", hint=hint) from error
    except CommandFailedError as error:
        raise PowerError(f"{program} cannot be run on {place.name}: {first_line(str(error))}", hint=install) from error
    if result.returncode == _NOT_FOUND:
        raise PowerError(f"{program} is not on {place.name}", hint=install)
    return result


def last_line(*texts: str) -> str:
    """The last line of the first text that has one, short enough to be told."""
    found: Sequence[str] = [line.strip() for text in texts for line in text.splitlines()[::-1] if line.strip()]
    return printable(found[0][:_MOST_TOLD]) if found else "nothing"


def first_line(text: str) -> str:
    """The first line that says something."""
    return last_line("\n".join(text.splitlines()[::-1]))
