"""``wslusb help``: the same as ``--help``, for those who type it."""

from __future__ import annotations

import click

from .ending import NoSuchVerbError

__all__ = ["command"]


@click.command("help", hidden=True, help="Show the help of the program or of a verb.")
@click.argument("verb", required=False)
@click.pass_context
def command(context: click.Context, *, verb: str | None) -> None:
    """Print a help text. UsageError for a verb that does not exist."""
    parent = context.parent
    assert parent is not None  # noqa: S101 -- this is a verb of the program
    if verb is None:
        click.echo(parent.get_help())
        return
    found = parent.command.get_command(parent, verb) if isinstance(parent.command, click.Group) else None
    if found is None:
        verbs = parent.command.list_commands(parent) if isinstance(parent.command, click.Group) else []
        raise NoSuchVerbError(verb, parent, verbs)
    with click.Context(found, info_name=verb, parent=parent) as inner:
        click.echo(found.get_help(inner))
