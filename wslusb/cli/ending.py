"""Every way that a program can end is a message and an exit code: for ``wslusb``, and for the programs beside it.

A program finds its verbs by name, and imports each when it is needed.
"""

from __future__ import annotations

import difflib
import errno
import importlib
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import click

from ..errors import WslusbError
from . import output
from .output import ExitCode

__all__ = ["Ending", "NoSuchVerbError", "guarded"]

_MOST_MEANT = 3


def guarded(work: Callable[[], object], program: str) -> int:
    """Run ``work``; say in the name of ``program`` what went wrong, if something did; the exit code."""
    with output.speaking_as(program):
        return _guarded(work)


def _guarded(work: Callable[[], object]) -> int:
    try:
        code = work()
        sys.stdout.flush()  # here, where a closed pipe is caught
    except (click.Abort, KeyboardInterrupt):
        output.error("cancelled")
        return ExitCode.CANCELLED
    except click.ClickException as error:
        return _usage(error)
    except WslusbError as error:
        _trace()
        output.error(str(error), error.hint)
        return output.exit_code(error)
    except OSError as error:
        return _system(error)
    except Exception as error:  # noqa: BLE001 -- a user sees one line, whatever happened
        _trace()
        output.error(
            f"internal error: {type(error).__name__}: {error}", "set WSLUSB_DEBUG=1, and report what it prints"
        )
        return ExitCode.FAILURE
    return code if isinstance(code, int) else ExitCode.SUCCESS


def _usage(error: click.ClickException) -> int:
    context = error.ctx if isinstance(error, click.UsageError) else None
    text, meant = error.format_message(), list[str]()
    if isinstance(error, click.NoSuchOption):
        text, meant = f"No such option {error.option_name!r}.", _close(error.option_name, error.possibilities or ())
    elif isinstance(error, NoSuchVerbError):
        meant = error.possibilities
    hints = [f"did you mean {' or '.join(map(repr, meant))}?"] if meant else []
    hints += [f"see '{context.command_path} --help'"] if context else []
    output.error(text, " ".join(hints))
    return ExitCode.USAGE if isinstance(error, click.UsageError) else ExitCode.FAILURE


def _system(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        # The reader has what it wanted. Nothing more can be written, not even by the interpreter's own last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILURE
    _trace()
    where = f"{error.filename}: " if error.filename else ""
    output.error(f"{where}{error.strerror or error}", _next_step(error))
    return ExitCode.ACCESS_DENIED if isinstance(error, PermissionError) else ExitCode.FAILURE


def _next_step(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "use sudo"
    folder = Path(os.fsdecode(error.filename)).parent if isinstance(error.filename, str | bytes) else Path()
    if isinstance(error, FileNotFoundError) and not folder.exists():
        return f"there is no folder {folder}: make it, or choose another place"
    return ""


def _trace() -> None:
    if debug_wanted():
        import traceback

        traceback.print_exc()


def debug_wanted() -> bool:
    """Whether the user wants tracebacks: ``--debug`` sets the variable, for the processes below this one too."""
    return os.environ.get("WSLUSB_DEBUG", "").lower() not in ("", "0", "no", "false")


class NoSuchVerbError(click.UsageError):
    """A verb that does not exist. ``possibilities``: those that may have been meant."""

    def __init__(self, name: str, context: click.Context, verbs: Sequence[str]) -> None:
        super().__init__(f"No such command {name!r}.", context)
        self.possibilities = _close(name, verbs)


def _close(name: str, known: Sequence[str]) -> list[str]:
    """Those that look much like ``name``. Dashes do not count: all options begin with them."""
    bare = {each.strip("-"): each for each in known}
    return [bare[each] for each in difflib.get_close_matches(name.strip("-"), bare, _MOST_MEANT)]


class Ending(click.Group):
    """A group that ends as docs/cli.md says. ``program`` is its name in messages, ``called`` what a user types.

    ``verbs`` are in the order of ``--help``, each with the module beside the program's own that has it as ``command``;
    ``unlisted`` are more, which ``--help`` does not show.
    """

    program: ClassVar[str]
    called: ClassVar[str]
    verbs: ClassVar[Mapping[str, str]]
    unlisted: ClassVar[Mapping[str, str]] = {}

    def __init__(self, name: str, **keywords: Any) -> None:
        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
        super().__init__(name, **{**keywords, "invoke_without_command": True, "context_settings": settings})

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb. Without one: the help, and the exit code of wrong usage."""
        code = super().invoke(ctx)
        if ctx.invoked_subcommand is not None:
            return code
        click.echo(ctx.get_help(), err=True)
        return ExitCode.USAGE

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """The verbs."""
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- likewise
        """Import one verb."""
        module = {**self.verbs, **self.unlisted}.get(cmd_name)
        if module is None:
            return None
        package = type(self).__module__.rpartition(".")[0]
        command: click.Command = importlib.import_module(f"{package}.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb. NoSuchVerbError for one that does not exist."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise NoSuchVerbError(args[0], ctx, self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run a command line and end the process."""
        extra["standalone_mode"] = False
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A terminal that cannot show a device's name is no reason not to show the device.
                stream.reconfigure(errors="backslashreplace")

        def work() -> object:
            return super(Ending, self).main(args, prog_name or self.called, **extra)

        sys.exit(guarded(work, self.program))
