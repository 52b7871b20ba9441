"""`directpush analyze`: the main job, the verdict first."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyzer.commands.common import check_target, guard, read_view, write_page
from analyzer.commands.options import (
    BLOCK_MIB,
    Block,
    Debug,
    Devices,
    Engine,
    Engines,
    FailOn,
    Format,
    KeyLogs,
    Ports,
    Pseudonymize,
    Quiet,
    RsaKeys,
    SomeCaptures,
)

if TYPE_CHECKING:
    from analyzer.view import View


def analyze(
    captures: SomeCaptures = None,
    *,
    keylog: KeyLogs = None,
    rsa_key: RsaKeys = None,
    json: Annotated[bool, typer.Option("--json", help="All tables as JSON instead of the summary.")] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the interactive page too.")] = None,
    tables: Annotated[Path | None, typer.Option("--tables", metavar="DIR", help="Write the tables too.")] = None,
    format: Annotated[Format, typer.Option("--format", help="File format for --tables.")] = Format.PARQUET,
    device: Devices = None,
    pseudonymize: Pseudonymize = False,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit code 1 when there are such findings.")
    ] = FailOn.NEVER,
    engine: Engines = Engine.BUILTIN,
    interface: Annotated[
        str | None,
        typer.Option("--interface", metavar="NAME", help="Capture here with tshark until Ctrl-C, in place of CAPTURE."),
    ] = None,
    seconds: Annotated[
        int | None, typer.Option("--seconds", min=1, help="With --interface: no longer than this.")
    ] = None,
    notify_port: Ports = None,
    block_size: Block = BLOCK_MIB,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Every wait, every premature end, with frames.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say how push fares: the verdict, devices and folders."""
    with guard(debug):
        if bool(captures) == bool(interface):
            raise typer.BadParameter("give either captures or --interface")
        for target in (html, tables):
            check_target(target)
        view = read_view(
            captures or [],
            keylogs=keylog,
            rsa_keys=rsa_key,
            devices=device,
            pseudonymize=pseudonymize,
            engine=engine,
            notify_ports=notify_port,
            block_mib=block_size,
            quiet=quiet,
            interface=interface,
            seconds=seconds,
        )
        if html is not None:
            write_page(view, html)
        if tables is not None:
            from analyzer.reports.files import write_tables

            write_tables(view.tables, tables, format.value)
        if json:
            from analyzer.reports import json_report

            json_report.write(view.tables, sys.stdout)
        elif html != Path("-"):
            _print_summary(view, verbose=verbose, html=html is not None)
            if len(captures or ()) == 2 and not device and not pseudonymize:
                _print_pair(view, keylog or [], rsa_key or [], block_size << 20)
        sys.stdout.flush()
        if fail_on is not FailOn.NEVER and view.has_findings(fail_on.value):
            raise typer.Exit(1)


def _print_summary(view: View, *, verbose: bool, html: bool) -> None:
    from analyzer.reports import terminal

    more = [] if verbose else ["--verbose"]
    more += [] if html else ["--html report.html"]
    more += [f"directpush explain {code}" for code in view.codes()[:1]]
    out = terminal.console(sys.stdout)
    terminal.render(view.verdict, view.tables, out, verbose=verbose, more=" · ".join(more) or None)


def _print_pair(view: View, keylog: list[Path], rsa_key: list[Path], block_bytes: int) -> None:
    """What two captures of the same connections tell together, where these are such."""
    from analyzer.pair.recognise import device_side_first, same_connections
    from analyzer.tables import read

    seen = same_connections(read.source(view.tables, "connections"))
    sides = device_side_first(seen, read.source(view.tables, "transactions")) if seen else None
    if sides is None or not all(Path(name).is_file() for name in sides):  # a pipe gives its bytes only once
        return
    from analyzer.pair import pair, report
    from analyzer.pair.summary import summarise
    from analyzer.reports import terminal
    from analyzer.secrets import PASSWORD_VARIABLE

    password = os.environ.get(PASSWORD_VARIABLE)
    found = pair(*sides, keylog, rsa_key=rsa_key, rsa_password=password, block_bytes=block_bytes)
    out = terminal.console(sys.stdout)
    out.print(f"\nBetween the two captures (directpush pair {' '.join(map(shlex.quote, sides))}):\n")
    report.render(found, summarise(found), out)
