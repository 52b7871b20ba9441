"""`directpush explain`: the manual, page by page."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from analyzer.commands.common import complain, guard


def explain(
    topic: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC]", help="A rule (DP101), TABLE, TABLE.COLUMN, a heading (asked), a status (Ping 5)."
        ),
    ] = None,
) -> None:
    """Say what a finding, a table, a column, a heading or a status number means."""
    with guard(debug=False):
        import shutil

        from analyzer import explain as pages

        width = min(shutil.get_terminal_size((100, 24)).columns, 110)
        wanted = " ".join(topic or [])
        page = pages.explain(wanted, width) if wanted else pages.contents(width)
        if page is None:
            close = pages.close_to(wanted)
            complain(
                f"nothing is known about {wanted!r}",
                f"did you mean {' or '.join(close)}?" if close else "directpush explain lists what can be explained",
            )
            raise typer.Exit(2)
        sys.stdout.write(page)
        sys.stdout.flush()
