"""`directpush pair`: the device's side and the server's side of the same connections, and what only both can tell."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from analyzer.commands.common import guard, progress_bar, warn
from analyzer.commands.options import BLOCK_MIB, Block, Debug, FailOn, KeyLogs, Quiet, RsaKeys


def pair(
    device_side: Annotated[str, typer.Argument(metavar="DEVICE_SIDE", help="Capture taken near the devices.")],
    server_side: Annotated[str, typer.Argument(metavar="SERVER_SIDE", help="Capture taken near the server.")],
    *,
    keylog: KeyLogs = None,
    rsa_key: RsaKeys = None,
    json: Annotated[bool, typer.Option("--json", help="Everything as JSON instead of the summary.")] = False,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit code 1 when something between the captures is at fault.")
    ] = FailOn.NEVER,
    block_size: Block = BLOCK_MIB,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Every connection, with its packets.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compare two captures of the same connections: who cut them, and where."""
    with guard(debug):
        from analyzer.pair import pair as compare
        from analyzer.pair import report
        from analyzer.pair.summary import summarise
        from analyzer.reports import terminal
        from analyzer.secrets import PASSWORD_VARIABLE

        with progress_bar(quiet) as progress:
            found = compare(
                device_side,
                server_side,
                keylog or [],
                rsa_key=rsa_key or [],
                rsa_password=os.environ.get(PASSWORD_VARIABLE),
                block_bytes=block_size << 20,
                progress=progress,
            )
        warn(found.warnings, quiet)
        summary = summarise(found)
        if json:
            report.write_json(found, summary, sys.stdout)
        else:
            report.render(found, summary, terminal.console(sys.stdout), verbose=verbose)
        sys.stdout.flush()
        levels = {FailOn.ERROR: ("error",), FailOn.WARNING: ("error", "warning"), FailOn.NEVER: ()}
        if summary.severity in levels[fail_on]:
            raise typer.Exit(1)
