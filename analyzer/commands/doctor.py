"""`directpush doctor`: what is here, what is missing, for what, and how to get it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.commands.common import guard
from analyzer.commands.options import Debug

if TYPE_CHECKING:
    from analyzer.doctor import Health

_SIGNS = {"ok": ("ok", "green"), "missing": ("missing", "red"), "limited": ("limited", "yellow"), "note": ("-", "")}


def doctor(
    *,
    json: Annotated[bool, typer.Option("--json", help="As JSON instead.")] = False,
    debug: Debug = False,
) -> None:
    """Say what is missing here, for what, and how to get it."""
    with guard(debug):
        from analyzer.doctor import examine

        health = examine()
        if json:
            import json as json_module

            json_module.dump(health.as_json(), sys.stdout, indent=1, ensure_ascii=False)
            sys.stdout.write("\n")
        else:
            _print(health)
        sys.stdout.flush()
        if not health.able:
            raise typer.Exit(1)


def _print(health: Health) -> None:
    from rich.table import Table
    from rich.text import Text

    from analyzer.reports import terminal

    out = terminal.console(sys.stdout)
    gone = [check for check in health.checks if check.needed and check.state == "missing"]
    if gone:
        out.print(Text(f"This cannot work yet: {', '.join(check.name for check in gone)} missing.", "bold red"))
    else:
        lacking = sum(check.state in ("missing", "limited") for check in health.checks)
        more = (
            f" {lacking} thing{'' if lacking == 1 else 's'} that some features use could be better." if lacking else ""
        )
        out.print(Text(f"Everything that the main job needs is here.{more}", "bold green"))
    out.print()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for width in (14, 7, None):
        table.add_column(min_width=width, overflow="fold")
    for check in health.checks:
        word, style = _SIGNS[check.state]
        table.add_row(Text(check.name), Text(word, style), Text(check.found))
        if check.hint:
            table.add_row("", "", Text(f"for {check.purpose}", "dim"))
            table.add_row("", "", Text(f"→ {check.hint}"))
    out.print(table)
