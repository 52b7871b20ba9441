"""The command line: `directpush COMMAND`. The commands are in `commands/`, one file each.

Data goes to standard output, words to standard error. Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage or
unreadable input, 130 interrupted. Everything that takes time to import is imported in the function that needs it, so
that `--help` answers at once.
"""

from __future__ import annotations

import gc
import os
import sys
from copy import copy
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated

import typer

from analyzer import commands
from analyzer.commands.common import complain
from analyzer.commands.plain_options import PlainCommand, PlainGroup

app = typer.Typer(
    name="directpush",
    cls=PlainGroup,
    help="Who killed the push? Analyzes captures of Exchange ActiveSync Direct Push.",
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback is shown with --debug only
    rich_markup_mode=None,  # plain help: importing rich would double the time that --help takes
)


def main() -> None:
    """Entry point of the `directpush` command."""
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # numpy starts threads for linear algebra, of which there is none
    asked = copy(app)  # with the one command that is meant, as far as that is plain: typer takes a while to build all
    named = [command for command in app.registered_commands if [command.name] == sys.argv[1:2]]
    asked.registered_commands = named or app.registered_commands
    gc.disable()  # one job, then the end: looking for cycles takes 80 ms while modules are imported, and there are few
    try:
        code = asked(standalone_mode=False, prog_name="directpush")
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's own complaints have it, whatever typer calls their class
            raise
        complain(error.format_message(), f"{getattr(getattr(error, 'ctx', None), 'command_path', 'directpush')} --help")
        code = 2
    gc.freeze()  # the interpreter would go through all objects three times more before it ends
    gc.enable()
    sys.exit(code if isinstance(code, int) else 0)


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"directpush {installed('directpush')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def _add_commands() -> None:
    names = {module.name for module in iter_modules(commands.__path__)}.difference(commands.SHARED)
    known = [name for name in commands.ORDER if name in names]
    for name in [*known, *sorted(names.difference(known))]:
        app.command(name, cls=PlainCommand)(getattr(import_module(f"{commands.__name__}.{name}"), name))


_add_commands()

if __name__ == "__main__":
    main()
